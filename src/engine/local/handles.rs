//! The handles of a task: futures, and arguments of other tasks.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counts the handles of one task.
pub(super) struct Handles(AtomicU32);

/// Set when the last handle has taken the value. That handle goes on being counted.
const SPENT: u32 = 1 << 31;

/// Most handles of one task. Each takes 16 bytes, so that only a program that forgets them has as many.
const HANDLES_MAX: u32 = 1 << 30;

impl Handles {
    pub(super) const fn one() -> Self {
        Self(AtomicU32::new(1))
    }

    /// As many as were counted elsewhere.
    pub(super) const fn several(handles: u32) -> Self {
        Self(AtomicU32::new(handles))
    }

    pub(super) fn retain(&self) {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(before & !SPENT < HANDLES_MAX, "a task has no more than {HANDLES_MAX} handles");
    }

    /// Adds a handle, if there is one, and it has not taken the value.
    pub(super) fn retain_if_held(&self) -> bool {
        let add = |handles| (1..HANDLES_MAX).contains(&handles).then(|| handles + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Whether there is one that has not taken the value.
    pub(super) fn are_any(&self) -> bool {
        (1..SPENT).contains(&self.0.load(Ordering::Acquire))
    }

    /// Lets the last handle take the value. False, and nothing done, if there are others, or it has.
    #[inline]
    pub(super) fn spend_if_last(&self) -> bool {
        self.0.compare_exchange(1, SPENT | 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Gives up a handle. True if it was the last, and has not taken the value.
    #[inline]
    pub(super) fn release(&self) -> bool {
        // The caller's is the only one, and nobody counts after it.
        if self.0.load(Ordering::Relaxed) == SPENT | 1 {
            return false;
        }
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_handle_takes_the_value_once() {
        let handles = Handles::one();
        handles.retain();
        assert!(!handles.spend_if_last(), "there is another");
        assert!(!handles.release());
        assert!(handles.spend_if_last() && !handles.spend_if_last());
        assert!(!handles.are_any() && !handles.retain_if_held());
        assert!(!handles.release(), "there is no value to drop");
    }

    #[test]
    fn a_copy_of_a_handle_that_has_the_value_is_never_the_last() {
        let handles = Handles::one();
        assert!(handles.spend_if_last());
        handles.retain();
        assert!(!handles.spend_if_last() && !handles.are_any());
        assert!(!handles.release() && !handles.release());
    }

    #[test]
    fn the_last_handle_is_told_that_it_was() {
        let handles = Handles::one();
        assert!(handles.are_any() && handles.retain_if_held());
        assert!(!handles.release() && handles.release());
        assert!(!handles.are_any() && !handles.retain_if_held());
    }
}
