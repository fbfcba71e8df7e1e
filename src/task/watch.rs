//! Who waits for a task: awaiting futures, countdowns over many tasks, and the tasks that depend on it.

use std::fmt;
use std::mem::{forget, replace, take};
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
    /// Which time it was that the task ran. An id from a time before names nobody, although its index may be taken again.
    round: u32,
}

/// Those who wait for one task. The first costs no allocation, and little room, since every task has it.
#[derive(Debug, Default)]
pub struct Watchers(Kept);

#[derive(Default)]
enum Kept {
    #[default]
    Nobody,
    Waker(Waker),
    /// Its number is a small one, as most are.
    Object(Arc<dyn Watch>, u32),
    Many(Box<Many>),
}

/// Several, or one with a big number.
#[derive(Debug, Default)]
struct Many {
    watchers: Slab<Watcher>,
    /// Look for dead watchers when there are this many.
    prune_at: usize,
}

/// Fewest watchers among which it pays to look for dead ones.
const PRUNE_MIN: usize = 64;

impl Watchers {
    /// Adds a watcher. Whatever is thrown away for it goes to `dead`: dropping it may run code of the user's executor,
    /// which must not happen under a lock.
    pub(crate) fn insert(&mut self, watcher: Watcher, round: u32, dead: &mut Vec<Watcher>) -> WatchId {
        let index = match (&mut self.0, watcher) {
            (kept @ Kept::Nobody, Watcher::Waker(waker)) => {
                *kept = Kept::Waker(waker);
                0
            }
            (kept @ Kept::Nobody, Watcher::Object(object, token)) if u32::try_from(token).is_ok() => {
                *kept = Kept::Object(object, token as u32);
                0
            }
            (_, watcher) => self.many().insert(watcher, dead),
        };
        // Each takes memory: there are fewer than 2^32.
        WatchId { index: index as u32, round }
    }

    /// Makes room for several. One that is there keeps its index, which is 0.
    fn many(&mut self) -> &mut Many {
        if !matches!(self.0, Kept::Many(_)) {
            let mut many = Box::<Many>::default();
            match take(&mut self.0) {
                Kept::Waker(waker) => _ = many.watchers.insert(Watcher::Waker(waker)),
                Kept::Object(object, token) => _ = many.watchers.insert(Watcher::Object(object, token as usize)),
                Kept::Nobody | Kept::Many(_) => {}
            }
            self.0 = Kept::Many(many);
        }
        match &mut self.0 {
            Kept::Many(many) => many,
            Kept::Nobody | Kept::Waker(_) | Kept::Object(..) => unreachable!("it was made above"),
        }
    }

    /// Replaces the waker at `id`. One from before the task was run again is added anew. What is thrown away goes to `dead`.
    pub(crate) fn update(&mut self, id: WatchId, round: u32, waker: Waker, dead: &mut Vec<Watcher>) -> WatchId {
        if id.round != round {
            return self.insert(Watcher::Waker(waker), round, dead);
        }
        let current = match &mut self.0 {
            Kept::Waker(current) => Some(current),
            Kept::Many(many) => match many.watchers.get_mut(id.index as usize) {
                Some(Watcher::Waker(current)) => Some(current),
                Some(Watcher::Object(..)) | None => None,
            },
            Kept::Nobody | Kept::Object(..) => None,
        };
        match current {
            Some(current) => dead.push(Watcher::Waker(replace(current, waker))),
            None => {
                debug_assert!(false, "a waker's id names a waker");
                dead.push(Watcher::Waker(waker));
            }
        }
        id
    }

    pub(crate) fn remove(&mut self, id: WatchId, round: u32) -> Option<Watcher> {
        if id.round != round {
            return None;
        }
        match &mut self.0 {
            Kept::Nobody => None,
            Kept::Many(many) => many.watchers.try_remove(id.index as usize),
            kept => match take(kept) {
                Kept::Waker(waker) => Some(Watcher::Waker(waker)),
                Kept::Object(object, token) => Some(Watcher::Object(object, token as usize)),
                Kept::Nobody | Kept::Many(_) => None,
            },
        }
    }

    /// Whether there may be more than one.
    pub(crate) fn are_several(&self) -> bool {
        matches!(self.0, Kept::Many(_))
    }

    /// Tells everyone, and everyone who fails because of it, and so on. Call it without a lock.
    pub(crate) fn notify(self, outcome: Outcome) {
        let mut failed = Vec::new();
        let mut next = self.tell(&outcome, &mut failed);
        while let Some((watchers, outcome)) = next.or_else(|| failed.pop()) {
            next = watchers.tell(&outcome, &mut failed);
        }
    }

    /// Tells everyone. Those who fail because of it come back, or, if there are several, go to `failed`.
    fn tell(self, outcome: &Outcome, failed: &mut Vec<(Self, Outcome)>) -> Option<(Self, Outcome)> {
        match self.0 {
            Kept::Nobody => None,
            Kept::Waker(waker) => wake(waker),
            Kept::Object(object, token) => tell(object, token as usize, outcome),
            Kept::Many(many) => {
                let tell = |(_, watcher)| match watcher {
                    Watcher::Waker(waker) => wake(waker),
                    Watcher::Object(object, token) => tell(object, token, outcome),
                };
                failed.extend(many.watchers.into_iter().filter_map(tell));
                None
            }
        }
    }
}

fn wake(waker: Waker) -> Option<(Watchers, Outcome)> {
    guard(|| {
        waker.wake();
        None
    })
}

fn tell(object: Arc<dyn Watch>, token: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
    guard(|| object.handle_outcome(token, outcome))
}

/// What is told may run wakers of the user's: one that panics must not keep the others from hearing.
fn guard(tell: impl FnOnce() -> Option<(Watchers, Outcome)>) -> Option<(Watchers, Outcome)> {
    catch_unwind(AssertUnwindSafe(tell)).unwrap_or_else(|payload| {
        forget(payload);
        None
    })
}

impl Many {
    fn insert(&mut self, watcher: Watcher, dead: &mut Vec<Watcher>) -> usize {
        if self.watchers.len() >= self.prune_at.max(PRUNE_MIN) {
            self.prune(dead);
        }
        self.watchers.insert(watcher)
    }

    /// A long-running task may be watched by countless short-lived dependants. Doubling the mark keeps an insert at
    /// constant cost on average.
    fn prune(&mut self, dead: &mut Vec<Watcher>) {
        let is_dead = |watcher: &Watcher| matches!(watcher, Watcher::Object(object, _) if !object.is_live());
        let ids: Vec<_> = self.watchers.iter().filter(|(_, watcher)| is_dead(watcher)).map(|(id, _)| id).collect();
        dead.extend(ids.into_iter().filter_map(|id| self.watchers.try_remove(id)));
        self.prune_at = self.watchers.len() * 2;
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Waker(_) => f.write_str("Waker"),
            Self::Object(..) => f.write_str("Object"),
            Self::Many(many) => many.fmt(f),
        }
    }
}
