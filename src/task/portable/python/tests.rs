//! Values to Python's and back.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ndarray::{Array1, Array2, ArrayD, arr2};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::task::portable::python::array::Order;
use crate::task::portable::python::{MARK, PyArray, PyValue};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box(i32, i32),
    Named { name: String, inner: Option<Box<Shape>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64),
    float: f64,
    narrow: f32,
    text: String,
    letter: char,
    maybe: Option<i64>,
    nothing: (),
    shapes: Vec<Shape>,
    by_number: BTreeMap<i64, String>,
    by_pair: BTreeMap<(u8, bool), Vec<u8>>,
    unique: BTreeSet<String>,
    fixed: [u16; 3],
}

fn there_and_back<T: Serialize + DeserializeOwned + 'static>(value: &T) -> T {
    PyValue::of(value).unwrap().decode().unwrap()
}

fn error<T: DeserializeOwned + std::fmt::Debug + 'static>(value: &PyValue) -> String {
    value.decode::<T>().unwrap_err().to_string()
}

fn text(text: &str) -> PyValue {
    PyValue::Str(text.into())
}

fn dict<const N: usize>(entries: [(&str, PyValue); N]) -> PyValue {
    PyValue::Dict(entries.into_iter().map(|(name, value)| (text(name), value)).collect())
}

fn rust<T: Serialize>(value: &T) -> PyValue {
    PyValue::Bytes(postcard::to_extend(value, MARK.to_vec()).unwrap().into())
}

#[test]
fn values_have_pythons_forms() {
    let shapes = [
        (Shape::Point, r#""Point""#),
        (Shape::Circle(1.0), r#"{"Circle": 1.0}"#),
        (Shape::Box(1, 2), r#"{"Box": tuple[1, 2]}"#),
        (Shape::Named { name: "n".to_owned(), inner: None }, r#"{"Named": {"name": "n", "inner": None}}"#),
    ];
    for (shape, form) in shapes {
        assert_eq!(format!("{:?}", PyValue::of(&shape).unwrap()), form);
        assert_eq!(there_and_back(&shape), shape);
    }
    assert_eq!(PyValue::of(&BTreeMap::from([(vec![1], 2)])).unwrap(), {
        PyValue::Dict(vec![(PyValue::Tuple(vec![PyValue::Int(1)]), PyValue::Int(2))])
    });
    assert!(PyValue::of(&BTreeMap::from([(BTreeMap::from([(1, 1)]), 2)])).is_err());
}

#[test]
fn what_python_gives_is_taken_for_what_it_is() {
    let int = PyValue::Int;
    assert_eq!(int(3).decode::<f64>().unwrap(), 3.0);
    assert_eq!(int(255).decode::<u8>().unwrap(), 255);
    assert_eq!(text("é").decode::<char>().unwrap(), 'é');
    assert_eq!(text("Point").decode::<Shape>().unwrap(), Shape::Point);
    assert_eq!(PyValue::Tuple(vec![int(1), int(2)]).decode::<Vec<i64>>().unwrap(), [1, 2]);
    assert_eq!(PyValue::Set(vec![int(2), int(1)]).decode::<BTreeSet<i64>>().unwrap(), BTreeSet::from([1, 2]));
    assert_eq!(PyValue::List(vec![int(1), text("a")]).decode::<(i64, String)>().unwrap(), (1, "a".to_owned()));
    assert_eq!(PyValue::Bytes(Bytes::from_static(b"ab")).decode::<Vec<u8>>().unwrap(), b"ab");
    assert_eq!(PyValue::None.decode::<Option<i64>>().unwrap(), None);
    assert_eq!(dict([("Circle", int(1))]).decode::<Shape>().unwrap(), Shape::Circle(1.0));
    let json = dict([("a", PyValue::List(vec![PyValue::None, PyValue::Bool(true), PyValue::Float(0.5)]))]);
    assert_eq!(json.decode::<serde_json::Value>().unwrap(), serde_json::json!({"a": [null, true, 0.5]}));
}

#[test]
fn what_is_of_another_type_is_refused_and_both_types_and_the_place_are_told() {
    #[derive(Debug, Deserialize)]
    struct Row {
        #[allow(dead_code)]
        n: i64,
    }

    #[derive(Debug, Deserialize)]
    struct Table {
        #[allow(dead_code)]
        rows: Vec<Row>,
    }

    let int = PyValue::Int;
    assert_eq!(error::<Row>(&dict([("n", text("x"))])), r#"expected i64 for field "n", Python gave the text "x""#);
    let table = dict([("rows", PyValue::List(vec![dict([("n", int(1))]), dict([("n", PyValue::None)])]))]);
    assert_eq!(error::<Table>(&table), r#"expected i64 for field "rows[1].n", Python gave None"#);
    assert_eq!(
        error::<Vec<u8>>(&PyValue::List(vec![int(1), int(256)])),
        "expected u8 for item 1, Python gave the integer 256"
    );
    assert_eq!(error::<Row>(&dict([])), "missing field `n`");
    assert_eq!(error::<i64>(&PyValue::Float(1.0)), "expected i64, Python gave the float 1.0");
    assert_eq!(error::<i64>(&PyValue::Bool(true)), "expected i64, Python gave True");
    assert_eq!(error::<bool>(&int(1)), "expected bool, Python gave the integer 1");
    assert_eq!(error::<u64>(&int(-1)), "expected u64, Python gave the integer -1");
    assert_eq!(error::<f32>(&PyValue::Float(1e300)), "expected f32, Python gave the float 1e300");
    assert_eq!(error::<char>(&text("ab")), r#"expected a character, Python gave the text "ab""#);
    assert_eq!(error::<()>(&int(1)), "expected None, Python gave the integer 1");
    assert_eq!(error::<(i64, i64)>(&PyValue::List(vec![int(1)])), "expected a tuple of 2, Python gave a list of 1");
    assert_eq!(error::<(i64,)>(&PyValue::Tuple(vec![int(1); 2])), "expected a tuple of 1, Python gave a tuple of 2");
    assert_eq!(error::<(i64,)>(&PyValue::Set(vec![int(1)])), "expected a tuple of 1, Python gave a set of 1");
    assert_eq!(error::<Vec<i64>>(&text("ab")), r#"expected a list, Python gave the text "ab""#);
    assert_eq!(error::<BTreeMap<i64, i64>>(&PyValue::None), "expected a dict, Python gave None");
    assert_eq!(error::<i64>(&PyValue::Input(0)), "expected i64, Python gave a result that is not there yet");
    let long = "é".repeat(100);
    assert!(error::<i64>(&text(&long)).ends_with("é\".."), "{}", error::<i64>(&text(&long)));
}

#[test]
fn a_variant_that_is_none_is_refused() {
    assert!(error::<Shape>(&text("Square")).contains("unknown variant `Square`"));
    assert!(error::<Shape>(&text("Circle")).contains(r#"expected a dict {"Circle": ..}"#));
    assert!(error::<Shape>(&dict([("Point", PyValue::Int(1))])).contains("expected None"));
    let error = error::<Shape>(&dict([("Circle", PyValue::None), ("Point", PyValue::None)]));
    assert_eq!(error, "expected a variant of `Shape`, Python gave a dict of 2");
}

#[test]
fn what_a_rust_task_gave_is_read_wherever_python_has_put_it() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Mixed {
        shape: Shape,
        maybe: Option<i64>,
        numbers: (i64, f64),
        texts: BTreeMap<String, String>,
    }

    let mixed = dict([
        ("shape", rust(&Shape::Box(1, 2))),
        ("maybe", rust(&Some(5_i64))),
        ("numbers", PyValue::List(vec![rust(&7_i64), PyValue::Int(1)])),
        ("texts", PyValue::Dict(vec![(rust(&"key"), rust(&"value"))])),
    ]);
    let expected = Mixed {
        shape: Shape::Box(1, 2),
        maybe: Some(5),
        numbers: (7, 1.0),
        texts: BTreeMap::from([("key".to_owned(), "value".to_owned())]),
    };
    assert_eq!(mixed.decode::<Mixed>().unwrap(), expected);
    let cut = PyValue::List(vec![PyValue::Bytes([&MARK[..], &[200]].concat().into())]);
    assert!(error::<Vec<i64>>(&cut).starts_with("expected the bytes of i64 for item 0"), "{}", error::<Vec<i64>>(&cut));
    let long = PyValue::List(vec![PyValue::Bytes([&MARK[..], &[1, 1]].concat().into())]);
    assert!(error::<Vec<i64>>(&long).contains("1 bytes are left over"));
    assert!(error::<serde_json::Value>(&rust(&1)).contains("untagged"));
}

#[test]
fn arrays_go_to_numpy_and_back() {
    let matrix = arr2(&[[1.5, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let PyValue::Array(array) = PyValue::of(&matrix).unwrap() else { panic!() };
    assert_eq!((&**array.dtype(), array.shape(), array.data().len()), ("<f8", &[2, 3][..], 48));
    assert_eq!(there_and_back(&matrix), matrix);
    // In the order of its axes, whatever its own is.
    let turned = matrix.clone().reversed_axes();
    assert_eq!(there_and_back(&turned), turned);
    assert_eq!(PyValue::of(&turned).unwrap().decode::<Vec<Vec<f64>>>().unwrap()[0], [1.5, 4.0]);
    assert_eq!(there_and_back(&matrix.clone().into_dyn()), matrix.clone().into_dyn());
    let flags = Array1::from(vec![true, false]);
    assert_eq!(there_and_back(&flags), flags);
    let bytes: ArrayD<i16> = ArrayD::zeros(vec![2, 0, 3]);
    assert_eq!(there_and_back(&bytes).shape(), [2, 0, 3]);
    let one: ArrayD<f32> = ArrayD::from_elem(vec![], 2.5);
    assert_eq!(PyValue::of(&one).unwrap().decode::<f32>().unwrap(), 2.5);
    // Inside of other values, too.
    assert_eq!(there_and_back(&(1, vec![matrix.clone()])), (1, vec![matrix]));
    // Of what is no number, it is what serde says.
    let texts = Array1::from(vec!["a".to_owned()]);
    assert!(matches!(PyValue::of(&texts).unwrap(), PyValue::Dict(_)));
    assert_eq!(there_and_back(&texts), texts);
}

#[test]
fn an_array_of_numpy_is_what_its_elements_can_be() {
    let array = |dtype: &str, shape: &[usize], data: &[u8]| {
        PyValue::Array(PyArray::new(dtype.into(), shape.to_vec(), Order::C, Bytes::copy_from_slice(data)).unwrap())
    };
    let small = array("|i1", &[2, 2], &[1, 2, 3, 0xff]);
    assert_eq!(small.decode::<Array2<f64>>().unwrap(), arr2(&[[1.0, 2.0], [3.0, -1.0]]));
    assert_eq!(small.decode::<Vec<[i64; 2]>>().unwrap(), [[1, 2], [3, -1]]);
    assert_eq!(error::<Array2<u8>>(&small), "expected u8 for item 3, Python gave the integer -1");
    assert!(error::<Array1<f64>>(&small).contains("another number of axes"), "{}", error::<Array1<f64>>(&small));
    let complex = array("<c16", &[1], &[0; 16]);
    assert_eq!(error::<Vec<f64>>(&complex), "expected a list, Python gave an array of <c16 with the shape [1]");
    assert!(error::<Array1<f64>>(&complex).contains("<c16"));
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Point),
        any::<f64>().prop_filter("not itself", |number| !number.is_nan()).prop_map(Shape::Circle),
        any::<(i32, i32)>().prop_map(|(x, y)| Shape::Box(x, y)),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| {
        (".{0,6}", inner).prop_map(|(name, inner)| Shape::Named { name, inner: Some(Box::new(inner)) })
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = (any::<(i8, i16, i32, i64, i128)>(), any::<(u8, u16, u32, u64)>(), any::<[u16; 3]>());
    let floats = (-1e30_f64..1e30, -1e30_f32..1e30);
    let texts = (".{0,8}", any::<char>(), proptest::collection::btree_set(".{0,4}", 0..4));
    let maps = (
        proptest::collection::btree_map(any::<i64>(), ".{0,4}", 0..4),
        proptest::collection::btree_map(any::<(u8, bool)>(), any::<Vec<u8>>(), 0..4),
    );
    (numbers, floats, texts, maps, any::<Option<i64>>(), proptest::collection::vec(shape(), 0..4)).prop_map(
        |((signed, unsigned, fixed), (float, narrow), (text, letter, unique), (by_number, by_pair), maybe, shapes)| {
            Everything {
                signed,
                unsigned,
                float,
                narrow,
                text,
                letter,
                maybe,
                nothing: (),
                shapes,
                by_number,
                by_pair,
                unique,
                fixed,
            }
        },
    )
}

/// Anything that could arrive.
fn any_value() -> impl Strategy<Value = PyValue> {
    let leaf = prop_oneof![
        Just(PyValue::None),
        any::<bool>().prop_map(PyValue::Bool),
        any::<i128>().prop_map(PyValue::Int),
        any::<i8>().prop_map(|number| PyValue::Int(number.into())),
        any::<f64>().prop_map(PyValue::Float),
        "[a-zA-Z]{0,6}".prop_map(|text| PyValue::Str(text.into())),
        any::<Vec<u8>>().prop_map(|bytes| PyValue::Bytes(bytes.into())),
        // Rust's, with whatever follows.
        any::<Vec<u8>>().prop_map(|bytes| PyValue::Bytes([&MARK[..], &bytes].concat().into())),
        (0_usize..4, prop_oneof![Just("<f8"), Just(">i2"), Just("|b1"), Just("<c16")]).prop_map(|(length, dtype)| {
            let width: usize = dtype[2..].parse().unwrap();
            let array = PyArray::new(dtype.into(), vec![length, 2], Order::C, vec![1; length * 2 * width].into());
            PyValue::Array(array.unwrap())
        }),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..4);
        let field = prop_oneof![
            "(signed|float|text|shapes|Circle|Box|Named|v|dim|data)".prop_map(|name| text(&name)),
            inner.clone()
        ];
        prop_oneof![
            items.clone().prop_map(PyValue::List),
            items.clone().prop_map(PyValue::Tuple),
            items.prop_map(PyValue::Set),
            proptest::collection::vec((field, inner), 0..4).prop_map(PyValue::Dict),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_to_python_comes_back_as_it_was(value in everything()) {
        prop_assert_eq!(&there_and_back(&value), &value);
        prop_assert_eq!(&rust(&value).decode::<Everything>().unwrap(), &value);
    }

    #[test]
    fn whatever_arrives_is_a_value_or_a_typed_error(value in any_value()) {
        macro_rules! decode {
            ($($type:ty),* $(,)?) => {$(
                if let Err(error) = value.decode::<$type>() {
                    prop_assert!(!error.to_string().is_empty());
                }
            )*};
        }
        decode![
            Everything, Shape, Vec<Shape>, i64, u8, f64, bool, char, String, Vec<Vec<f64>>, (i64, String), [u8; 2],
            Option<Vec<u8>>, BTreeMap<String, f64>, Array2<f64>, ArrayD<i16>, serde_json::Value,
        ];
    }
}
