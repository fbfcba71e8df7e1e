//! Which running tasks wait inside for which others, so that tasks that wait for each other are told instead of hanging.
//!
//! Only a task that waits inside, for something that has not ended, comes here.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::Error;
use crate::engine::local::parking::lock;
use crate::engine::local::resources::Resources;
use crate::task::{Entry, Key};

/// Most tasks that are looked at before a wait begins. A wait costs microseconds, and so may the look; a circle that is
/// longer than this is not found.
pub(crate) const SEARCH_MAX: usize = 4096;

#[derive(Default)]
pub(crate) struct Waits {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// By the number of the task that waits.
    waiting: BTreeMap<u64, Vec<Waiting>>,
    next: u64,
}

struct Waiting {
    number: u64,
    waiter: Arc<dyn Entry>,
    on: Vec<Arc<dyn Entry>>,
}

impl Waits {
    /// The first of `waiters` is about to wait for others; each further one waits for the one before, which runs on its
    /// thread. Gives the number to end the wait with.
    ///
    /// # Errors
    ///
    /// [`Error::Deadlock`] if one of those that are waited for waits for one of `waiters`, be it for resources that it holds.
    pub(crate) fn begin(
        &self,
        waiters: &[Arc<dyn Entry>],
        on: Vec<Arc<dyn Entry>>,
        resources: &Resources,
    ) -> Result<u64, Error> {
        // References that are dropped after the lock: each may be the last.
        let mut seen = Vec::new();
        let mut table = lock(&self.table);
        if let Some(keys) = table.circle(waiters, &on, resources, &mut seen) {
            return Err(Error::Deadlock { keys: keys.into() });
        }
        let number = table.next;
        table.next += 1;
        let mut on = on;
        for waiter in waiters {
            let waiting = Waiting { number, waiter: Arc::clone(waiter), on };
            table.waiting.entry(waiter.id()).or_default().push(waiting);
            on = vec![Arc::clone(waiter)];
        }
        drop(table);
        Ok(number)
    }

    pub(crate) fn end(&self, waiters: &[u64], number: u64) {
        let mut ended = Vec::new();
        let mut table = lock(&self.table);
        for waiter in waiters {
            let Some(waits) = table.waiting.get_mut(waiter) else { continue };
            let index = waits.iter().position(|waiting| waiting.number == number);
            ended.extend(index.map(|index| waits.swap_remove(index)));
            if waits.is_empty() {
                table.waiting.remove(waiter);
            }
        }
        drop(table);
        drop(ended);
    }

    /// What a running task waits for inside.
    pub(crate) fn of(&self, task: u64) -> Vec<Arc<dyn Entry>> {
        let table = lock(&self.table);
        table.waiting.get(&task).into_iter().flatten().flat_map(|waiting| &waiting.on).map(Arc::clone).collect()
    }
}

/// A task that has been reached, and from which one.
struct Reached {
    entry: Arc<dyn Entry>,
    from: Option<usize>,
}

impl Table {
    /// The keys of the tasks that wait for each other once the first of `waiters` waits for `on`, from `on` to that one.
    fn circle(
        &self,
        waiters: &[Arc<dyn Entry>],
        on: &[Arc<dyn Entry>],
        resources: &Resources,
        seen: &mut Vec<Arc<dyn Entry>>,
    ) -> Option<Vec<Key>> {
        let mut reached: Vec<Reached> = Vec::new();
        let mut known = HashSet::new();
        let mut next: Vec<(Arc<dyn Entry>, Option<usize>)> = on.iter().map(|entry| (Arc::clone(entry), None)).collect();
        let mut circle = None;
        while let Some((entry, from)) = next.pop() {
            if reached.len() >= SEARCH_MAX || entry.outcome().is_some() || !known.insert(Arc::as_ptr(&entry).addr()) {
                seen.push(entry);
                continue;
            }
            let index = reached.len();
            if let Some(place) = waiters.iter().position(|waiter| waiter.id() == entry.id()) {
                let mut keys = path(&reached, entry.key(), from);
                keys.extend(waiters[..place].iter().rev().map(|waiter| waiter.key()));
                circle = Some(keys);
                seen.push(entry);
                break;
            }
            next.extend(entry.inputs().into_iter().map(|input| (input, Some(index))));
            let inside = self.waiting.get(&entry.id()).into_iter().flatten().flat_map(|waiting| &waiting.on);
            next.extend(inside.map(|entry| (Arc::clone(entry), Some(index))));
            if !entry.resources().is_empty() {
                // Those that wait inside meanwhile. Others that hold some do not lead anywhere.
                let waiting = self.waiting.values().flatten().map(|waiting| &waiting.waiter);
                let holders = waiting.chain(waiters).filter(|holder| resources.must_wait_for(&*entry, &***holder));
                next.extend(holders.map(|holder| (Arc::clone(holder), Some(index))));
            }
            reached.push(Reached { entry, from });
        }
        seen.extend(next.into_iter().map(|(entry, _)| entry));
        seen.extend(reached.into_iter().map(|reached| reached.entry));
        circle
    }
}

/// The keys from the first task that was reached to the last, which waits for it.
fn path(reached: &[Reached], last: Key, mut from: Option<usize>) -> Vec<Key> {
    let mut keys = vec![last];
    while let Some(index) = from {
        let key = reached[index].entry.key();
        // A client's view of a keyed task and the task are one.
        if keys.last() != Some(&key) {
            keys.push(key);
        }
        from = reached[index].from;
    }
    keys.reverse();
    keys
}

#[cfg(all(test, feature = "smol"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::{Client, embedded};
    use crate::fallible;
    use crate::runtime::Smol;

    /// Longest time that a test waits for anything.
    const DEADLINE: Duration = Duration::from_secs(20);

    /// A task that holds one `gpu` waits inside, through another one if it says so, for one that wants one, too.
    fn wait_with(gpus: f64, is_through_another: bool) -> Result<i64, Error> {
        let client = embedded(Smol::new(), 2, "gpus").unwrap();
        client.engine().add_resources([("gpu", gpus)]).unwrap();
        let one = |client: &Client<Smol>| client.task(|| 1, ()).resources([("gpu", 1.0)]).submit();
        let own = client.clone();
        let outer = move || {
            if !is_through_another {
                return one(&own).wait();
            }
            let inner = own.clone();
            // With options it runs on a thread of its own.
            own.task(fallible(move || one(&inner).wait()), ()).priority(1).submit().wait()
        };
        let outer = client.task(fallible(outer), ()).resources([("gpu", 1.0)]).submit();
        let waited = client.gather(&outer).timeout(DEADLINE).wait();
        assert_eq!(one(&client).timeout(DEADLINE).wait().unwrap(), 1, "the resource has come back");
        client.close().wait().unwrap();
        waited
    }

    #[test]
    fn a_circle_through_a_resource_is_told() {
        for is_through_another in [false, true] {
            let told = wait_with(1.0, is_through_another);
            assert!(matches!(&told, Err(Error::Deadlock { keys }) if keys.len() >= 2), "{told:?}");
        }
    }

    #[test]
    fn a_wait_for_what_is_there_twice_is_no_circle() {
        for is_through_another in [false, true] {
            assert_eq!(wait_with(2.0, is_through_another).unwrap(), 1);
        }
    }
}
