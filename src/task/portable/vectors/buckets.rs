//! A partition on its way to others: what goes to each of several places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::task::portable::python::{EncodeError, MARK, PyValue};
use crate::task::portable::vectors::pieces::push_count;
use crate::task::portable::vectors::{Pieces, VectorError};

/// A [`Bucket`] in bytes of its own, so that who takes one need not read the others.
#[derive(Debug, Deserialize, Serialize)]
struct Sent<'a> {
    place: u32,
    #[serde(serialize_with = "in_one_piece")]
    bucket: &'a [u8],
}

/// What one partition sends to one place: items, each with its key.
#[derive(Debug, Deserialize, Serialize)]
struct Bucket<'a> {
    key_lengths: Vec<usize>,
    item_lengths: Vec<usize>,
    #[serde(serialize_with = "in_one_piece")]
    keys: &'a [u8],
    #[serde(serialize_with = "in_one_piece")]
    items: &'a [u8],
}

/// Sends each item to the place of its key. A place to which nothing goes takes no bytes.
pub(super) fn buckets_of(keys: &Pieces, items: &Pieces, places: &[u32]) -> Result<PyValue, VectorError> {
    if keys.len() != items.len() || keys.len() != places.len() {
        return Err(VectorError::Uneven { items: items.len(), others: keys.len() });
    }
    let mut buckets = BTreeMap::<u32, (Pieces, Pieces)>::new();
    for ((key, item), place) in keys.iter().zip(items.iter()).zip(places) {
        let (keys, items) = buckets.entry(*place).or_default();
        keys.push(key);
        items.push(item);
    }
    let mut bytes = MARK.to_vec();
    push_count(&mut bytes, buckets.len());
    for (place, (keys, items)) in buckets {
        let bucket = Bucket {
            key_lengths: keys.lengths().to_vec(),
            item_lengths: items.lengths().to_vec(),
            keys: keys.bytes(),
            items: items.bytes(),
        };
        let bucket = postcard::to_stdvec(&bucket).map_err(EncodeError::postcard)?;
        bytes = postcard::to_extend(&Sent { place, bucket: &bucket }, bytes).map_err(EncodeError::postcard)?;
    }
    Ok(PyValue::Bytes(bytes.into()))
}

/// What has come to one place, partition by partition.
#[derive(Debug, Default)]
pub(super) struct Gathered<'a> {
    pub(super) keys: Vec<&'a [u8]>,
    pub(super) items: Vec<&'a [u8]>,
}

impl<'a> Gathered<'a> {
    pub(super) fn of(place: u32, partitions: &[&'a PyValue]) -> Result<Self, VectorError> {
        let mut gathered = Self::default();
        for partition in partitions {
            let bytes = partition.postcard().ok_or(VectorError::Malformed)?;
            let buckets: Vec<Sent<'_>> = all_of(bytes)?;
            for sent in buckets.into_iter().filter(|sent| sent.place == place) {
                gathered.add(all_of(sent.bucket)?)?;
            }
        }
        Ok(gathered)
    }

    fn add(&mut self, bucket: Bucket<'a>) -> Result<(), VectorError> {
        let (keys, items) = (bucket.key_lengths.len(), bucket.item_lengths.len());
        if keys != items {
            return Err(VectorError::Uneven { items, others: keys });
        }
        cut(bucket.keys, &bucket.key_lengths, &mut self.keys)?;
        cut(bucket.items, &bucket.item_lengths, &mut self.items)
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.keys.append(&mut other.keys);
        self.items.append(&mut other.items);
    }
}

/// Cuts bytes into pieces of these lengths.
fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize], pieces: &mut Vec<&'a [u8]>) -> Result<(), VectorError> {
    for length in lengths {
        let (piece, rest) = bytes.split_at_checked(*length).ok_or(VectorError::Malformed)?;
        pieces.push(piece);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(()) } else { Err(VectorError::Malformed) }
}

/// Reads all of the bytes.
pub(super) fn all_of<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, VectorError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(VectorError::Malformed),
    }
}

/// As bytes, not as a sequence of numbers: the same form, without a call for each.
fn in_one_piece<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}
