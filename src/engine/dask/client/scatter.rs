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
    placement: Placement,
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
        placement: Placement,
    ) -> Self {
        Self {
            connection,
            client,
            location,
            placement,
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
                let task_key = TaskKey::from(&*key);
                let origin =
                    Origin { name: || "scatter", key: task_key.clone(), decode: codec.input_decoder(), type_of };
                let mut draft = Draft::new(self.client.lease(), self.location);
                draft.set_key(key, false);
                let task = ClusterTask::new(self.connection, draft, origin);
                let value = (task_key, encoded);
                TaskFuture::new(if is_hashed { self.enter_hashed(task, value) } else { self.keep(task, value) })
            }
            Err(error) => refused::<fn() -> T, (), ()>(Draft::new(self.client.lease(), self.location), error),
        };
        self.entries.push(future.shared_entry());
        future
    }

    /// Sends those that have not been sent yet. Each of what it gives has ended once its value is on a worker.
    pub(crate) fn send(mut self) -> Vec<Arc<dyn Entry>> {
        if !self.values.is_empty() {
            let values = std::mem::take(&mut self.values);
            self.connection.enter_all(&self.tasks, self.scatter(values));
        }
        self.entries
    }

    fn scatter(&self, values: Vec<(TaskKey, Serialized)>) -> Event {
        let Placement { workers, broadcast } = self.placement.clone();
        Event::Scatter(Scatter { values, workers, broadcast, through: self.connection.through })
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

    /// Nobody else has its key: it is sent with the others.
    fn keep(&mut self, task: Arc<ClusterTask<T>>, value: (TaskKey, Serialized)) -> Arc<ClusterTask<T>> {
        self.tasks.push((value.0.clone(), Arc::clone(&task) as Arc<dyn Remote>));
        self.values.push(value);
        task
    }

    /// Others may send an equal value at the same time: one of them does.
    fn enter_hashed(&self, task: Arc<ClusterTask<T>>, value: (TaskKey, Serialized)) -> Arc<ClusterTask<T>> {
        let key = value.0.clone();
        self.connection.enter(&key, task, None, self.scatter(vec![value]))
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
