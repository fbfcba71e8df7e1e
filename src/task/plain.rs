//! What is known of plain values by their types: those that everybody uses.

use std::any::Any;
use std::mem::size_of_val;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Runs `$body` with `$value` as what it is, if it is of a type that is known here.
macro_rules! if_known {
    ($any:expr, |$value:ident| $body:expr) => {
        if_known!($any, |$value| $body;
            i64, u64, f64, String, &'static str, i32, u32, f32, usize, isize, bool, u8, i8, u16, i16, char, u128, i128,
            Arc<str>, PathBuf, Duration, Vec<i64>, Vec<u64>, Vec<f64>, Vec<String>, Vec<i32>, Vec<u32>, Vec<f32>,
            Vec<u8>, Vec<usize>)
    };
    ($any:expr, |$value:ident| $body:expr; $($type:ty),*) => {{
        let any: &dyn Any = $any;
        $(
            if let Some($value) = any.downcast_ref::<$type>() {
                return $body;
            }
        )*
    }};
}

/// A text that only equal values of one type share.
pub(crate) fn fingerprint(value: &dyn Any) -> Option<String> {
    if_known!(value, |value| Some(format!("{value:?}")));
    value.is::<()>().then(String::new)
}

/// The same value once more.
pub(crate) fn copy<T: 'static>(value: &T) -> Option<T> {
    /// Brings a clone back to the type that it has.
    fn same<V: 'static, T: 'static>(value: V) -> Option<T> {
        let mut value = Some(value);
        (&mut value as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take)
    }
    if_known!(value, |value| same(Clone::clone(value)));
    None
}

/// How much memory a value takes, in bytes, with what texts and vectors of numbers hold on the heap; of other types
/// without what they point to.
pub(crate) fn nbytes<T: 'static>(value: &T) -> u64 {
    let shallow = size_of_val(value);
    let heap = heap(value).unwrap_or_default();
    (shallow + heap) as u64
}

fn heap(value: &dyn Any) -> Option<usize> {
    macro_rules! vectors {
        ($($item:ty),*) => {$(
            if let Some(value) = value.downcast_ref::<Vec<$item>>() {
                return Some(value.capacity() * size_of::<$item>());
            }
        )*};
    }
    vectors!(f64, f32, u8, i8, i64, u64, i32, u32, i16, u16, usize, isize, bool, char, u128, i128);
    if let Some(value) = value.downcast_ref::<Vec<String>>() {
        return Some(value.capacity() * size_of::<String>() + value.iter().map(String::capacity).sum::<usize>());
    }
    value.downcast_ref::<String>().map(String::capacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_value_is_copied_and_an_unknown_one_is_not() {
        struct Unknown;

        assert_eq!(copy(&vec![1.5, 2.5]), Some(vec![1.5, 2.5]));
        assert_eq!(copy(&"text".to_owned()), Some("text".to_owned()));
        assert!(copy(&Unknown).is_none());
    }

    #[test]
    fn a_vector_takes_what_it_holds() {
        assert_eq!(nbytes(&vec![0_u8; 1000]), 1000 + size_of::<Vec<u8>>() as u64);
        assert_eq!(nbytes(&1_u16), 2);
        assert_eq!(nbytes(&String::with_capacity(64)), 64 + size_of::<String>() as u64);
    }
}
