//! Clusters that tests use one after another: starting a scheduler takes seconds, and a scheduler forgets.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Cluster, DEADLINE, Version};

/// Those that nobody uses. Their processes end with the test program.
static IDLE: Mutex<Vec<Cluster>> = Mutex::new(Vec::new());

/// How many workers, clients and tasks the scheduler has. One of its clients is there from the start.
const CONTENTS: &str = "[len(s.workers), len(s.clients) - 1, len(s.tasks)]";

/// A cluster without workers that answers to [`look`](Cluster::look). In the end nothing may be left in it.
pub struct Lent(Option<Cluster>);

impl Lent {
    pub fn new(version: Version) -> Self {
        let mut idle = IDLE.lock().unwrap();
        let place = idle.iter().position(|cluster| cluster.version() == version);
        let found = place.map(|place| idle.swap_remove(place));
        drop(idle);
        Self(Some(found.unwrap_or_else(|| Cluster::start_answering(version))))
    }
}

impl Deref for Lent {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0.as_ref().expect("it is there until it is given back")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Cluster {
        self.0.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(cluster) = self.0.take() else { return };
        if std::thread::panicking() {
            return;
        }
        let start = Instant::now();
        while cluster.look(CONTENTS) != "[0, 0, 0]" {
            let what = "[{a: str(w.status) for a, w in s.workers.items()}, list(s.clients), {k: t.state for k, t in s.tasks.items()}]";
            assert!(start.elapsed() < DEADLINE / 2, "something is left in the cluster: {}", cluster.look(what));
            std::thread::sleep(Duration::from_millis(5));
        }
        IDLE.lock().unwrap().push(cluster);
    }
}
