//! Who waits for a task: awaiting futures, countdowns over many tasks, and the tasks that depend on it.

use std::fmt;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use crate::Error;

/// How a task ended.
#[doc(hidden)]
pub(crate) type Outcome = Result<(), Error>;

/// Something that wants to hear once that a task has ended.
pub trait Watch: Send + Sync {
    /// Takes the outcome of the task that was watched with `token`. Whoever fails because of it hands back those who
    /// watch *it*, so that a long chain of failures is walked in a loop.
    fn handle_outcome(self: Arc<Self>, token: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)>;

    /// Whether it still wants to hear.
    fn is_live(&self) -> bool;
}

/// One of those who wait.
pub enum Watcher {
    /// An awaiting future.
    Waker(Waker),
    /// Anything that takes outcomes: no allocation per task, since one object watches many and tells them apart by
    /// a number.
    Object(Arc<dyn Watch>, usize),
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waker(_) => "Waker",
            Self::Object(..) => "Object",
        })
    }
}

/// Which of a task's watchers; only meaningful to the task that gave it, and only until that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchId {
    index: u32,
    round: u32,
}

/// Those who wait for one task. The first costs no allocation.
#[derive(Debug, Default)]
pub struct Watchers {
    first: Option<Watcher>,
    rest: Option<Box<Rest>>,
    /// How often the task has ended before: an id from then names nobody, although its index may be taken again.
    round: u32,
}

/// Those after the first.
#[derive(Debug, Default)]
struct Rest {
    watchers: Slab<Watcher>,
    /// Look for dead watchers when there are this many.
    prune_at: usize,
}

/// Fewest watchers among which it pays to look for dead ones.
const PRUNE_MIN: usize = 64;

impl Watchers {
    /// Adds a watcher. Whatever is thrown away for it goes to `dead`: dropping it may run code of the user's executor,
    /// which must not happen under a lock.
    pub(crate) fn insert(&mut self, watcher: Watcher, dead: &mut Vec<Watcher>) -> WatchId {
        if self.first.is_none() {
            self.first = Some(watcher);
            return self.id(0);
        }
        let rest = self.rest.get_or_insert_default();
        if rest.watchers.len() >= rest.prune_at.max(PRUNE_MIN) {
            rest.prune(dead);
        }
        let index = rest.watchers.insert(watcher) + 1;
        self.id(index)
    }

    /// Replaces the waker at `id` if it would wake somebody else. One from before the task was run again is added anew.
    /// What is thrown away goes to `dead`.
    pub(crate) fn update(&mut self, id: WatchId, waker: &Waker, dead: &mut Vec<Watcher>) -> WatchId {
        if id.round != self.round {
            return self.insert(Watcher::Waker(waker.clone()), dead);
        }
        let watcher = match id.index {
            0 => self.first.as_mut(),
            index => self.rest.as_mut().and_then(|rest| rest.watchers.get_mut(index as usize - 1)),
        };
        match watcher {
            Some(Watcher::Waker(current)) if current.will_wake(waker) => {}
            Some(current @ Watcher::Waker(_)) => dead.push(std::mem::replace(current, Watcher::Waker(waker.clone()))),
            _ => debug_assert!(false, "a waker's id names a waker"),
        }
        id
    }

    pub(crate) fn remove(&mut self, id: WatchId) -> Option<Watcher> {
        match id.index {
            _ if id.round != self.round => None,
            0 => self.first.take(),
            index => self.rest.as_mut()?.watchers.try_remove(index as usize - 1),
        }
    }

    /// Takes all who wait: the task has ended.
    pub(crate) fn take(&mut self) -> Self {
        let next = Self { round: self.round.wrapping_add(1), ..Self::default() };
        std::mem::replace(self, next)
    }

    fn id(&self, index: usize) -> WatchId {
        // Each takes memory: there are fewer than 2^32.
        WatchId { index: index as u32, round: self.round }
    }

    /// Tells everyone, and everyone who fails because of it, and so on. Call it without a lock.
    pub(crate) fn notify(self, outcome: Outcome) {
        let mut failed = Vec::new();
        let mut next = Some((self, outcome));
        while let Some((watchers, outcome)) = next {
            let rest = watchers.rest.into_iter().flat_map(|rest| rest.watchers).map(|(_, watcher)| watcher);
            for watcher in watchers.first.into_iter().chain(rest) {
                // What is told may run wakers of the user's: one that panics must not keep the others from hearing.
                let told = catch_unwind(AssertUnwindSafe(|| match watcher {
                    Watcher::Waker(waker) => {
                        waker.wake();
                        None
                    }
                    Watcher::Object(object, token) => object.handle_outcome(token, &outcome),
                }));
                match told {
                    Ok(told) => failed.extend(told),
                    Err(payload) => forget(payload),
                }
            }
            next = failed.pop();
        }
    }
}

impl Rest {
    /// A long-running task may be watched by countless short-lived dependants. Doubling the mark keeps an insert at
    /// constant cost on average.
    fn prune(&mut self, dead: &mut Vec<Watcher>) {
        let is_dead = |watcher: &Watcher| matches!(watcher, Watcher::Object(object, _) if !object.is_live());
        let ids: Vec<_> = self.watchers.iter().filter(|(_, watcher)| is_dead(watcher)).map(|(id, _)| id).collect();
        dead.extend(ids.into_iter().filter_map(|id| self.watchers.try_remove(id)));
        self.prune_at = self.watchers.len() * 2;
    }
}
