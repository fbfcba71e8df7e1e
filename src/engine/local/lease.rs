//! Leases: what tasks that one thread submits in a row share, so that threads which submit and threads which drop tasks do
//! not meet at one counter or at one table.

use std::cell::RefCell;
use std::mem::replace;
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use crate::engine::local::clients::ClientState;
use crate::engine::local::node::Node;
use crate::engine::local::parking::lock;
use crate::engine::local::table::Row;
use crate::engine::local::worker::is_worker;
use crate::task::context::with_current_task;

/// A block of tasks with numbers in a row: their reference on their client, and on where they came from, and their part of
/// the table of all tasks.
pub(crate) struct Lease {
    client: Arc<ClientState>,
    /// The number of the task that submitted them, if a task of the same client did.
    parent: Option<u64>,
    /// The number of the first of them.
    first_id: u64,
    /// Where it stands in the table of the engine.
    row: Row,
    /// The tasks, by their places in the block.
    tasks: Mutex<Vec<Option<Leased>>>,
}

/// A task of a lease.
struct Leased {
    /// Nobody, of one that was refused.
    node: Weak<dyn Node>,
    /// Where it was submitted. Few ask for it, so it is not in the task.
    location: &'static Location<'static>,
}

/// How many tasks share a lease: enough that it costs nothing, and few enough that a thread has gone on to the next by the
/// time that the first of them are dropped. Their places take just less than 1 KiB; for more, glibc would tidy up all
/// that has been freed first.
const LEASE_TASKS: u8 = 40;

/// The lease that a thread gives out.
struct Leasing {
    client_id: usize,
    parent: Option<u64>,
    /// Keeps nothing alive.
    lease: Weak<Lease>,
    /// How many tasks have it.
    tasks: u8,
    /// The same, if this is a thread of an engine and a task submits: one that submits and waits, again and again, does not
    /// need a lease for each.
    #[expect(dead_code, reason = "it is kept for as long as it is here")]
    kept: Option<Arc<Lease>>,
}

thread_local! {
    static LEASING: RefCell<Leasing> =
        const { RefCell::new(NONE) };
}

const NONE: Leasing = Leasing { client_id: 0, parent: None, lease: Weak::new(), tasks: 0, kept: None };

/// What this thread gave out before, while it runs a task on top of another. Given back when this is dropped.
pub(crate) struct Kept(Option<Leasing>);

impl Kept {
    pub(crate) fn set_aside() -> Self {
        Self(LEASING.try_with(|leasing| leasing.replace(NONE)).ok())
    }

    /// Gives it up instead.
    pub(crate) fn give_up(mut self) {
        self.0 = None;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // What it replaces may be the last reference on a client.
            drop(LEASING.try_with(|leasing| leasing.replace(before)));
        }
    }
}

impl Lease {
    #[inline]
    pub(crate) fn client(&self) -> &Arc<ClientState> {
        &self.client
    }

    pub(crate) fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// The number of the task at `index`.
    #[inline]
    pub(crate) fn id(&self, index: u8) -> u64 {
        self.first_id + u64::from(index)
    }

    /// Where the task at `index` was submitted, as long as it is there.
    pub(crate) fn location(&self, index: u8) -> Option<&'static Location<'static>> {
        let tasks = lock(&self.tasks);
        tasks.get(usize::from(index))?.as_ref().map(|leased| leased.location)
    }

    /// Enters a task that has been made. It leaves with [`leave`](Self::leave), when it is dropped.
    pub(crate) fn enter(&self, index: u8, node: Weak<dyn Node>, location: &'static Location<'static>) {
        let index = usize::from(index);
        let mut tasks = lock(&self.tasks);
        // In any order: a number may be skipped, of a task that turned out to be there already, and what listens to a span may
        // submit another meanwhile.
        if tasks.len() <= index {
            tasks.resize_with(index + 1, || None);
        }
        tasks[index] = Some(Leased { node, location });
    }

    /// A task is dropped.
    pub(crate) fn leave(&self, index: u8) {
        let mut tasks = lock(&self.tasks);
        let left = tasks.get_mut(usize::from(index)).and_then(Option::take);
        drop(tasks);
        drop(left);
    }

    /// Adds the tasks that are there to `nodes`.
    pub(crate) fn nodes(&self, nodes: &mut Vec<Arc<dyn Node>>) {
        nodes.extend(lock(&self.tasks).iter().flatten().filter_map(|leased| leased.node.upgrade()));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.client.engine().tasks.remove(self.row);
    }
}

impl ClientState {
    /// A lease for one task, and the task's place in it.
    pub(crate) fn lease(self: &Arc<Self>) -> (Arc<Lease>, u8) {
        let (client_id, parent) = (self.id(), self.parent());
        // Dropped when nothing is borrowed.
        let mut outdated = NONE;
        let leased = LEASING.try_with(|leasing| {
            let leasing = &mut *leasing.borrow_mut();
            let is_same = leasing.client_id == client_id && leasing.parent == parent;
            if is_same
                && leasing.tasks < LEASE_TASKS
                && let Some(lease) = leasing.lease.upgrade()
            {
                leasing.tasks += 1;
                return (lease, leasing.tasks - 1);
            }
            // Whoever has used one up will use up the next.
            let lease = self.new_lease(parent, LEASE_TASKS.into(), if is_same { LEASE_TASKS } else { 0 });
            let kept = (parent.is_some() && is_worker()).then(|| Arc::clone(&lease));
            outdated = replace(leasing, Leasing { client_id, parent, lease: Arc::downgrade(&lease), tasks: 1, kept });
            (lease, 0)
        });
        drop(outdated);
        // A thread that ends has lost its locals.
        leased.unwrap_or_else(|_| (self.new_lease(parent, LEASE_TASKS.into(), 0), 0))
    }

    /// A lease for `count` tasks that are submitted at once.
    pub(crate) fn lease_for(self: &Arc<Self>, count: u64) -> Arc<Lease> {
        // What this thread submits next has numbers after theirs.
        Kept::set_aside().give_up();
        self.new_lease(self.parent(), count, 0)
    }

    /// The number of the task that the caller is in, if it is one of this client.
    fn parent(&self) -> Option<u64> {
        let client_id = self.id();
        with_current_task(|task| (task.scheduler_id() == client_id).then(|| task.id())).flatten()
    }

    fn new_lease(self: &Arc<Self>, parent: Option<u64>, count: u64, capacity: u8) -> Arc<Lease> {
        let engine = self.engine();
        let first_id = engine.next_ids(count);
        Arc::new_cyclic(|lease| Lease {
            client: Arc::clone(self),
            parent,
            first_id,
            row: engine.tasks.insert(Weak::clone(lease)),
            tasks: Mutex::new(Vec::with_capacity(usize::from(capacity))),
        })
    }
}
