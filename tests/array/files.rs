//! `.npy` files.

use std::path::PathBuf;

use anydask::array::{self, Array, ArrayError, Complex64, Element};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use crate::support::{array, client, float, same, whole};

/// A path of this test, whose file goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("anydask-{}-{name}.npy", std::process::id())))
    }

    fn with(name: &str, header: &str, elements: &[u8]) -> Self {
        let scratch = Self::new(name);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        std::fs::write(&scratch.0, bytes).unwrap();
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn store<T: Element>(array: &Array<T>, scratch: &Scratch) {
    client().compute(&array.store_npy(&scratch.0).unwrap()).wait().unwrap();
}

fn round_trip<T: Element>(name: &str, values: [T; 6]) {
    let plain = ArrayD::from_shape_vec(IxDyn(&[2, 3]), values.to_vec()).unwrap();
    let scratch = Scratch::new(name);
    store(&array::from_ndarray(&plain, [1, 2]), &scratch);
    assert_eq!(whole(&array::from_npy::<T>(&scratch.0, [2, 1]).unwrap()), plain);
}

#[test]
fn all_types_of_elements_are_stored_and_read() {
    round_trip("bool", [true, false, true, true, false, false]);
    round_trip("u8", [0_u8, 1, 2, 3, 254, 255]);
    round_trip("i32", [0, -1, 2, i32::MIN, i32::MAX, 5]);
    round_trip("i64", [0, -1, 2, i64::MIN, i64::MAX, 5]);
    round_trip("f32", [0.0_f32, -1.5, f32::MAX, f32::INFINITY, 1e-40, 5.0]);
    round_trip("f64", [0.0, -1.5, f64::MAX, f64::INFINITY, 1e-310, 5.0]);
    round_trip("c16", [Complex64::I, -Complex64::I, Complex64::new(1.0, 2.0), 3.0.into(), 4.0.into(), 5.0.into()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_shape_is_stored_and_read_in_other_chunks((plain, x) in array(4, float), size in 1..5_usize) {
        let scratch = Scratch::new("shapes");
        store(&x, &scratch);
        prop_assert!(same(&whole(&array::from_npy::<f64>(&scratch.0, size).unwrap()), &plain));
    }
}

#[test]
fn fortran_order_and_big_endian_are_read_as_they_are_meant() {
    let bytes: Vec<u8> = (0..12).flat_map(|value| f64::from(value).to_be_bytes()).collect();
    let header = "{'descr': '>f8', 'fortran_order': True, 'shape': (3, 2, 2), }          \n";
    let scratch = Scratch::with("fortran", header, &bytes);
    let expected = ArrayD::from_shape_fn(IxDyn(&[3, 2, 2]), |i| (i[0] + 3 * i[1] + 6 * i[2]) as f64);
    for chunks in [1, 2, 3] {
        assert_eq!(whole(&array::from_npy::<f64>(&scratch.0, chunks).unwrap()), expected);
    }
}

fn refused<T: Element>(scratch: &Scratch) -> String {
    let error = array::from_npy::<T>(&scratch.0, 2).unwrap_err();
    assert!(matches!(error, ArrayError::File { .. }), "{error:?}");
    assert!(error.to_string().starts_with(scratch.0.to_str().unwrap()), "{error}");
    error.to_string()
}

#[test]
fn what_is_wrong_with_a_file_is_told_at_once() {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n";
    let text = refused::<f64>(&Scratch::with("truncated", header, &[0; 31]));
    assert!(text.contains("truncated") && text.contains("[4]"), "{text}");
    let text = refused::<i32>(&Scratch::with("type", header, &[0; 32]));
    assert!(text.contains("f64 and not i32"), "{text}");
    let text = refused::<f64>(&Scratch::with("half", &header.replace("f8", "f2"), &[0; 8]));
    assert!(text.contains("'<f2'"), "{text}");
    let text = refused::<f64>(&Scratch::new("missing"));
    assert!(text.contains("opened"), "{text}");
    let other = Scratch::new("other");
    std::fs::write(&other.0, b"no such file, but long enough").unwrap();
    assert!(refused::<f64>(&other).contains("no `.npy`"));
    std::fs::write(&other.0, b"\x93NUMPY\x01\x00\xff\x00{").unwrap();
    assert!(refused::<f64>(&other).contains("header"));
    std::fs::write(&other.0, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").unwrap();
    assert!(refused::<f64>(&other).contains("at most"));
    let huge = Scratch::with("huge", &header.replace("(4,)", "(4611686018427387904, 8)"), &[0; 8]);
    assert!(matches!(array::from_npy::<f64>(&huge.0, 1), Err(ArrayError::ShapeOverflow { .. })));
}

#[test]
fn a_file_that_loses_its_end_fails_the_blocks_that_lie_there() {
    let scratch = Scratch::new("shrinking");
    store(&array::arange(0.0, 100.0, 1.0, 100), &scratch);
    let x = array::from_npy::<f64>(&scratch.0, 50).unwrap();
    std::fs::OpenOptions::new().write(true).open(&scratch.0).unwrap().set_len(600).unwrap();
    let error = client().compute(&x).wait().unwrap_err();
    let source = error.downcast_ref::<ArrayError>().unwrap().to_string();
    assert!(source.contains("truncated"), "{source}");
    assert!(error.to_string().contains("from_npy[1]"), "{error}");
}

#[test]
fn a_file_is_not_half_written() {
    let scratch = Scratch::new("half-written");
    store(&array::zeros(4, 2), &scratch);
    let fails = array::from_fn(4, 2, |offset, shape| ArrayD::<f64>::zeros(IxDyn(&[shape[0] + offset[0]])));
    assert!(client().compute(&fails.store_npy(&scratch.0).unwrap()).wait().is_err());
    assert_eq!(whole(&array::from_npy::<f64>(&scratch.0, 4).unwrap()), ArrayD::<f64>::zeros(IxDyn(&[4])));
    let _ = std::fs::remove_file(scratch.0.with_extension("npy.part"));
    let nowhere = array::zeros(4, 2).store_npy("/no/such/directory/x.npy").unwrap();
    let error = client().compute(&nowhere).wait().unwrap_err();
    assert!(error.downcast_ref::<ArrayError>().is_some(), "{error}");
}
