use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::{AXES_MAX, ArrayError, BLOCKS_MAX, Chunks, Shape};

/// A shape, and where it is cut into blocks: for each axis the lengths of its chunks, which may differ.
///
/// An axis of length 0 has one chunk of length 0. `Clone` copies nothing.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Vec<Vec<usize>>", try_from = "Vec<Vec<usize>>")]
pub struct Layout(Arc<Cuts>);

#[derive(PartialEq, Eq, Hash)]
struct Cuts {
    shape: Vec<usize>,
    chunks: Vec<Vec<usize>>,
    /// Where each chunk begins. To add up the chunks before each of a million takes minutes.
    starts: Vec<Vec<usize>>,
}

impl Layout {
    /// Cuts a shape.
    ///
    /// # Errors
    ///
    /// What is wrong with the shape or the chunks: [`TooManyAxes`](ArrayError::TooManyAxes),
    /// [`ShapeOverflow`](ArrayError::ShapeOverflow), [`ChunkAxes`](ArrayError::ChunkAxes),
    /// [`ZeroChunk`](ArrayError::ZeroChunk), [`ChunkSum`](ArrayError::ChunkSum), [`TooManyBlocks`](ArrayError::TooManyBlocks).
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array::Layout;
    ///
    /// let layout = Layout::new([10, 4], [4, 4])?;
    /// assert_eq!(layout.chunks(), [vec![4, 4, 2], vec![4]]);
    /// assert_eq!(layout.grid(), [3, 1]);
    /// # Ok::<(), anydask::array::ArrayError>(())
    /// ```
    pub fn new(shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Result<Self, ArrayError> {
        let shape = shape.into().0;
        check_shape(&shape)?;
        let lists = match chunks.into() {
            Chunks::Every(size) => sizes(&shape, &vec![size; shape.len()])?,
            Chunks::Sizes(each) => sizes(&shape, &each)?,
            Chunks::Lists(lists) => {
                check_lists(&shape, &lists)?;
                lists
            }
        };
        Self::checked(shape, lists)
    }

    /// The layout of chunks that are known to be lists.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn from_lists(chunks: Vec<Vec<usize>>) -> Result<Self, ArrayError> {
        let shape = chunks.iter().map(|list| list.iter().fold(0_usize, |sum, size| sum.saturating_add(*size)));
        let shape: Vec<usize> = shape.collect();
        check_shape(&shape)?;
        Self::checked(shape, chunks)
    }

    /// The layout of one element without axes.
    pub(crate) fn scalar() -> Self {
        Self::cut(Vec::new(), Vec::new())
    }

    /// The chunks of each axis are as long together as it is.
    fn checked(shape: Vec<usize>, chunks: Vec<Vec<usize>>) -> Result<Self, ArrayError> {
        let blocks = chunks.iter().try_fold(1_usize, |count, list| count.checked_mul(list.len()));
        match blocks {
            Some(count) if count <= BLOCKS_MAX => Ok(Self::cut(shape, chunks)),
            _ => Err(ArrayError::TooManyBlocks { shape }),
        }
    }

    fn cut(shape: Vec<usize>, chunks: Vec<Vec<usize>>) -> Self {
        let starts = chunks.iter().map(|list| {
            let mut start = 0;
            list.iter()
                .map(|size| {
                    start += size;
                    start - size
                })
                .collect()
        });
        let starts = starts.collect();
        Self(Arc::new(Cuts { shape, chunks, starts }))
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// The lengths of the chunks of each axis.
    pub fn chunks(&self) -> &[Vec<usize>] {
        &self.0.chunks
    }

    /// How many chunks each axis has.
    pub fn grid(&self) -> Vec<usize> {
        self.0.chunks.iter().map(Vec::len).collect()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.0.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.0.shape.contains(&0)
    }

    /// How many blocks there are.
    pub fn block_count(&self) -> usize {
        self.0.chunks.iter().map(Vec::len).product()
    }

    /// The place of each block along each axis, in C order: the order in which an array has its blocks.
    pub fn blocks(&self) -> Blocks {
        Blocks { grid: self.grid().into(), next: Some(vec![0; self.0.chunks.len()]) }
    }

    /// The shape of a block.
    ///
    /// # Panics
    ///
    /// If there is no such block.
    pub fn block_shape(&self, block: &[usize]) -> Vec<usize> {
        self.0.chunks.iter().zip(block).map(|(list, place)| list[*place]).collect()
    }

    /// Where a block begins along each axis.
    ///
    /// # Panics
    ///
    /// If there is no such block.
    pub fn block_offset(&self, block: &[usize]) -> Vec<usize> {
        self.0.starts.iter().zip(block).map(|(starts, place)| starts[*place]).collect()
    }

    /// Which of the blocks, in C order, this is. The block is one of them.
    pub fn block_number(&self, block: &[usize]) -> usize {
        self.0.chunks.iter().zip(block).fold(0, |number, (list, place)| number * list.len() + place)
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").field("shape", &self.shape()).field("chunks", &self.chunks()).finish()
    }
}

impl From<Layout> for Vec<Vec<usize>> {
    fn from(layout: Layout) -> Self {
        layout.0.chunks.clone()
    }
}

impl TryFrom<Vec<Vec<usize>>> for Layout {
    type Error = ArrayError;

    fn try_from(chunks: Vec<Vec<usize>>) -> Result<Self, ArrayError> {
        Self::from_lists(chunks)
    }
}

/// The places of blocks; made by [`Layout::blocks`].
#[derive(Clone, Debug)]
pub struct Blocks {
    grid: Arc<[usize]>,
    next: Option<Vec<usize>>,
}

impl Iterator for Blocks {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let this = self.next.take()?;
        if self.grid.contains(&0) {
            return None;
        }
        let mut next = this.clone();
        for (place, count) in next.iter_mut().zip(&*self.grid).rev() {
            *place += 1;
            if *place < *count {
                self.next = Some(next);
                break;
            }
            *place = 0;
        }
        Some(this)
    }
}

/// Refuses more axes than six, and more elements than an address space has.
pub(crate) fn check_shape(shape: &[usize]) -> Result<(), ArrayError> {
    if shape.len() > AXES_MAX {
        return Err(ArrayError::TooManyAxes { shape: shape.to_vec() });
    }
    // As ndarray counts: axes of length 0 do not hide how long the others are. 16 bytes for the largest element.
    let lengths = shape.iter().filter(|length| **length > 0);
    match lengths.copied().try_fold(16_usize, usize::checked_mul) {
        Some(size) if size <= isize::MAX as usize => Ok(()),
        _ => Err(ArrayError::ShapeOverflow { shape: shape.to_vec() }),
    }
}

fn sizes(shape: &[usize], sizes: &[usize]) -> Result<Vec<Vec<usize>>, ArrayError> {
    if shape.len() != sizes.len() {
        return Err(ArrayError::ChunkAxes { shape: shape.to_vec(), axes: sizes.len() });
    }
    let list = |(axis, (length, size)): (usize, (&usize, &usize))| match (*length, *size) {
        (0, _) => Ok(vec![0]),
        (_, 0) => Err(ArrayError::ZeroChunk { shape: shape.to_vec(), axis }),
        (length, size) if length.div_ceil(size) > BLOCKS_MAX => {
            Err(ArrayError::TooManyBlocks { shape: shape.to_vec() })
        }
        (length, size) => {
            let mut list = vec![size; length / size];
            list.extend((length % size > 0).then_some(length % size));
            Ok(list)
        }
    };
    shape.iter().zip(sizes).enumerate().map(list).collect()
}

fn check_lists(shape: &[usize], lists: &[Vec<usize>]) -> Result<(), ArrayError> {
    if shape.len() != lists.len() {
        return Err(ArrayError::ChunkAxes { shape: shape.to_vec(), axes: lists.len() });
    }
    for (axis, (length, list)) in shape.iter().zip(lists).enumerate() {
        let sum = list.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        if sum != *length || list.is_empty() {
            return Err(ArrayError::ChunkSum { shape: shape.to_vec(), axis, sum });
        }
    }
    Ok(())
}
