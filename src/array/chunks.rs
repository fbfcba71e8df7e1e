//! Shapes and chunks as they are given.

/// The length of each axis, as it is given: `[2, 3]`, a slice or vector, `()` for no axes, or one number for one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub(crate) Vec<usize>);

/// How an array is cut, as it is given.
///
/// | given | means |
/// |---|---|
/// | `[100, 50]`, or a slice or vector | chunks of 100 along the first axis and of 50 along the second, the last ones as they come |
/// | `[vec![60, 40], vec![50]]`, or a slice or vector | just these |
/// | `100` | chunks of 100 along each axis |
///
/// A size that is larger than its axis means the whole axis; so does `usize::MAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// One size for all axes.
    Every(usize),
    /// One size for each axis.
    Sizes(Vec<usize>),
    /// All lengths of each axis.
    Lists(Vec<Vec<usize>>),
}

macro_rules! from {
    ($([$($generics:tt)*] $given:ty => $to:ty, $make:expr;)*) => {$(
        impl<$($generics)*> From<$given> for $to {
            fn from(given: $given) -> Self {
                let make: fn($given) -> $to = $make;
                make(given)
            }
        }
    )*};
}

from! {
    [] () => Shape, |()| Shape(Vec::new());
    [] usize => Shape, |length| Shape(vec![length]);
    [const N: usize] [usize; N] => Shape, |shape| Shape(shape.to_vec());
    [const N: usize] &[usize; N] => Shape, |shape| Shape(shape.to_vec());
    [] &[usize] => Shape, |shape| Shape(shape.to_vec());
    [] Vec<usize> => Shape, |shape| Shape(shape);
    [] &Vec<usize> => Shape, |shape| Shape(shape.clone());
    [] () => Chunks, |()| Chunks::Sizes(Vec::new());
    [] usize => Chunks, |size| Chunks::Every(size);
    [const N: usize] [usize; N] => Chunks, |sizes| Chunks::Sizes(sizes.to_vec());
    [const N: usize] &[usize; N] => Chunks, |sizes| Chunks::Sizes(sizes.to_vec());
    [] &[usize] => Chunks, |sizes| Chunks::Sizes(sizes.to_vec());
    [] Vec<usize> => Chunks, |sizes| Chunks::Sizes(sizes);
    [const N: usize] [Vec<usize>; N] => Chunks, |lists| Chunks::Lists(lists.to_vec());
    [const N: usize, const M: usize] [[usize; M]; N] => Chunks, |lists| Chunks::Lists(lists.iter().map(|list| list.to_vec()).collect());
    [const N: usize] [&[usize]; N] => Chunks, |lists| Chunks::Lists(lists.iter().map(|list| list.to_vec()).collect());
    [] &[Vec<usize>] => Chunks, |lists| Chunks::Lists(lists.to_vec());
    [] Vec<Vec<usize>> => Chunks, |lists| Chunks::Lists(lists);
}
