use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A value whose clones and drops are counted.
#[derive(Debug)]
pub struct Counted {
    counts: Counts,
    value: i64,
}

/// What has become of the [`Counted`] values of one source.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    made: AtomicUsize,
    cloned: AtomicUsize,
    dropped: AtomicUsize,
}

impl Counts {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one more.
    pub fn make(&self, value: i64) -> Counted {
        self.inner.made.fetch_add(1, Ordering::SeqCst);
        Counted { counts: self.clone(), value }
    }

    pub fn cloned(&self) -> usize {
        self.inner.cloned.load(Ordering::SeqCst)
    }

    /// Those that there are now, clones included.
    pub fn alive(&self) -> usize {
        let dropped = self.inner.dropped.load(Ordering::SeqCst);
        self.inner.made.load(Ordering::SeqCst) + self.cloned() - dropped
    }
}

impl Counted {
    /// A method, since a closure that reads a field captures that field and not the whole.
    pub fn value(&self) -> i64 {
        self.value
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.counts.inner.cloned.fetch_add(1, Ordering::SeqCst);
        Self { counts: self.counts.clone(), value: self.value }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.inner.dropped.fetch_add(1, Ordering::SeqCst);
    }
}
