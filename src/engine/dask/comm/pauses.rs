//! How long to wait between attempts.

use std::time::Duration;

/// Between two attempts: doubled each time, up to a second. What comes back at once is found soon, and a scheduler that is not
/// there, or ends each conversation, costs one connection a second.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Growing pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(PAUSE_FIRST)
    }
}

impl Pauses {
    pub(crate) fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSE_MAX);
        pause
    }
}
