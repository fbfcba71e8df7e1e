use std::fmt;

use serde::{Deserialize, Serialize};

use crate::array::{AXES_MAX, BLOCKS_MAX, ElementType};

/// What is wrong with an operation on arrays.
///
/// It is known when the operation is written down, not when it runs: methods that can fail give it, and an
/// [`Array`](crate::array::Array) that an operator or a creation could not make [carries it](crate::array::Array::check) to
/// whatever is made of it, and to `compute`. There it is the source of an [`Error::Failed`](crate::Error::Failed).
///
/// # Examples
///
/// ```
/// use anydask::array::{self, ArrayError};
///
/// let x = array::zeros([2, 3], [2, 3]) + array::zeros([4], [4]);
/// let error = x.check().unwrap_err();
/// assert_eq!(error.to_string(), "shapes [2, 3] and [4] do not broadcast together: give axes equal lengths, or 1");
/// assert!(matches!(error, ArrayError::Broadcast { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArrayError {
    // --- shapes and chunks ---
    /// There are more axes than six.
    TooManyAxes {
        /// The shape.
        shape: Vec<usize>,
    },
    /// No machine has so many elements.
    ShapeOverflow {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Chunks are given for another number of axes.
    ChunkAxes {
        /// The shape.
        shape: Vec<usize>,
        /// For how many axes there are chunks.
        axes: usize,
    },
    /// The chunks of an axis are not as long together as the axis.
    ChunkSum {
        /// The shape.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// How long they are together. `usize::MAX` stands for all that is longer.
        sum: usize,
    },
    /// Chunks of length 0 can never fill an axis.
    ZeroChunk {
        /// The shape.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
    },
    /// There would be more blocks than a graph can have.
    TooManyBlocks {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Two shapes differ where neither is 1.
    Broadcast {
        /// The shape of the left operand, or of the first.
        left: Vec<usize>,
        /// The shape of the other.
        right: Vec<usize>,
    },
    /// Shapes that an operation cannot bring together.
    Shapes {
        /// The operation.
        operation: String,
        /// The shape of the left operand, or of the first.
        left: Vec<usize>,
        /// The shape of the other.
        right: Vec<usize>,
        /// What would fit.
        fix: String,
    },
    /// There is no such axis.
    Axis {
        /// The axis that was asked for.
        axis: isize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// An axis is named twice.
    RepeatedAxis {
        /// The axis.
        axis: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// An index lies outside of its axis.
    Index {
        /// The index.
        index: isize,
        /// The axis.
        axis: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// The operation has no value for no elements.
    Empty {
        /// The operation.
        operation: String,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A parameter of an operation has a value that makes no sense.
    Parameter {
        /// The operation.
        operation: String,
        /// The parameter, its value, and what it may be.
        message: String,
    },

    // --- elements ---
    /// The operation is not defined for such elements.
    Unsupported {
        /// The operation.
        operation: String,
        /// The type of the elements.
        element: ElementType,
        /// What to do instead.
        fix: String,
    },
    /// A number cannot be an element of this type.
    OutOfRange {
        /// The number.
        number: String,
        /// The type of the elements.
        element: ElementType,
    },

    // --- blocks, when they run ---
    /// A kernel was given blocks that it does not take: another version of the library made it.
    Kernel {
        /// The kernel.
        kernel: String,
        /// What does not fit.
        message: String,
    },
    /// A block, or the whole of an array that is computed, takes more memory than there is.
    TooLarge {
        /// Its shape.
        shape: Vec<usize>,
        /// How much memory its elements take, in bytes. `usize::MAX` stands for all that is more.
        nbytes: usize,
    },
    /// A function of the user's failed on a block, or gave a block that is not what was announced.
    Function {
        /// Which block: its place along each axis.
        block: Vec<usize>,
        /// What went wrong.
        message: String,
    },

    /// The elements are such that the operation has no result, as that of a system of equations with a singular matrix.
    NoResult {
        /// The operation.
        operation: String,
        /// What the elements are, and what may help.
        message: String,
    },

    // --- files ---
    /// A file cannot be read or written.
    File {
        /// The path.
        path: String,
        /// What went wrong, and what would be right.
        message: String,
    },
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyAxes { shape } => {
                write!(f, "shape {shape:?} has {} axes: an array has at most {AXES_MAX}", shape.len())
            }
            Self::ShapeOverflow { shape } => {
                write!(f, "shape {shape:?} has more elements than memory can have: make it smaller")
            }
            Self::ChunkAxes { shape, axes } => write!(
                f,
                "chunks for {axes} axes do not fit the {} axes of shape {shape:?}: give one size or list for each axis",
                shape.len()
            ),
            Self::ChunkSum { shape, axis, sum } => write!(
                f,
                "the chunks of axis {axis} have {sum} elements together, and shape {shape:?} has {} there: make them equal",
                shape.get(*axis).copied().unwrap_or(0)
            ),
            Self::ZeroChunk { shape, axis } => {
                write!(f, "chunks of length 0 never fill axis {axis} of shape {shape:?}: give at least 1")
            }
            Self::TooManyBlocks { shape } => {
                write!(f, "shape {shape:?} in such chunks has more than {BLOCKS_MAX} blocks: make the chunks larger")
            }
            Self::Broadcast { left, right } => {
                write!(f, "shapes {left:?} and {right:?} do not broadcast together: give axes equal lengths, or 1")
            }
            Self::Shapes { operation, left, right, fix } => {
                write!(f, "{operation} of shapes {left:?} and {right:?}: {fix}")
            }
            Self::Axis { axis, shape } if shape.is_empty() => {
                write!(f, "there is no axis {axis} in shape []: it has no axes")
            }
            Self::Axis { axis, shape } => {
                let count = shape.len();
                write!(f, "there is no axis {axis} in shape {shape:?}: give one from -{count} to {}", count - 1)
            }
            Self::RepeatedAxis { axis, shape } => {
                write!(f, "axis {axis} of shape {shape:?} is given twice: name each axis once")
            }
            Self::Index { index, axis, shape } => write!(
                f,
                "index {index} is outside of axis {axis} of shape {shape:?}: its length is {}",
                shape.get(*axis).copied().unwrap_or(0)
            ),
            Self::Empty { operation, shape } => {
                write!(f, "{operation} of no elements has no value: shape {shape:?} has an axis of length 0")
            }
            Self::Parameter { operation, message } | Self::NoResult { operation, message } => {
                write!(f, "{operation}: {message}")
            }
            Self::Unsupported { operation, element, fix } => {
                write!(f, "{operation} is not defined for {element}: {fix}")
            }
            Self::OutOfRange { number, element } => {
                write!(f, "{number} cannot be an element of type {element}: cast the array first")
            }
            Self::Kernel { kernel, message } => {
                write!(f, "{kernel}: {message}; all processes of a cluster need the same version of the library")
            }
            Self::TooLarge { shape, nbytes } => write!(
                f,
                "shape {shape:?} takes {nbytes} bytes in one piece, more than there are: make the chunks smaller, or compute a part"
            ),
            Self::Function { block, message } => write!(f, "block {block:?}: {message}"),
            Self::File { path, message } => write!(f, "{path}: {message}"),
        }
    }
}

impl std::error::Error for ArrayError {}
