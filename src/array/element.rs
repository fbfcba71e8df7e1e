use std::fmt;

use ndarray::{ArcArray, ArrayD, IxDyn};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::array::bytes::Bytes;
use crate::array::kernel::{Arithmetic, Tile};
use crate::array::mapping::{Expected, returned};
use crate::array::{ArrayError, Block, Layout, Scalar, whole};
use crate::graph::{Hints, delayed_with};
use crate::{Delayed, delayed};

/// The type of the elements of a block, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ElementType {
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// [`Complex64`]: two `f64`.
    Complex64,
}

impl ElementType {
    /// How much memory one element takes, in bytes.
    pub fn nbytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
            Self::Complex64 => 16,
        }
    }

    /// Whether it is `f32` or `f64`.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Complex64 => "Complex64",
        })
    }
}

/// What an [`Array`](crate::array::Array) can be made of: `f32 f64 i32 i64 u8 bool` and [`Complex64`]. Nobody else can
/// implement it, since blocks travel.
///
/// The associated types are what results are made of, as in NumPy but for the types that are not there:
///
/// | element | `Sum` | `Float` | `Real` |
/// |---|---|---|---|
/// | `bool` `u8` `i32` `i64` | `i64` | `f64` | itself |
/// | `f32` | `f32` | `f32` | `f32` |
/// | `f64` | `f64` | `f64` | `f64` |
/// | `Complex64` | `Complex64` | `Complex64` | `f64` |
pub trait Element: Arithmetic + Bytes + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The type as data.
    const TYPE: ElementType;

    /// What sums and products are made of.
    type Sum: Element;

    /// What means, quotients and roots are made of.
    type Float: Element;

    /// What absolute values are made of.
    type Real: Element;

    /// What variances are made of: the absolute values of `Float`.
    type FloatReal: Element;

    /// A block of such elements. Makes a copy if they are not in C order.
    fn into_block(array: ArcArray<Self, IxDyn>) -> Block;

    /// The elements of a block, if they are such.
    fn of_block(block: &Block) -> Option<&ArcArray<Self, IxDyn>>;

    /// The elements of a block, or an error that says what they are.
    fn from_block(block: Block) -> Result<ArcArray<Self, IxDyn>, ArrayError>;

    #[doc(hidden)]
    fn into_scalar(self) -> Scalar;

    #[doc(hidden)]
    fn of_scalar(scalar: Scalar) -> Option<Self>;

    #[doc(hidden)]
    fn into_tile(values: Vec<Self>) -> Tile;

    #[doc(hidden)]
    fn into_vec(tile: Tile) -> Vec<Self>;

    #[doc(hidden)]
    fn of_tile(tile: &Tile) -> &[Self];

    #[doc(hidden)]
    fn of_tile_mut(tile: &mut Tile) -> &mut [Self];

    #[doc(hidden)]
    fn assemble(layout: Layout, blocks: Vec<Delayed<Block>>) -> Delayed<ArrayD<Self>>;

    #[doc(hidden)]
    fn scalar(block: Delayed<Block>) -> Delayed<Self>;

    #[doc(hidden)]
    fn returned(hints: Hints, expected: Expected, given: Delayed<ArrayD<Self>>) -> Delayed<Block>;
}

/// Calls a macro with all element types: `$body! { (f64 F64) ... }`.
macro_rules! each_element {
    ($body:ident) => {
        $body! { (bool Bool) (u8 U8) (i32 I32) (i64 I64) (f32 F32) (f64 F64) (Complex64 Complex64) }
    };
}
pub(crate) use each_element;

/// Runs an expression for the type that an [`ElementType`] stands for: `dispatch!(element, T => f::<T>())`.
macro_rules! dispatch {
    ($element:expr, $T:ident => $body:expr) => {
        match $element {
            $crate::array::ElementType::Bool => {
                type $T = bool;
                $body
            }
            $crate::array::ElementType::U8 => {
                type $T = u8;
                $body
            }
            $crate::array::ElementType::I32 => {
                type $T = i32;
                $body
            }
            $crate::array::ElementType::I64 => {
                type $T = i64;
                $body
            }
            $crate::array::ElementType::F32 => {
                type $T = f32;
                $body
            }
            $crate::array::ElementType::F64 => {
                type $T = f64;
                $body
            }
            $crate::array::ElementType::Complex64 => {
                type $T = $crate::array::Complex64;
                $body
            }
        }
    };
}
pub(crate) use dispatch;

macro_rules! element {
    ($T:ident $Variant:ident $Sum:ident $Float:ident $Real:ident $FloatReal:ident $assemble:ident $scalar:ident $block:ident) => {
        impl Element for $T {
            const TYPE: ElementType = ElementType::$Variant;

            type Sum = $Sum;
            type Float = $Float;
            type Real = $Real;
            type FloatReal = $FloatReal;

            fn into_block(array: ArcArray<Self, IxDyn>) -> Block {
                Block::$Variant(if array.is_standard_layout() {
                    array
                } else {
                    array.as_standard_layout().into_owned().into_shared()
                })
            }

            fn of_block(block: &Block) -> Option<&ArcArray<Self, IxDyn>> {
                if let Block::$Variant(array) = block { Some(array) } else { None }
            }

            fn from_block(block: Block) -> Result<ArcArray<Self, IxDyn>, ArrayError> {
                if let Block::$Variant(array) = block { Ok(array) } else { Err(block.is_no(Self::TYPE)) }
            }

            fn into_scalar(self) -> Scalar {
                Scalar::$Variant(self)
            }

            fn of_scalar(scalar: Scalar) -> Option<Self> {
                if let Scalar::$Variant(value) = scalar { Some(value) } else { None }
            }

            fn into_tile(values: Vec<Self>) -> Tile {
                Tile::$Variant(values)
            }

            fn into_vec(tile: Tile) -> Vec<Self> {
                if let Tile::$Variant(values) = tile { values } else { Vec::new() }
            }

            fn of_tile(tile: &Tile) -> &[Self] {
                if let Tile::$Variant(values) = tile { values } else { &[] }
            }

            fn of_tile_mut(tile: &mut Tile) -> &mut [Self] {
                if let Tile::$Variant(values) = tile { values } else { &mut [] }
            }

            fn assemble(layout: Layout, blocks: Vec<Delayed<Block>>) -> Delayed<ArrayD<Self>> {
                delayed(whole::$assemble, (layout, blocks))
            }

            fn scalar(block: Delayed<Block>) -> Delayed<Self> {
                delayed(whole::$scalar, block)
            }

            fn returned(hints: Hints, expected: Expected, given: Delayed<ArrayD<Self>>) -> Delayed<Block> {
                delayed_with(hints, returned::$block, (expected, given))
            }
        }
    };
}

element! { bool Bool i64 f64 bool f64 assemble_bool scalar_bool block_bool }
element! { u8 U8 i64 f64 u8 f64 assemble_u8 scalar_u8 block_u8 }
element! { i32 I32 i64 f64 i32 f64 assemble_i32 scalar_i32 block_i32 }
element! { i64 I64 i64 f64 i64 f64 assemble_i64 scalar_i64 block_i64 }
element! { f32 F32 f32 f32 f32 f32 assemble_f32 scalar_f32 block_f32 }
element! { f64 F64 f64 f64 f64 f64 assemble_f64 scalar_f64 block_f64 }
element! { Complex64 Complex64 Complex64 Complex64 f64 f64 assemble_complex64 scalar_complex64 block_complex64 }
