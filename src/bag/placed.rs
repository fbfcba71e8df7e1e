//! The steps of what brings items together: partitions are cut into buckets by the places of keys, and what has come to one
//! place is put together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

#[cfg(feature = "dask")]
use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::vectors::{VectorCall, export_vectors, known, no_value, read_groups, read_pairs};
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts, TypeOf, codec_of};
use crate::task::{Call, TaskFn, place_of};

/// The items of a partition, each with its key, by the place that they go to.
pub(super) type Buckets<K, T> = Vec<Vec<(K, T)>>;

/// Those of all partitions.
type Sent<K, T> = Vec<Arc<Buckets<K, T>>>;

/// Sends pairs of keys and items to the places of their keys.
pub(super) fn split_pairs<K: Hash, T>(pairs: impl IntoIterator<Item = (K, T)>, places: usize) -> Buckets<K, T> {
    let mut buckets: Buckets<K, T> = (0..places).map(|_| Vec::new()).collect();
    pairs.into_iter().for_each(|pair| buckets[place_of(&pair.0, places)].push(pair));
    buckets
}

/// Sends items to the places of their keys.
#[derive(Clone, Copy)]
pub(super) struct Split {
    pub(super) places: usize,
}

impl<K, T> TaskFn<(Vec<T>, Vec<K>)> for Split
where
    K: Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    type Output = Buckets<K, T>;

    fn call(&self, (items, keys): (Vec<T>, Vec<K>)) -> Call<Buckets<K, T>> {
        Call::Returned(Ok(split_pairs(keys.into_iter().zip(items), self.places)))
    }

    fn name() -> &'static str {
        "split"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Buckets<K, T>>, Error> {
        let ((_, items), (_, keys)) = (known::<T>("split")?, known::<K>("split")?);
        let call = VectorCall::Split { items: items.into(), keys: keys.into(), places: number(self.places) };
        Ok(export_vectors(call, parts, None, no_value))
    }
}

/// Sends the distinct items of a partition to their places, with how often they are there, so that less is sent around.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) places: usize,
}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> TaskFn<(Vec<T>,)> for Counts {
    type Output = Buckets<T, usize>;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Buckets<T, usize>> {
        let counts = counted(items.into_iter().map(|item| (item, 1)));
        Call::Returned(Ok(split_pairs(counts, self.places)))
    }

    fn name() -> &'static str {
        "counts"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Buckets<T, usize>>, Error> {
        let (_, of) = known::<T>("counts")?;
        let call = VectorCall::Counts { of: of.into(), places: number(self.places) };
        Ok(export_vectors(call, parts, None, no_value))
    }
}

/// The items of each key, the keys in the order in which they first come.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) place: usize,
}

impl<K, T> TaskFn<(Sent<K, T>,)> for Group
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    type Output = Vec<(K, Vec<T>)>;

    fn call(&self, (sent,): (Sent<K, T>,)) -> Call<Vec<(K, Vec<T>)>> {
        let (mut groups, mut places) = (Vec::new(), HashMap::new());
        for (key, item) in of_place(&sent, self.place) {
            let place = *places.entry(key.clone()).or_insert_with(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(item);
        }
        Call::Returned(Ok(groups))
    }

    fn name() -> &'static str {
        "group_by"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<(K, Vec<T>)>>, Error> {
        let (_, keys) = known::<K>("group_by")?;
        let call = VectorCall::Group { keys: keys.into(), place: number(self.place) };
        Ok(export_vectors(call, parts, type_of::<(K, Vec<T>)>(), read_groups))
    }
}

/// The pairs of equal keys, in the order of the left side.
#[derive(Clone, Copy)]
pub(super) struct Join {
    pub(super) place: usize,
}

impl<K, T, U> TaskFn<(Sent<K, T>, Sent<K, U>)> for Join
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
{
    type Output = Vec<(T, U)>;

    fn call(&self, (left, right): (Sent<K, T>, Sent<K, U>)) -> Call<Vec<(T, U)>> {
        let mut by_key: HashMap<K, Vec<U>> = HashMap::new();
        of_place(&right, self.place).for_each(|(key, item)| by_key.entry(key).or_default().push(item));
        let mut pairs = Vec::new();
        for (key, item) in of_place(&left, self.place) {
            let others = by_key.get(&key).map(Vec::as_slice).unwrap_or_default();
            pairs.extend(others.iter().map(|other| (item.clone(), other.clone())));
        }
        Call::Returned(Ok(pairs))
    }

    fn name() -> &'static str {
        "join"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<(T, U)>>, Error> {
        let (_, keys) = known::<K>("join")?;
        let call = VectorCall::Join { keys: keys.into(), place: number(self.place) };
        Ok(export_vectors(call, parts, type_of::<(T, U)>(), read_pairs))
    }
}

/// The distinct items, with the sums of their counts.
#[derive(Clone, Copy)]
pub(super) struct Frequencies {
    pub(super) place: usize,
}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> TaskFn<(Sent<T, usize>,)> for Frequencies {
    type Output = Vec<(T, usize)>;

    fn call(&self, (sent,): (Sent<T, usize>,)) -> Call<Vec<(T, usize)>> {
        Call::Returned(Ok(counted(of_place(&sent, self.place))))
    }

    fn name() -> &'static str {
        "frequencies"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<(T, usize)>>, Error> {
        let (_, of) = known::<T>("frequencies")?;
        let call = VectorCall::Frequencies { of: of.into(), place: number(self.place) };
        Ok(export_vectors(call, parts, type_of::<(T, usize)>(), read_pairs))
    }
}

/// The distinct items.
#[derive(Clone, Copy)]
pub(super) struct Distinct {
    pub(super) place: usize,
}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> TaskFn<(Sent<T, usize>,)> for Distinct {
    type Output = Vec<T>;

    fn call(&self, (sent,): (Sent<T, usize>,)) -> Call<Vec<T>> {
        let counts = counted(of_place(&sent, self.place));
        Call::Returned(Ok(counts.into_iter().map(|(item, _)| item).collect()))
    }

    fn name() -> &'static str {
        "distinct"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        let (codec, of) = known::<T>("distinct")?;
        let call = VectorCall::Distinct { of: of.into(), place: number(self.place) };
        Ok(export_vectors(call, parts, Some(of), codec.input_decoder()))
    }
}

/// What has come to one place, partition by partition.
fn of_place<K: Clone, T: Clone>(sent: &[Arc<Buckets<K, T>>], place: usize) -> impl Iterator<Item = (K, T)> {
    sent.iter().flat_map(move |buckets| buckets[place].iter().cloned())
}

/// The sums of the counts of equal items, in the order in which they first come.
fn counted<T: Hash + Eq + Clone>(pairs: impl Iterator<Item = (T, usize)>) -> Vec<(T, usize)> {
    let (mut counts, mut places) = (Vec::<(T, usize)>::new(), HashMap::<T, usize>::new());
    for (item, count) in pairs {
        match places.get(&item) {
            Some(place) => counts[*place].1 += count,
            None => {
                places.insert(item.clone(), counts.len());
                counts.push((item, count));
            }
        }
    }
    counts
}

/// A place or a count of them, as a worker is told it. A graph has fewer nodes.
#[cfg(feature = "dask")]
fn number(places: usize) -> u32 {
    u32::try_from(places).unwrap_or(u32::MAX)
}

/// What a worker knows vectors of these items by, if a registered task has them.
#[cfg(feature = "dask")]
fn type_of<T: 'static>() -> Option<TypeOf> {
    codec_of::<Vec<T>>().and_then(|(_, type_of)| type_of)
}
