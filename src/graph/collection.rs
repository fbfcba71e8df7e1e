use crate::graph::{Delayed, Persist};

/// Something that is made of lazy calls, and can be [computed](crate::Client::compute) and
/// [persisted](crate::Client::persist) as a whole: Dask's collection protocol.
///
/// | Dask | here |
/// |---|---|
/// | `__dask_graph__` | what the parts take from: every node knows it |
/// | `__dask_keys__` | [`parts`](Self::parts) |
/// | `__dask_postcompute__` | [`finalize`](Self::finalize) |
/// | `__dask_postpersist__` | [`rebuild`](Self::rebuild) |
/// | `__dask_optimize__` | [`Hints`](crate::graph::Hints) of the nodes |
///
/// # Examples
///
/// A time series whose days are loaded when they are needed:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::graph::Collection;
/// use anydask::{Client, Delayed, delayed, runtime::Smol};
///
/// struct Series {
///     days: Vec<Delayed<Vec<f64>>>,
/// }
///
/// impl Series {
///     fn load(days: std::ops::Range<u32>) -> Self {
///         Self { days: days.map(|day| delayed(|day: u32| vec![day.into(); 24], day)).collect() }
///     }
///
///     fn map(&self, f: fn(f64) -> f64) -> Self {
///         let map = move |day: Vec<f64>| day.into_iter().map(f).collect::<Vec<_>>();
///         Self { days: self.days.iter().map(|day| delayed(map, day)).collect() }
///     }
/// }
///
/// impl Collection for Series {
///     type Output = Vec<f64>;
///     type Parts = Vec<Delayed<Vec<f64>>>;
///
///     fn parts(&self) -> Self::Parts {
///         self.days.clone()
///     }
///
///     fn finalize(&self) -> Delayed<Vec<f64>> {
///         delayed(|days: Vec<Vec<f64>>| days.concat(), &self.days)
///     }
///
///     fn rebuild(&self, days: Self::Parts) -> Self {
///         Self { days }
///     }
/// }
///
/// let client = Client::<Smol>::local().wait()?;
/// let series = client.persist(&Series::load(0..7));   // loaded once, day by day
/// let all = client.compute(&series.map(|x| 2.0 * x));
/// assert_eq!(all.wait()?[24 * 3], 6.0);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub trait Collection {
    /// What computing it gives.
    type Output: Send + Sync + 'static;

    /// What it is made of: lazy calls, in vectors, arrays, tuples or maps.
    type Parts: Persist<Persisted = Self::Parts>;

    /// The lazy calls that it is made of. Each call gives the same ones.
    fn parts(&self) -> Self::Parts;

    /// A lazy call that makes the whole of the parts.
    fn finalize(&self) -> Delayed<Self::Output>;

    /// The same collection, made of other parts that have the same values.
    fn rebuild(&self, parts: Self::Parts) -> Self;
}

impl<T: Send + Sync + 'static> Collection for Delayed<T> {
    type Output = T;
    type Parts = Self;

    fn parts(&self) -> Self {
        self.clone()
    }

    fn finalize(&self) -> Self {
        self.clone()
    }

    fn rebuild(&self, part: Self) -> Self {
        part
    }
}
