use std::borrow::Cow;

use ndarray::{ArcArray, ArrayD, IxDyn};
use num_complex::Complex64;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::array::element::{dispatch, each_element};
use crate::array::{AXES_MAX, ArrayError, Element, ElementType};

/// One chunk of an array: what the tasks of arrays give to each other.
///
/// The elements are always in C order, so that kernels see a slice. `Clone` copies nothing: a block that is changed is copied
/// first where somebody else holds it, and changed in place where nobody does.
///
/// With serde the elements are little-endian bytes in one piece.
///
/// # Examples
///
/// ```
/// use anydask::array::{Block, Element};
/// use ndarray::arr2;
///
/// let block = Block::from(arr2(&[[1.0, 2.0], [3.0, 4.0]]).reversed_axes().into_dyn());
/// assert_eq!(block.shape(), [2, 2]);
/// assert_eq!(f64::of_block(&block).unwrap().as_slice(), Some(&[1.0, 3.0, 2.0, 4.0][..]));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// Of `bool`.
    Bool(ArcArray<bool, IxDyn>),
    /// Of `u8`.
    U8(ArcArray<u8, IxDyn>),
    /// Of `i32`.
    I32(ArcArray<i32, IxDyn>),
    /// Of `i64`.
    I64(ArcArray<i64, IxDyn>),
    /// Of `f32`.
    F32(ArcArray<f32, IxDyn>),
    /// Of `f64`.
    F64(ArcArray<f64, IxDyn>),
    /// Of [`Complex64`].
    Complex64(ArcArray<Complex64, IxDyn>),
    /// Several arrays that one task gives, such as the smallest elements and their places.
    Parts(Vec<Block>),
}

macro_rules! views {
    ($(($T:ident $Variant:ident))*) => {
        impl Block {
            /// The type of the elements. `None` for parts.
            pub fn element(&self) -> Option<ElementType> {
                match self {
                    $(Self::$Variant(_) => Some(ElementType::$Variant),)*
                    Self::Parts(_) => None,
                }
            }

            /// The shape. Empty for parts.
            pub fn shape(&self) -> &[usize] {
                match self {
                    $(Self::$Variant(array) => array.shape(),)*
                    Self::Parts(_) => &[],
                }
            }
        }
    };
}
each_element!(views);

impl Block {
    /// A block of this shape, of elements in C order.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Kernel`] if there are not as many elements.
    pub(crate) fn from_elements<T: Element>(shape: &[usize], elements: Vec<T>) -> Result<Self, ArrayError> {
        let count = elements.len();
        match ArrayD::from_shape_vec(shape, elements) {
            Ok(array) => Ok(T::into_block(array.into_shared())),
            Err(_) => Err(ArrayError::Kernel {
                kernel: "block".into(),
                message: format!("{count} elements do not make the shape {shape:?}"),
            }),
        }
    }

    /// The elements in C order, if they are such.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Kernel`] says what they are.
    pub(crate) fn elements<T: Element>(&self) -> Result<&[T], ArrayError> {
        T::of_block(self).and_then(|array| array.as_slice()).ok_or_else(|| self.is_no(T::TYPE))
    }

    /// The arrays that it has, if they are so many.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Kernel`] says what it is.
    pub(crate) fn parts<const N: usize>(&self) -> Result<&[Self; N], ArrayError> {
        match self {
            Self::Parts(parts) => parts.first_chunk().ok_or(parts.len()),
            _ => Err(1),
        }
        .map_err(|given| ArrayError::Kernel {
            kernel: "block".into(),
            message: format!("{N} parts were expected and {given} given"),
        })
    }

    /// How much memory it takes, in bytes.
    pub fn nbytes(&self) -> usize {
        match (self, self.element()) {
            (Self::Parts(parts), _) => parts.iter().map(Self::nbytes).sum(),
            (_, Some(element)) => self.len() * element.nbytes(),
            (_, None) => 0,
        }
    }

    /// How many elements it has. None for parts.
    pub fn len(&self) -> usize {
        if let Self::Parts(_) = self { 0 } else { self.shape().iter().product() }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_no(&self, expected: ElementType) -> ArrayError {
        let given = self.element().map_or("parts".to_owned(), |element| element.to_string());
        ArrayError::Kernel {
            kernel: "block".into(),
            message: format!("elements of type {expected} were expected and {given} given"),
        }
    }
}

impl<T: Element> From<ArrayD<T>> for Block {
    /// Makes a copy if the elements are not in C order.
    fn from(array: ArrayD<T>) -> Self {
        T::into_block(array.into_shared())
    }
}

/// A block as it travels.
#[derive(Serialize, Deserialize)]
enum Wire<'a> {
    Elements(#[serde(borrow)] Elements<'a>),
    /// These have no parts themselves: so nobody can send parts of parts of parts, until the stack ends.
    Parts(#[serde(borrow)] Vec<Elements<'a>>),
}

#[derive(Serialize, Deserialize)]
struct Elements<'a> {
    element: ElementType,
    shape: Vec<u64>,
    #[serde(borrow, with = "serde_bytes")]
    bytes: Cow<'a, [u8]>,
}

impl<'a> Elements<'a> {
    /// `None` of parts.
    fn of(block: &'a Block) -> Option<Self> {
        fn bytes<T: Element>(block: &Block) -> Cow<'_, [u8]> {
            T::to_bytes(block.elements().unwrap_or_default())
        }
        let element = block.element()?;
        let shape = block.shape().iter().map(|length| *length as u64).collect();
        Some(Self { element, shape, bytes: dispatch!(element, T => bytes::<T>(block)) })
    }

    /// The block, or what is wrong with it.
    fn block(self) -> Result<Block, String> {
        fn block<T: Element>(shape: &[usize], bytes: &[u8]) -> Result<Block, ArrayError> {
            Block::from_elements(shape, T::from_bytes(bytes))
        }
        let Self { element, shape, bytes } = self;
        if shape.len() > AXES_MAX {
            return Err(format!("a block has at most {AXES_MAX} axes, not {}", shape.len()));
        }
        let lengths: Option<Vec<usize>> = shape.iter().map(|length| usize::try_from(*length).ok()).collect();
        let nbytes = lengths
            .as_ref()
            .and_then(|lengths| lengths.iter().try_fold(element.nbytes(), |size, length| size.checked_mul(*length)));
        let (Some(lengths), true) = (lengths, nbytes == Some(bytes.len())) else {
            return Err(format!("{} bytes do not make {shape:?} of {element}", bytes.len()));
        };
        dispatch!(element, T => block::<T>(&lengths, &bytes)).map_err(|error| error.to_string())
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match (Elements::of(self), self) {
            (Some(elements), _) => Wire::Elements(elements),
            (None, Self::Parts(parts)) => {
                let parts: Option<Vec<_>> = parts.iter().map(Elements::of).collect();
                Wire::Parts(parts.ok_or_else(|| S::Error::custom("parts of a block have no parts themselves"))?)
            }
            (None, _) => Wire::Parts(Vec::new()),
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire::Elements(elements) => elements.block(),
            Wire::Parts(parts) => parts.into_iter().map(Elements::block).collect::<Result<_, _>>().map(Self::Parts),
        }
        .map_err(D::Error::custom)
    }
}
