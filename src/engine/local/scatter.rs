//! Scattering: tasks that begin with their value.

use std::any::type_name;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use crate::engine::local::about::Draft;
use crate::engine::local::clients::ClientState;
use crate::engine::local::core::Core;
use crate::engine::local::node::{Held, Node, Slot, Task};
use crate::task::{Call, Identity, Key, Stored, TaskFn, TaskFuture, TypedEntry};

/// A task that was never called.
type Scattered<T> = Task<T, Scatter<T>, (), ()>;

/// What gives it its name.
pub(crate) struct Scatter<T>(PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> TaskFn<()> for Scatter<T> {
    type Output = T;

    fn call(&self, (): ()) -> Call<T> {
        unreachable!("a scattered value is there, and is never called")
    }

    fn name() -> &'static str {
        "scatter"
    }
}

impl ClientState {
    /// A future of a value that is there.
    pub(crate) fn scatter<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        value: T,
    ) -> TaskFuture<T> {
        let draft = Draft::new(self.lease(), location);
        TaskFuture::new(Scattered::new(Core::memory(draft.index, of_value(Some(value))), draft))
    }

    /// The same under a key that is made of the value, or a future of an equal value that is there already.
    pub(crate) fn scatter_hashed<T: Hash + Eq + Send + Sync + 'static>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        value: T,
    ) -> TaskFuture<T> {
        let digest = digest(&value);
        let mut value = Some(value);
        let mut clashes = 0_u64;
        loop {
            let key: Key = match clashes {
                0 => format!("scatter-{digest:016x}").into(),
                clashes => format!("scatter-{digest:016x}-{clashes}").into(),
            };
            // Before the table is locked: a new lease may be the end of another, and with it of a client.
            let mut draft = Draft::new(self.lease(), location);
            draft.set_key(key.clone(), true);
            let joined = self.engine().keys().join_or(self, &key, Identity::of_value::<T>(), || {
                let node = Scattered::new(Core::memory(draft.index, of_value(value.take())), draft);
                (Arc::clone(&node) as Arc<dyn Node>, node as Arc<dyn TypedEntry<T>>)
            });
            let joined = joined.map(|view| TaskFuture::new(view));
            // Compared outside of the table's lock, since that is the user's code. The value stays: there is a handle.
            match (joined, &value) {
                (Ok(made), None) => return made,
                (Ok(there), Some(value)) if there.to_shared().is_ok_and(|there| *there == *value) => return there,
                // Another value, or a task under a key that somebody chose.
                _ => clashes += 1,
            }
        }
    }
}

fn of_value<T>(value: Option<T>) -> Slot<T, Scatter<T>, ()> {
    value.map_or_else(Slot::default, |value| Slot::Held(Held::Value(Stored::Owned(value))))
}

/// The same for equal values of one type.
fn digest<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    type_name::<T>().hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}
