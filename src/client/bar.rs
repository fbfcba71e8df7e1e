//! A bar on the terminal, for who waits in front of one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::Error;
use crate::client::operation::Wait;
use crate::client::{Counts, Operation, Progress};
use crate::task::{BoxFuture, Entry};

/// Least time between two drawings: ten a second are as many as a person can follow, and cost next to nothing.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// What a bar looks like that nobody has chosen.
const TEMPLATE: &str = "[{bar:40}] {pos}/{len} in {elapsed} {msg}";

/// On a terminal.
impl Progress {
    /// Draws a bar on the standard error until all have ended, and gives the last counts. If that is no terminal, nothing
    /// is drawn.
    ///
    /// It is drawn by whoever awaits this, at most ten times a second, and only when something has changed.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the bar as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let many = client.map(|x: i64| x + 1, 0..100);
    /// let counts = client.progress(&many)?.bar().wait()?;
    /// assert_eq!(counts.finished, 100);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn bar(self) -> Operation<Counts> {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style.progress_chars("##-"));
        // Of a bar that is dropped midway, the other ends would show as if all were done.
        self.bar_on(bar.with_finish(ProgressFinish::Abandon))
    }

    /// As [`bar`](Self::bar), on a bar of the caller's: one in another style, or one of several. Its length, position
    /// and message are set, and in the end it finishes as its style says.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::indicatif::{ProgressBar, ProgressFinish};
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let many = client.map(|x: i64| x + 1, 0..100);
    /// let bar = ProgressBar::hidden().with_finish(ProgressFinish::AndLeave);
    /// client.progress(&many)?.bar_on(bar.clone()).wait()?;
    /// assert_eq!(bar.position(), 100);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn bar_on(self, bar: ProgressBar) -> Operation<Counts> {
        let scheduler = Arc::clone(self.engine());
        Operation::new("progress", Some(scheduler), Drawing { progress: self, bar, drawn: None, rest: None })
    }
}

/// A bar that is kept up to date.
struct Drawing {
    progress: Progress,
    bar: ProgressBar,
    /// The counts that it shows.
    drawn: Option<Counts>,
    /// The time in which it is not drawn again.
    rest: Option<BoxFuture<()>>,
}

impl Drawing {
    fn draw(&mut self, counts: Counts) {
        self.bar.update(|bar| {
            bar.set_len(counts.total as u64);
            bar.set_pos(counts.done() as u64);
        });
        let failures = counts.failures();
        if self.bar.message() != failures {
            self.bar.set_message(failures);
        }
        self.drawn = Some(counts);
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl Future for Drawing {
    type Output = Result<Counts, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let counts = this.progress.watch_counts(cx);
        if counts.is_done() {
            this.draw(counts);
            this.bar.finish_using_style();
            return Poll::Ready(Ok(counts));
        }
        // What changes while it rests is drawn afterwards, also if nothing changes then.
        if this.drawn != Some(counts) && this.poll_rest(cx).is_ready() {
            this.draw(counts);
            this.rest = Some(this.progress.engine().sleep(REDRAW_INTERVAL));
        }
        Poll::Pending
    }
}

impl Wait<Counts> for Drawing {
    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        self.progress.unfinished()
    }
}
