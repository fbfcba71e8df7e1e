//! The table, and how an answer is compared with it.

use anydask::array::{self, Array, ArrayError, Complex64, Element};
use anydask::{Delayed, array::ElementType};
use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::support::{number, whole};

/// One row of the table.
#[derive(Debug, Deserialize)]
pub struct Case {
    pub name: String,
    pub operation: String,
    pub parameters: Json,
    pub inputs: Vec<Written>,
    pub expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    Error { error: String },
    Array(Written),
}

/// An array as it is written down.
#[derive(Debug, Deserialize)]
pub struct Written {
    dtype: String,
    shape: Vec<usize>,
    #[serde(default)]
    chunks: Vec<Vec<usize>>,
    elements: String,
}

/// An array that an operation is given.
pub enum Input {
    Bool(Array<bool>),
    U8(Array<u8>),
    I32(Array<i32>),
    I64(Array<i64>),
    F32(Array<f32>),
    F64(Array<f64>),
    Complex64(Array<Complex64>),
}

pub type Answer = Result<Found, ArrayError>;

/// The whole of an array.
#[derive(Debug)]
pub struct Found {
    pub dtype: String,
    pub shape: Vec<usize>,
    pub elements: Vec<Value>,
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    Bool(bool),
    Whole(i64),
    Single(f32),
    Real(f64),
    Complex(Complex64),
}

pub fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }
    let table: Table = serde_json::from_str(include_str!("cases.json")).expect("the table can be read");
    table.cases
}

impl Case {
    pub fn input(&self, index: usize) -> Input {
        self.inputs[index].input()
    }

    pub fn usize(&self, name: &str) -> usize {
        self.parameters[name].as_u64().expect(name) as usize
    }

    pub fn isize(&self, name: &str) -> isize {
        self.parameters[name].as_i64().expect(name) as isize
    }

    pub fn f64(&self, name: &str) -> f64 {
        self.parameters[name].as_f64().expect(name)
    }

    pub fn bool(&self, name: &str) -> bool {
        self.parameters[name].as_bool().expect(name)
    }

    pub fn text(&self, name: &str) -> &str {
        self.parameters[name].as_str().expect(name)
    }

    /// A list of whole numbers, such as axes. `None` if it is `null`.
    pub fn list(&self, name: &str) -> Option<Vec<isize>> {
        let list = self.parameters[name].as_array()?;
        Some(list.iter().map(|item| item.as_i64().expect(name) as isize).collect())
    }

    pub fn lengths(&self, name: &str) -> Vec<usize> {
        self.list(name).expect(name).into_iter().map(|length| usize::try_from(length).expect(name)).collect()
    }

    /// A number with its type.
    pub fn scalar(&self, name: &str) -> Value {
        Value::parse(
            self.parameters[name]["dtype"].as_str().expect(name),
            self.parameters[name]["elements"].as_str().expect(name),
        )
    }
}

impl Written {
    fn values<T>(&self, of: impl Fn(Value) -> Option<T>) -> Vec<T> {
        let values = self.elements.split_whitespace().map(|text| of(Value::parse(&self.dtype, text)));
        values.collect::<Option<_>>().expect("elements of the type")
    }

    fn array<T: Element>(&self, of: impl Fn(Value) -> Option<T>) -> Array<T> {
        let plain = ArrayD::from_shape_vec(IxDyn(&self.shape), self.values(of)).expect("as many as the shape says");
        array::from_ndarray(&plain, self.chunks.clone())
    }

    fn input(&self) -> Input {
        match &*self.dtype {
            "bool" => Input::Bool(self.array(Value::bool)),
            "u8" => Input::U8(self.array(|value| value.whole()?.try_into().ok())),
            "i32" => Input::I32(self.array(|value| value.whole()?.try_into().ok())),
            "i64" => Input::I64(self.array(Value::whole)),
            "f32" => Input::F32(self.array(Value::single)),
            "f64" => Input::F64(self.array(Value::real)),
            "Complex64" => Input::Complex64(self.array(Value::complex)),
            dtype => panic!("there is no type {dtype}"),
        }
    }
}

impl Found {
    pub fn of(written: &Written) -> Self {
        Self { dtype: written.dtype.clone(), shape: written.shape.clone(), elements: written.values(Some) }
    }
}

/// The answer that an array is, if it carries no error.
pub fn found<T: Element + Into<Value>>(array: Array<T>) -> Answer {
    let whole = whole(&array.check()?);
    Ok(Found {
        dtype: T::TYPE.to_string(),
        shape: whole.shape().to_vec(),
        elements: whole.into_iter().map(Into::into).collect(),
    })
}

/// The answer that a number is.
pub fn found_number<T: Element + Into<Value>>(value: &Delayed<T>) -> Answer {
    Ok(Found { dtype: T::TYPE.to_string(), shape: Vec::new(), elements: vec![number(value).into()] })
}

macro_rules! values {
    ($($T:ty: $Variant:ident $convert:expr;)*) => {$(
        impl From<$T> for Value {
            fn from(value: $T) -> Self {
                Self::$Variant($convert(value))
            }
        }
    )*};
}

values! {
    bool: Bool std::convert::identity;
    u8: Whole i64::from;
    i32: Whole i64::from;
    i64: Whole std::convert::identity;
    f32: Single std::convert::identity;
    f64: Real std::convert::identity;
    Complex64: Complex std::convert::identity;
}

macro_rules! is {
    ($($name:ident $Variant:ident $T:ty;)*) => {$(
        pub fn $name(self) -> Option<$T> {
            if let Self::$Variant(value) = self { Some(value) } else { None }
        }
    )*};
}

impl Value {
    is! { bool Bool bool; whole Whole i64; single Single f32; real Real f64; complex Complex Complex64; }

    fn parse(dtype: &str, text: &str) -> Self {
        let real = |text: &str| text.parse::<f64>().expect("a number");
        match dtype {
            "bool" => Self::Bool(text.parse().expect("true or false")),
            "f32" => Self::Single(text.parse().expect("a number")),
            "f64" => Self::Real(real(text)),
            "Complex64" => {
                let (re, im) = text.split_once(',').expect("two numbers");
                Self::Complex(Complex64::new(real(re), real(im)))
            }
            _ => Self::Whole(text.parse().expect("a whole number")),
        }
    }

    /// Whole numbers and truth values exactly, others to 1e-12 of them, `f32` to its own precision; NaN is NaN.
    pub fn is_close(&self, found: &Self) -> bool {
        let parts = |one: f64, other: f64| one == other || one.is_nan() && other.is_nan();
        match (*self, *found) {
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Whole(one), Self::Whole(other)) => one == other,
            (Self::Single(one), Self::Single(other)) => {
                let (one, other) = (f64::from(one), f64::from(other));
                parts(one, other) || (one - other).abs() <= 2.0 * f64::from(f32::EPSILON) * one.abs()
            }
            (Self::Real(one), Self::Real(other)) => parts(one, other) || (one - other).abs() <= 1e-12 * one.abs(),
            (Self::Complex(one), Self::Complex(other)) => {
                let is_same = parts(one.re, other.re) && parts(one.im, other.im);
                is_same || one.re.is_finite() && one.im.is_finite() && (one - other).norm() <= 1e-12 * one.norm()
            }
            _ => false,
        }
    }
}

/// Runs an expression for an input of whichever type.
macro_rules! each {
    ($input:expr, $x:ident => $body:expr) => {
        match $input {
            $crate::numpy::table::Input::Bool($x) => $body,
            $crate::numpy::table::Input::U8($x) => $body,
            $crate::numpy::table::Input::I32($x) => $body,
            $crate::numpy::table::Input::I64($x) => $body,
            $crate::numpy::table::Input::F32($x) => $body,
            $crate::numpy::table::Input::F64($x) => $body,
            $crate::numpy::table::Input::Complex64($x) => $body,
        }
    };
}
pub(crate) use each;

/// Runs an expression for inputs of these types.
macro_rules! of_types {
    ($inputs:expr, ($x:ident, $y:ident) in [$($X:ident $Y:ident),*] => $body:expr) => {
        match $inputs {
            $(($crate::numpy::table::Input::$X($x), $crate::numpy::table::Input::$Y($y)) => $body,)*
            _ => panic!("a combination of types that the tests do not know"),
        }
    };
}
pub(crate) use of_types;

/// The type that a name stands for.
pub fn element(name: &str) -> ElementType {
    use ElementType::{Bool, Complex64, F32, F64, I32, I64, U8};
    let all = [Bool, U8, I32, I64, F32, F64, Complex64];
    all.into_iter().find(|element| element.to_string() == name).expect("a type")
}
