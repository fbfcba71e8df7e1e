//! Scattering: futures of values that are there.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::operation::Wait;
#[cfg(feature = "dask")]
use crate::client::scattering::Add;
use crate::client::{Client, ClientStatus, Operation};
#[cfg(feature = "dask")]
use crate::engine::dask::client::Placement;
use crate::runtime::Runtime;
use crate::task::TaskFuture;

impl<R: Runtime> Client<R> {
    /// Makes a future of a value, so that many tasks can take it. It is moved, and shared by those that take an `Arc`.
    ///
    /// Each has a key of its own; see [`scatter_hashed`](Self::scatter_hashed) for one copy of equal values.
    ///
    /// On a Dask cluster the value goes to a worker, and the operation is over when it is there. Some registered task must take
    /// or give its type, unless that is a number, a text, or a vector of those. If the worker goes away and no other has a
    /// copy, the future is [lost](crate::Status::Lost): nobody can make the value again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the operation drops the future: the value is released.
    ///
    /// # Errors
    ///
    /// [`Error::ClientClosed`]; on a cluster [`Error::NotPortable`], [`Error::NotEncoded`], and [`Error::Lost`] if no worker
    /// takes it within 30 s.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let table = client.scatter(vec![1.0, 2.0, 4.0]).wait()?;
    /// let row = |table: Arc<Vec<f64>>, index: usize| table[index];
    /// let rows = client.map(row, (0..3).map(|index| (&table, index)));
    /// assert_eq!(client.gather(rows).wait()?, [1.0, 2.0, 4.0]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter<T: Send + Sync + 'static>(&self, value: T) -> Operation<TaskFuture<T>> {
        let location = Location::caller();
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.state.cluster {
            return self.scatter_to(cluster, "scatter", location, Placement::default(), |add| add(value, false));
        }
        self.scattered("scatter", || self.state().scatter(location, value))
    }

    /// Makes a future of each value of a vector, an array or a map, in the same arrangement.
    ///
    /// # Errors
    ///
    /// [`Error::ClientClosed`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::collections::BTreeMap;
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parts = client.scatter_all(vec![1, 2, 3]).wait()?;
    /// assert_eq!(client.submit(|parts: Vec<i64>| parts.iter().sum::<i64>(), &parts).wait()?, 6);
    ///
    /// let tables = client.scatter_all(BTreeMap::from([("north", 10), ("south", 20)])).wait()?;
    /// assert_eq!(client.submit(|x: i64| x + 1, &tables["south"]).wait()?, 21);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_all<C>(&self, values: C) -> Operation<C::Futures>
    where
        C: Scatter<Value: Send + Sync + 'static>,
    {
        let location = Location::caller();
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.state.cluster {
            let scatter = |add: Add<'_, C::Value>| values.scatter(&mut |value| add(value, false));
            return self.scatter_to(cluster, "scatter_all", location, Placement::default(), scatter);
        }
        self.scattered("scatter_all", || values.scatter(&mut |value| self.state().scatter(location, value)))
    }

    /// As [`scatter`](Self::scatter), with a key that is made of the value: as long as a future of an equal value of the
    /// same type is held, there is one key and one copy in the whole engine, and the value given here is dropped. Dask's
    /// `hash=True`.
    ///
    /// It hashes the value and compares it with the one that is there, so it takes time with its size. Values that
    /// differ and hash alike have keys of their own. When those come and go, an equal value may be kept twice.
    ///
    /// On a Dask cluster there is one copy for all clients that are built from the same code, known by 128 bits that are made of the
    /// encoded value.
    ///
    /// # Errors
    ///
    /// Those of [`scatter`](Self::scatter).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let [a, b] = [1, 2].map(|_| client.scatter_hashed("a long text".to_owned()).wait());
    /// assert_eq!(a?.key(), b?.key());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_hashed<T: Hash + Eq + Send + Sync + 'static>(&self, value: T) -> Operation<TaskFuture<T>> {
        let location = Location::caller();
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.state.cluster {
            return self.scatter_to(cluster, "scatter_hashed", location, Placement::default(), |add| add(value, true));
        }
        self.scattered("scatter_hashed", || self.state().scatter_hashed(location, value))
    }

    fn scattered<F: Send + Unpin + 'static>(&self, name: &'static str, scatter: impl FnOnce() -> F) -> Operation<F> {
        // The value moves now, whenever the operation is awaited: elsewhere a scatter may take time, here it takes none.
        let scattered = match self.status() {
            ClientStatus::Running => Ok(scatter()),
            _ => Err(Error::ClientClosed { operation: name }),
        };
        self.operation(name, Scattered(Some(scattered)))
    }
}

/// Values that can be scattered at once: a vector, an array or a map. See [`Client::scatter_all`].
#[diagnostic::on_unimplemented(
    message = "the values of `{Self}` cannot be scattered one by one",
    note = "give a vector, an array or a map of values, or scatter it as one value with `client.scatter`"
)]
pub trait Scatter {
    /// One value.
    type Value;
    /// The futures: `Vec<T>` gives `Vec<TaskFuture<T>>`.
    type Futures: Send + Unpin + 'static;

    /// Scatters each value, in order.
    #[doc(hidden)]
    fn scatter(self, scatter: &mut dyn FnMut(Self::Value) -> TaskFuture<Self::Value>) -> Self::Futures;
}

impl<T: Send + Sync + 'static> Scatter for Vec<T> {
    type Value = T;
    type Futures = Vec<TaskFuture<T>>;

    fn scatter(self, scatter: &mut dyn FnMut(T) -> TaskFuture<T>) -> Self::Futures {
        self.into_iter().map(scatter).collect()
    }
}

impl<T: Send + Sync + 'static, const N: usize> Scatter for [T; N] {
    type Value = T;
    type Futures = [TaskFuture<T>; N];

    fn scatter(self, scatter: &mut dyn FnMut(T) -> TaskFuture<T>) -> Self::Futures {
        self.map(scatter)
    }
}

macro_rules! maps {
    ($($map:ident [$($bounds:tt)*];)*) => {$(
        impl<K: $($bounds)* + Send + Unpin + 'static, T: Send + Sync + 'static> Scatter for $map<K, T> {
            type Value = T;
            type Futures = $map<K, TaskFuture<T>>;

            fn scatter(self, scatter: &mut dyn FnMut(T) -> TaskFuture<T>) -> Self::Futures {
                self.into_iter().map(|(key, value)| (key, scatter(value))).collect()
            }
        }
    )*};
}

maps! {
    BTreeMap [Ord];
    HashMap [Hash + Eq];
}

/// What has been scattered.
struct Scattered<F>(Option<Result<F, Error>>);

impl<F: Unpin> Future for Scattered<F> {
    type Output = Result<F, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<F: Send + Unpin> Wait<F> for Scattered<F> {}
