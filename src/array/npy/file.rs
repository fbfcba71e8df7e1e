//! Regions of the elements of a file.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::npy::header::Header;
use crate::array::npy::wrong;
use crate::array::{ArrayError, Block, Element, memory};

/// What a task does with a file. All but reading give an empty block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Npy {
    Read {
        path: String,
        header: Header,
        region: Region,
    },
    /// Makes the file as long as it will be.
    Create {
        path: String,
        header: Header,
    },
    /// The first input is the block.
    Write {
        path: String,
        header: Header,
        region: Region,
    },
    /// Gives the file its name, when the inputs have been written.
    Finish {
        from: String,
        to: String,
    },
}

/// A box of elements.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) offset: Vec<usize>,
    pub(crate) shape: Vec<usize>,
}

/// Elements that lie in a row are read and written so many bytes at once.
const BUFFER_BYTES: usize = 1 << 18;

impl Npy {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "from_npy",
            Self::Create { .. } => "create_npy",
            Self::Write { .. } => "write_npy",
            Self::Finish { .. } => "finish_npy",
        }
    }

    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        match self {
            Self::Read { path, header, region } => {
                region.check(path, header)?;
                return dispatch!(header.element, T => read::<T>(path, header, region));
            }
            Self::Create { path, header } => {
                header.check(path)?;
                let create = || {
                    let mut file = File::create(path)?;
                    file.write_all(&header.to_bytes())?;
                    file.set_len(header.end())
                };
                create().map_err(|error| wrong(path, format!("it cannot be made: {error}")))?;
            }
            Self::Write { path, header, region } => {
                region.check(path, header)?;
                let block = inputs.first().ok_or_else(|| wrong(path, "there is nothing to write"))?;
                if block.shape() != region.shape {
                    return Err(wrong(path, format!("a block of shape {:?} is no {:?}", block.shape(), region.shape)));
                }
                dispatch!(header.element, T => write::<T>(path, header, region, block))?;
            }
            Self::Finish { from, to } => {
                std::fs::rename(from, to).map_err(|error| wrong(to, format!("it cannot be replaced: {error}")))?;
            }
        }
        Block::from_elements::<u8>(&[0], Vec::new())
    }
}

impl Region {
    fn check(&self, path: &str, header: &Header) -> Result<(), ArrayError> {
        header.check(path)?;
        let counts = [self.offset.len(), self.shape.len()] == [header.shape.len(); 2];
        let mut lengths = self.offset.iter().zip(&self.shape).zip(&header.shape);
        let is_inside = |((offset, length), whole): ((&usize, &usize), &usize)| {
            offset.checked_add(*length).is_some_and(|end| end <= *whole)
        };
        if counts && lengths.all(is_inside) {
            return Ok(());
        }
        Err(wrong(path, format!("{self:?} is no part of shape {:?}", header.shape)))
    }

    /// The parts of the file that the region is, one after the other: where each begins, in elements; all are equally long.
    fn runs(&self, header: &Header) -> (usize, Vec<usize>) {
        let mut axes: Vec<(usize, usize, usize)> =
            self.offset.iter().zip(&self.shape).zip(&header.shape).map(|((a, b), c)| (*a, *b, *c)).collect();
        if header.is_fortran {
            axes.reverse();
        }
        let (mut run, mut stride, mut starts) = (1, 1, vec![0]);
        let mut is_run = true;
        for (offset, length, whole) in axes.into_iter().rev() {
            if is_run {
                run *= length;
                starts.iter_mut().for_each(|start| *start += offset * stride);
                // What is before this axis lies in a row with it only if it is taken whole.
                is_run = length == whole;
            } else {
                let before = std::mem::take(&mut starts);
                let rows = (offset..offset + length).map(|place| place * stride);
                starts = rows.flat_map(|row| before.iter().map(move |start| row + start)).collect();
            }
            stride *= whole;
        }
        (run, starts)
    }
}

fn read<T: Element>(path: &str, header: &Header, region: &Region) -> Result<Block, ArrayError> {
    let nbytes = T::TYPE.nbytes();
    memory::room(&region.shape, T::TYPE)?;
    let (run, starts) = region.runs(header);
    let mut bytes = vec![0; run * starts.len() * nbytes];
    if !bytes.is_empty() {
        let mut read = || {
            let mut file = BufReader::with_capacity(BUFFER_BYTES.min(bytes.len()), File::open(path)?);
            let mut at = 0;
            for (start, part) in starts.iter().zip(bytes.chunks_exact_mut(run * nbytes)) {
                let to = header.start + (start * nbytes) as u64;
                // Relative, so that a small step stays in the buffer.
                file.seek_relative(to as i64 - at as i64)?;
                file.read_exact(part)?;
                at = to + part.len() as u64;
            }
            std::io::Result::Ok(())
        };
        let message = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => format!("it is truncated: it has not all of {region:?} any more"),
            _ => format!("it cannot be read: {error}"),
        };
        read().map_err(|error| wrong(path, message(error)))?;
    }
    if header.is_big_endian {
        // A complex number is two of 8 bytes.
        bytes.chunks_exact_mut(nbytes.min(8)).for_each(<[u8]>::reverse);
    }
    let elements = T::from_bytes(&bytes);
    if !header.is_fortran {
        return Block::from_elements(&region.shape, elements);
    }
    let reversed: Vec<usize> = region.shape.iter().rev().copied().collect();
    let array = ArrayD::from_shape_vec(IxDyn(&reversed), elements).map_err(|error| wrong(path, error.to_string()))?;
    Ok(Block::from(array.reversed_axes()))
}

fn write<T: Element>(path: &str, header: &Header, region: &Region, block: &Block) -> Result<(), ArrayError> {
    let bytes = T::to_bytes(block.elements()?);
    let (run, starts) = region.runs(header);
    if bytes.is_empty() {
        return Ok(());
    }
    let write = || {
        let mut file = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        for (start, part) in starts.iter().zip(bytes.chunks_exact(run * T::TYPE.nbytes())) {
            file.seek(SeekFrom::Start(header.start + (start * T::TYPE.nbytes()) as u64))?;
            file.write_all(part)?;
        }
        file.flush()
    };
    write().map_err(|error| wrong(path, format!("it cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::ElementType;

    #[test]
    fn a_region_is_as_few_runs_as_it_can_be() {
        let header = Header::new(ElementType::F64, vec![4, 5, 6]);
        let runs = |offset: [usize; 3], shape: [usize; 3], is_fortran| {
            let region = Region { offset: offset.to_vec(), shape: shape.to_vec() };
            region.runs(&Header { is_fortran, ..header.clone() })
        };
        assert_eq!(runs([0, 0, 0], [4, 5, 6], false), (120, vec![0]));
        assert_eq!(runs([1, 0, 0], [2, 5, 6], false), (60, vec![30]));
        assert_eq!(runs([1, 2, 0], [2, 2, 6], false), (12, vec![42, 72]));
        assert_eq!(runs([0, 0, 1], [1, 2, 3], false), (3, vec![1, 7]));
        assert_eq!(runs([0, 0, 4], [4, 5, 2], true), (40, vec![80]));
    }
}
