//! Chosen places along an axis.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::elementwise::ends;
use crate::array::kernel::{Kernel, Picks, Take};
use crate::array::{Array, ArrayError, Block, Element, Layout};

impl<T: Element> Array<T> {
    /// What is at these places of an axis, in this order; places may be repeated, and count from the end below 0.
    ///
    /// Where the places are in the order of the chunks, each chunk gives one, or several if there is more of it than was; else
    /// the chunks are as long as the longest one was.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], [`ArrayError::Index`], [`ArrayError::ShapeOverflow`], and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 100, 10, 4);
    /// assert_eq!(client.compute(&x.take(&[7, 0, 0, -1], 0)?).wait()?.as_slice().unwrap(), [70, 0, 0, 90]);
    /// assert_eq!(x.take(&[1, 2, 5, 9], 0)?.chunks(), [vec![2, 1, 1]]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take(&self, indices: &[isize], axis: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        let axis = self.axis(axis)?;
        let indices = indices.iter().map(|index| self.index(*index, axis)).collect::<Result<Vec<_>, _>>()?;
        self.taken(indices, axis)
    }

    /// What is at the places of an axis where the mask is true.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`]; [`ArrayError::Shapes`] if the mask is not as long as the axis; and the error that the array
    /// carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 5, 1, 2).compress(&[true, false, false, true, true], 0)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice().unwrap(), [0, 3, 4]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compress(&self, mask: &[bool], axis: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        let axis = self.axis(axis)?;
        let length = self.shape()[axis];
        if mask.len() != length {
            return Err(ArrayError::Shapes {
                operation: format!("compress along axis {axis}"),
                left: self.shape().to_vec(),
                right: vec![mask.len()],
                fix: format!("give a mask of {length} values, one for each place of the axis"),
            });
        }
        self.taken(mask.iter().enumerate().filter(|(_, is_taken)| **is_taken).map(|(index, _)| index).collect(), axis)
    }

    /// What is at these places, which are all there.
    fn taken(&self, indices: Vec<usize>, axis: usize) -> Result<Self, ArrayError> {
        let groups = groups(&indices, &self.chunks()[axis]);
        let mut lists = self.chunks().to_vec();
        lists[axis] = groups.iter().map(|group| group.length).collect();
        let layout = Layout::from_lists(lists)?;
        let blocks = layout.blocks().map(|place| self.picked(place, axis, &groups)).collect();
        Ok(Self::from_blocks(layout, blocks))
    }

    /// The block at a place of the result.
    fn picked(&self, place: Vec<usize>, axis: usize, groups: &[Group]) -> Delayed<Block> {
        let group = &groups[place[axis]];
        let with = |mut whole: Vec<usize>, along: usize| {
            whole[axis] = along;
            whole
        };
        let node = |length: usize, picks: Vec<Arc<Picks>>, inputs: Vec<Delayed<Block>>| {
            let chunk = with(place.clone(), 0);
            let shape = with(self.layout().block_shape(&chunk), length);
            let nbytes = shape.iter().product::<usize>() * T::TYPE.nbytes();
            block_node(Kernel::Take(Take { shape, element: T::TYPE, axis, picks }), &place, nbytes, inputs)
        };
        let block = |source: &Source| self.block(&with(place.clone(), source.chunk));
        if let [source] = &group.sources[..] {
            return match source.is_whole {
                true => block(source),
                false => node(group.length, vec![Arc::clone(&source.picks)], vec![block(source)]),
            };
        }
        // Each block gives what is wanted of it first, and may then go: all of them at once would be too much.
        let part = |source: &Source| node(source.picks.len(), vec![Arc::clone(&source.picks)], vec![block(source)]);
        let spread = group.sources.iter().filter_map(|source| source.spread.clone()).collect();
        node(group.length, spread, group.sources.iter().map(part).collect())
    }
}

/// A chunk of the result.
struct Group {
    length: usize,
    sources: Vec<Source>,
}

/// What a chunk of the result has of one of the array.
struct Source {
    chunk: usize,
    /// From the chunk into the result, or into the row of what the chunk gives; and from there into the result.
    picks: Arc<Picks>,
    spread: Option<Arc<Picks>>,
    /// Whether it is just all of the chunk, and all of the result.
    is_whole: bool,
}

/// Makes chunks of indices.
fn groups(indices: &[usize], chunks: &[usize]) -> Vec<Group> {
    let ends: Vec<usize> = ends(chunks).collect();
    let chunk_of = |index: usize| ends.partition_point(|end| *end <= index);
    let longest = chunks.iter().copied().max().unwrap_or(0).max(1);
    let is_sorted = indices.is_sorted_by_key(|index| chunk_of(*index));
    let belong = |one: &usize, next: &usize| !is_sorted || chunk_of(*one) == chunk_of(*next);
    let group = |indices: &[usize]| {
        let mut picks: BTreeMap<usize, Picks> = BTreeMap::new();
        for (at, index) in indices.iter().enumerate() {
            let chunk = chunk_of(*index);
            picks.entry(chunk).or_default().push((index + chunks[chunk] - ends[chunk], at));
        }
        let is_single = picks.len() == 1;
        let source = |(chunk, picks): (usize, Picks)| {
            let is_whole = is_single && picks.iter().copied().eq((0..chunks[chunk]).map(|index| (index, index)));
            if is_single {
                return Source { chunk, picks: picks.into(), spread: None, is_whole };
            }
            let packed = picks.iter().enumerate().map(|(row, (from, _))| (*from, row)).collect::<Picks>();
            let spread = picks.iter().enumerate().map(|(row, (_, at))| (row, *at)).collect::<Picks>();
            Source { chunk, picks: packed.into(), spread: Some(spread.into()), is_whole }
        };
        Group { length: indices.len(), sources: picks.into_iter().map(source).collect() }
    };
    let groups: Vec<Group> = indices.chunk_by(belong).flat_map(|indices| indices.chunks(longest)).map(group).collect();
    if !groups.is_empty() {
        return groups;
    }
    let source = Source { chunk: 0, picks: Arc::default(), spread: None, is_whole: chunks[0] == 0 };
    vec![Group { length: 0, sources: vec![source] }]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each chunk how long it is, how many it takes from, and whether it is just one of those.
    fn made(indices: &[usize], chunks: &[usize]) -> Vec<(usize, usize, bool)> {
        let group = |group: &Group| (group.length, group.sources.len(), group.sources[0].is_whole);
        groups(indices, chunks).iter().map(group).collect()
    }

    #[test]
    fn places_in_order_stay_in_their_chunks() {
        assert_eq!(made(&[0, 1, 4, 5, 9], &[3, 3, 4]), [(2, 1, false), (2, 1, false), (1, 1, false)]);
        assert_eq!(made(&[1, 0, 2, 9, 8], &[3, 3, 4]), [(3, 1, false), (2, 1, false)]);
        assert_eq!(made(&[0; 5], &[2, 2]), [(2, 1, false), (2, 1, false), (1, 1, false)]);
        assert_eq!(made(&[3, 0, 1, 2], &[0, 2, 2]), [(2, 2, false), (2, 2, false)]);
        assert_eq!(made(&[], &[0, 2]), [(0, 1, true)]);
    }

    #[test]
    fn all_of_a_chunk_is_the_chunk() {
        assert_eq!(made(&[0, 1, 2], &[2, 2]), [(2, 1, true), (1, 1, false)]);
        assert_eq!(made(&[1, 0, 2, 3], &[2, 2]), [(2, 1, false), (2, 1, true)]);
    }
}
