use num_complex::Complex64;

use crate::array::element::{dispatch, each_element};
use crate::array::{Element, ElementType};

/// How many elements a program takes at once: all values of a few steps stay in the cache next to the core, and what a step
/// costs beside its loop is divided by many.
pub(crate) const TILE_LEN: usize = 1024;

/// Elements in a row, of whichever type.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub enum Tile {
    /// Of `bool`.
    Bool(Vec<bool>),
    /// Of `u8`.
    U8(Vec<u8>),
    /// Of `i32`.
    I32(Vec<i32>),
    /// Of `i64`.
    I64(Vec<i64>),
    /// Of `f32`.
    F32(Vec<f32>),
    /// Of `f64`.
    F64(Vec<f64>),
    /// Of [`Complex64`].
    Complex64(Vec<Complex64>),
}

impl Default for Tile {
    fn default() -> Self {
        Self::Bool(Vec::new())
    }
}

impl Tile {
    /// So many zeros.
    pub(crate) fn zeros(element: ElementType, len: usize) -> Self {
        dispatch!(element, T => T::into_tile(vec![T::default(); len]))
    }
}

macro_rules! element {
    ($(($T:ident $Variant:ident))*) => {
        impl Tile {
            /// What it is made of.
            pub(crate) fn element(&self) -> ElementType {
                match self {
                    $(Self::$Variant(_) => ElementType::$Variant,)*
                }
            }
        }
    };
}
each_element!(element);
