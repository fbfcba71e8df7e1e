//! What waits for a point in time on behalf of a task.

use std::sync::Mutex;

use crate::engine::local::Spawned;
use crate::engine::local::parking::lock;

/// The place of something that waits for a point in time. Dropping that aborts it, and what it drops may stop this very
/// timer: so nothing is dropped under the lock.
#[derive(Default)]
pub(super) struct Timer(Mutex<Option<Box<dyn Spawned>>>);

impl Timer {
    pub(super) fn start(&self, spawned: Box<dyn Spawned>) {
        let before = lock(&self.0).replace(spawned);
        drop(before);
    }

    /// The same as long as `is_due` holds; else hands it back.
    pub(super) fn start_if(
        &self,
        is_due: impl FnOnce() -> bool,
        spawned: Box<dyn Spawned>,
    ) -> Option<Box<dyn Spawned>> {
        let mut place = lock(&self.0);
        if !is_due() {
            return Some(spawned);
        }
        let before = place.replace(spawned);
        drop(place);
        drop(before);
        None
    }

    pub(super) fn stop(&self) {
        let before = lock(&self.0).take();
        drop(before);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Stops the timer when it is dropped, as the end of its task does.
    struct Stops(Arc<Timer>);

    impl Spawned for Stops {
        fn detach(self: Box<Self>) {}
    }

    impl Drop for Stops {
        fn drop(&mut self) {
            // Else stopping it would wait for itself.
            assert!(self.0.0.try_lock().is_ok(), "it is dropped under the lock");
            self.0.stop();
        }
    }

    #[test]
    fn what_is_dropped_may_stop_the_timer() {
        let timer = Arc::new(Timer::default());
        let stops = || Box::new(Stops(Arc::clone(&timer)));
        timer.start(stops());
        timer.start(stops());
        assert!(timer.start_if(|| true, stops()).is_none());
        assert!(timer.start_if(|| false, stops()).is_some());
        timer.stop();
    }
}
