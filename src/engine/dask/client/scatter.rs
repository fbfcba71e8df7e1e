//! Scattering to a cluster: values become data of its workers.

use std::any::type_name;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::engine::dask::client::connection::Connection;
use crate::engine::dask::client::task::{ClusterTask, Origin, Remote};
use crate::engine::dask::client::{Broadcast, Event, Scatter};
use crate::engine::dask::values::serialized;
use crate::engine::dask::wire::{Serialized, TaskKey};
use crate::engine::local::{ClientState, Draft, refused};
use crate::task::portable::{Codec, TypeOf, codec_of};
use crate::task::{Entry, Key, TaskFuture};

/// Which workers take a value.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// Addresses or names. Empty: all.
    pub(crate) workers: Vec<Arc<str>>,
    pub(crate) broadcast: Broadcast,
}

impl Default for Placement {
    fn default() -> Self {
        Self { workers: Vec::new(), broadcast: Broadcast::One }
    }
}

/// Values of one type on their way to a cluster: all in one message.
pub(crate) struct Scatterer<'a, T> {
    connection: &'a Arc<Connection>,
    client: &'a Arc<ClientState>,
    location: &'static Location<'static>,
    codec: Option<(Codec<T>, Option<TypeOf>)>,
    values: Vec<(TaskKey, Serialized)>,
    tasks: Vec<(TaskKey, Arc<dyn Remote>)>,
    entries: Vec<Arc<dyn Entry>>,
}

impl<'a, T: Send + Sync + 'static> Scatterer<'a, T> {
    pub(crate) fn new(
        connection: &'a Arc<Connection>,
        client: &'a Arc<ClientState>,
        location: &'static Location<'static>,
    ) -> Self {
        Self {
            connection,
            client,
            location,
            codec: codec_of(),
            values: Vec::new(),
            tasks: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Adds a value. With `is_hashed`, its key is made of what it is. Whatever is wrong with it is told by its future.
    pub(crate) fn add(&mut self, value: &T, is_hashed: bool) -> TaskFuture<T> {
        let future = match self.encode(value) {
            Ok((codec, type_of, encoded)) => {
                let key = if is_hashed { hashed_key::<T>(&encoded) } else { self.connection.new_key("scatter") };
                let origin =
                    Origin { name: || "scatter", key: TaskKey::from(&*key), decode: codec.input_decoder(), type_of };
                self.enter(key, origin, encoded)
            }
            Err(error) => self.refused(error),
        };
        self.entries.push(future.shared_entry());
        future
    }

    /// Sends them. Each of what it gives has ended once its value is on a worker.
    pub(crate) fn send(self, placement: Placement) -> Vec<Arc<dyn Entry>> {
        if !self.values.is_empty() {
            let Placement { workers, broadcast } = placement;
            let through = self.connection.through;
            let scatter = Scatter { values: self.values, workers, broadcast, through };
            self.connection.enter(self.tasks, Event::Scatter(scatter));
        }
        self.entries
    }

    fn encode(&self, value: &T) -> Result<(Codec<T>, Option<TypeOf>, Serialized), Error> {
        let (codec, type_of) = self.codec.ok_or_else(|| Error::NotPortable {
            task: "scatter".into(),
            fix: format!("have a `#[task]` take or give a `{}`, with `Serialize` and `Deserialize`", type_name::<T>())
                .into(),
        })?;
        // What no worker can make an object of Python of is one from the start, if there is one.
        let python = if type_of.is_none() { codec.python_of(value).ok() } else { None };
        let encoded = match python.and_then(|value| serialized(&value).ok()) {
            Some(encoded) => encoded,
            None => {
                let not_encoded = |source: Arc<dyn std::error::Error + Send + Sync>| {
                    let value = format!("a `{}`", type_name::<T>());
                    Error::NotEncoded { task: "scatter".into(), value: value.into(), source }
                };
                let value = codec.encode_result(value).map_err(|error| not_encoded(Arc::new(error)))?;
                serialized(&value).map_err(|error| not_encoded(Arc::new(error)))?
            }
        };
        Ok((codec, type_of, encoded))
    }

    fn enter(&mut self, key: Key, origin: Origin<T>, encoded: Serialized) -> TaskFuture<T> {
        let task_key = origin.key.clone();
        if let Some(there) = self.connection.task(&task_key).filter(|there| there.core().has_handles()) {
            let is_void = matches!(there.core().outcome(), Some(Err(error)) if !error.is_failure());
            match there.as_any().downcast::<ClusterTask<T>>() {
                Ok(there) if !is_void && there.retain_if_held() => return TaskFuture::new(there),
                Err(_) if !is_void => return self.refused(Error::KeyConflict { key }),
                _ => {}
            }
        }
        let mut draft = Draft::new(self.client.lease(), self.location);
        draft.set_key(key, false);
        let task = ClusterTask::new(self.connection, draft, origin);
        let future = TaskFuture::new(Arc::clone(&task) as _);
        self.tasks.push((task_key.clone(), task as Arc<dyn Remote>));
        self.values.push((task_key, encoded));
        future
    }

    fn refused(&self, error: Error) -> TaskFuture<T> {
        refused::<fn() -> T, (), ()>(Draft::new(self.client.lease(), self.location), error)
    }
}

/// The same for equal values of one type, in every process that is built from the same code.
fn hashed_key<T>(encoded: &Serialized) -> Key {
    // Two times 64 bits: nobody compares the values.
    let half = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (number, type_name::<T>()).hash(&mut hasher);
        encoded.frames.iter().for_each(|frame| hasher.write(frame));
        hasher.finish()
    };
    format!("scatter-{:016x}{:016x}", half(0), half(1)).into()
}
