//! What is done with vectors that are bytes.

use serde::de::IgnoredAny;

use crate::task::portable::python::PyValue;
use crate::task::portable::vectors::buckets::{Gathered, all_of, buckets_of};
use crate::task::portable::vectors::pieces::{bytes_of, postcard_of, push_count, take_count, vector_of};
use crate::task::portable::vectors::vector::Keys;
use crate::task::portable::vectors::{Pieces, Vector, VectorError};

/// A vector as it arrives.
pub(super) enum Arrived<'a> {
    Postcard(&'a [u8]),
    /// Python has made it.
    Python(&'a PyValue),
}

impl<'a> Arrived<'a> {
    pub(super) fn of(value: &'a PyValue) -> Self {
        value.postcard().map_or(Self::Python(value), Self::Postcard)
    }
}

/// What Rust has made is passed on as it is: whoever takes an item of it reads it, and sees whether it is one.
/// Of what Python has made, `vector` tells the type.
pub(super) fn concat<'a>(
    vector: impl Fn() -> Result<Option<Vector>, VectorError>,
    parts: impl Iterator<Item = Arrived<'a>>,
) -> Result<PyValue, VectorError> {
    let (mut count, mut items) = (0_usize, Vec::new());
    for part in parts {
        let added = match part {
            Arrived::Postcard(bytes) => {
                let (added, bytes) = take_count(bytes)?;
                items.extend_from_slice(bytes);
                added
            }
            Arrived::Python(value) => {
                let of = vector()?.ok_or_else(|| VectorError::NotTyped { found: value.to_string() })?;
                let pieces = of.pieces(value)?;
                items.extend_from_slice(pieces.bytes());
                pieces.len()
            }
        };
        count = count.checked_add(added).ok_or(VectorError::Malformed)?;
    }
    Ok(bytes_of(count, &items))
}

pub(super) fn count(vector: &PyValue) -> Result<PyValue, VectorError> {
    let count = match Arrived::of(vector) {
        Arrived::Postcard(bytes) => take_count(bytes)?.0,
        Arrived::Python(value) => value.decode::<Vec<IgnoredAny>>()?.len(),
    };
    Ok(bytes_of(count, &[]))
}

pub(super) fn take(of: Vector, count: usize, parts: &[&PyValue]) -> Result<PyValue, VectorError> {
    let mut first = Pieces::default();
    for part in parts {
        let missing = count - first.len();
        if missing == 0 {
            break;
        }
        of.pieces(part)?.iter().take(missing).for_each(|piece| first.push(piece));
    }
    Ok(vector_of(first.iter()))
}

pub(super) fn select(of: Vector, items: &PyValue, flags: &PyValue) -> Result<PyValue, VectorError> {
    let (items, flags) = (of.pieces(items)?, flags.decode::<Vec<bool>>()?);
    if items.len() != flags.len() {
        return Err(VectorError::Uneven { items: items.len(), others: flags.len() });
    }
    let mut kept = Pieces::default();
    items.iter().zip(flags).filter(|(_, is_kept)| *is_kept).for_each(|(item, _)| kept.push(item));
    Ok(vector_of(kept.iter()))
}

/// Sends each distinct item to its place, with how often it is there.
pub(super) fn counts(keys: Keys, items: &PyValue, places: u32) -> Result<PyValue, VectorError> {
    let (items, places) = (keys.spread)(items, places)?;
    let numbers = (keys.numbers)(&postcard_of(items.iter()))?;
    let (mut distinct, mut counts, mut distinct_places) = (Pieces::default(), Vec::<usize>::new(), Vec::new());
    for ((item, place), number) in items.iter().zip(places).zip(numbers) {
        if number == counts.len() {
            distinct.push(item);
            counts.push(0);
            distinct_places.push(place);
        }
        counts[number] += 1;
    }
    let mut pieces = Pieces::default();
    counts.into_iter().for_each(|count| pieces.push(&count_bytes(count)));
    buckets_of(&distinct, &pieces, &distinct_places)
}

pub(super) fn group(keys: Keys, place: u32, parts: &[&PyValue]) -> Result<PyValue, VectorError> {
    let gathered = Gathered::of(place, parts)?;
    let mut groups = Pieces::default();
    for group in groups_of(keys, &gathered)? {
        let items = group.iter().map(|index| gathered.items[*index]);
        groups.push(&[gathered.keys[group[0]], &postcard_of(items)].concat());
    }
    Ok(vector_of(groups.iter()))
}

/// In the order of the left side.
pub(super) fn join(keys: Keys, place: u32, left: &[&PyValue], right: &[&PyValue]) -> Result<PyValue, VectorError> {
    let mut both = Gathered::of(place, left)?;
    let left_count = both.items.len();
    both.append(Gathered::of(place, right)?);
    // The group of each, and what the groups have of the right: there may be many more pairs.
    let groups = groups_of(keys, &both)?;
    let mut group_of = vec![0; left_count];
    let mut of_right = vec![Vec::new(); groups.len()];
    for (number, group) in groups.iter().enumerate() {
        for index in group {
            match group_of.get_mut(*index) {
                Some(group) => *group = number,
                None => of_right[number].push(both.items[*index]),
            }
        }
    }
    let (mut count, mut pairs) = (0_usize, Vec::new());
    for (item, group) in both.items.iter().zip(group_of) {
        count += of_right[group].len();
        of_right[group].iter().for_each(|other| pairs.extend(item.iter().chain(*other)));
    }
    Ok(bytes_of(count, &pairs))
}

pub(super) fn frequencies(keys: Keys, place: u32, parts: &[&PyValue]) -> Result<PyValue, VectorError> {
    let gathered = Gathered::of(place, parts)?;
    let mut pairs = Pieces::default();
    for group in groups_of(keys, &gathered)? {
        let mut sum = 0_usize;
        for index in &group {
            sum = sum.saturating_add(all_of(gathered.items[*index])?);
        }
        pairs.push(&[gathered.keys[group[0]], &count_bytes(sum)].concat());
    }
    Ok(vector_of(pairs.iter()))
}

pub(super) fn distinct(keys: Keys, place: u32, parts: &[&PyValue]) -> Result<PyValue, VectorError> {
    let gathered = Gathered::of(place, parts)?;
    let mut items = Pieces::default();
    groups_of(keys, &gathered)?.iter().for_each(|group| items.push(gathered.keys[group[0]]));
    Ok(vector_of(items.iter()))
}

/// The indices of the items of each key, the keys in the order in which they first come.
fn groups_of(keys: Keys, gathered: &Gathered<'_>) -> Result<Vec<Vec<usize>>, VectorError> {
    // Keys that take no bytes are one: so many of them would be refused.
    let are_empty = gathered.keys.iter().all(|key| key.is_empty());
    let read = if are_empty { gathered.keys.len().min(1) } else { gathered.keys.len() };
    let mut numbers = (keys.numbers)(&postcard_of(gathered.keys[..read].iter().copied()))?;
    if are_empty {
        numbers.resize(gathered.keys.len(), 0);
    }
    if numbers.len() != gathered.items.len() {
        return Err(VectorError::Uneven { items: gathered.items.len(), others: numbers.len() });
    }
    let mut groups = Vec::<Vec<usize>>::new();
    for (index, number) in numbers.into_iter().enumerate() {
        if number == groups.len() {
            groups.push(Vec::new());
        }
        groups[number].push(index);
    }
    Ok(groups)
}

fn count_bytes(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_count(&mut bytes, count);
    bytes
}
