use std::fmt;

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::array::ElementType;
use crate::array::element::each_element;

/// One element, as data: the constants of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scalar {
    /// A `bool`.
    Bool(bool),
    /// A `u8`.
    U8(u8),
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A [`Complex64`].
    Complex64(Complex64),
}

macro_rules! scalar {
    ($(($T:ident $Variant:ident))*) => {
        impl Scalar {
            /// What it is.
            pub fn element(self) -> ElementType {
                match self {
                    $(Self::$Variant(_) => ElementType::$Variant,)*
                }
            }
        }

        impl fmt::Display for Scalar {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Variant(value) => write!(f, "{value}"),)*
                }
            }
        }
    };
}
each_element!(scalar);
