//! `Client::progress`, and its bar.

use std::time::Duration;
#[cfg(feature = "progress")]
use std::time::Instant;

#[cfg(feature = "progress")]
use anydask::as_completed;
use anydask::runtime::{Shutdown, ShutdownReport, Tokio};
use anydask::{Counts, Error, Progress, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, awaited_on_every_runtime, on_every_runtime};
use crate::{Counter, Held, inc};

on_every_runtime! {
    each_is_counted_with_the_way_it_ended;
    the_first_counts_come_at_once_and_others_when_something_changes;
    what_is_given_twice_counts_once;
    of_nothing_the_first_counts_are_the_last;
    a_slow_consumer_is_given_few;
    a_task_that_is_retried_does_not_count_again;
    a_foreign_future_is_refused;
    a_drop_in_the_middle_loses_nothing_else;
    it_holds_the_futures_until_all_have_ended;
    it_ends_when_the_client_closes;
    the_iterator_blocks_on_a_plain_thread_and_in_a_task;
    a_task_on_the_only_thread_follows_its_tasks;
    a_hundred_thousand_are_counted;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        what_is_lost_is_counted;
        the_iterator_does_not_block_a_runtime;
        a_next_that_is_dropped_loses_nothing;
        it_is_a_stream;
    }
}

/// The next counts: awaited, or blocked for.
async fn next<R: AnyOf>(on: &Setting<R>, progress: &mut Progress) -> Option<Counts> {
    if on.is_blocking { progress.next().wait().unwrap() } else { progress.next().await }
}

/// The last of the counts, and how many came before the end.
async fn rest<R: AnyOf>(on: &Setting<R>, progress: &mut Progress) -> (Option<Counts>, usize) {
    let (mut last, mut items) = (None, 0);
    while let Some(counts) = next(on, progress).await {
        assert!(
            last.is_none_or(|last: Counts| last != counts && last.pending >= counts.pending),
            "{last:?}, {counts:?}"
        );
        assert_eq!(
            counts.finished + counts.failed + counts.cancelled + counts.lost + counts.pending,
            counts.total,
            "{counts:?}"
        );
        (last, items) = (Some(counts), items + 1);
    }
    (last, items)
}

async fn each_is_counted_with_the_way_it_ended<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let there = client.submit(|| "a text", ());
    on.value(&there).await.unwrap();
    let held = Held::new();
    let finishing = client.map(inc, 0..5);
    let failing = [client.submit(fallible(|| Err::<i64, _>("no")), ()), client.submit(|| panic!("no"), ())];
    let refused = client.task(inc, 1).key("").submit();
    let after = client.map(inc, &failing);
    let cancelled = client.submit(asynchronous(std::future::pending::<()>), ());
    let after_cancelled = client.submit(|_: ()| 1, &cancelled);
    let late = client.submit(held.body(), 1);
    let mut progress = client
        .progress((&there, &finishing, (&failing, &refused), &after, &cancelled, [&after_cancelled], &late))
        .unwrap();
    let first = next(&on, &mut progress).await.unwrap();
    assert_eq!(first.total, 1 + 5 + 2 + 1 + 2 + 1 + 1 + 1);
    assert!(first.finished >= 1 && first.failed >= 1 && first.pending >= 3, "{first:?}");
    cancelled.cancel();
    held.release.set();
    let (last, items) = rest(&on, &mut progress).await;
    let last = last.unwrap();
    assert!((1..=13).contains(&items), "{items}");
    assert_eq!((last.total, last.finished, last.failed, last.cancelled, last.lost, last.pending), (14, 7, 5, 2, 0, 0));
    assert_eq!((last.done(), last.is_done()), (14, true));
    assert_eq!(last.to_string(), "14 of 14 done, 5 failed, 2 cancelled");
    assert_eq!(progress.counts(), last);
    assert_eq!(next(&on, &mut progress).await, None, "it has ended");
}

async fn the_first_counts_come_at_once_and_others_when_something_changes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(3).await;
    let held = [Held::new(), Held::new(), Held::new()];
    let futures: Vec<_> = held.iter().zip(0..).map(|(held, x)| client.submit(held.body(), x)).collect();
    let mut progress = client.progress(&futures).unwrap();
    let first = next(&on, &mut progress).await.unwrap();
    assert_eq!((first.total, first.pending, first.to_string()), (3, 3, "0 of 3 done".to_owned()));
    assert!(!first.is_done());
    for (held, done) in held.iter().zip(1..) {
        held.release.set();
        let counts = next(&on, &mut progress).await.unwrap();
        assert_eq!((counts.finished, counts.pending), (done, 3 - done));
    }
    assert_eq!(next(&on, &mut progress).await, None);
}

async fn what_is_given_twice_counts_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let there = client.submit(inc, 0);
    on.value(&there).await.unwrap();
    let held = Held::new();
    let (late, other) = (client.submit(held.body(), 1), client.submit(inc, 2));
    let mut progress = client.progress([&there, &late, &other, &late, &there, &late.clone()]).unwrap();
    held.release.set();
    let last = rest(&on, &mut progress).await.0.unwrap();
    assert_eq!((last.total, last.finished, last.pending), (3, 3, 0));
}

async fn of_nothing_the_first_counts_are_the_last<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut progress = client.progress(()).unwrap();
    assert_eq!(next(&on, &mut progress).await, Some(Counts::default()));
    assert_eq!(next(&on, &mut progress).await, None);

    let there = client.map(inc, 0..3);
    on.get(client.wait(&there)).await.unwrap();
    let mut progress = client.progress(&there).unwrap();
    let only = next(&on, &mut progress).await.unwrap();
    assert_eq!((only.total, only.finished, only.pending), (3, 3, 0));
    assert_eq!(next(&on, &mut progress).await, None);
}

async fn a_slow_consumer_is_given_few<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (_occupant, release) = on.occupy(&client).await;
    let (_other, release_other) = on.occupy(&client).await;
    let futures = client.map(inc, 0..1_000);
    let mut progress = client.progress(&futures).unwrap();
    assert_eq!(next(&on, &mut progress).await.unwrap().pending, 1_000);
    release.set();
    release_other.set();
    on.get(client.wait(&futures)).await.unwrap();
    let (last, items) = rest(&on, &mut progress).await;
    assert_eq!(last.unwrap().finished, 1_000);
    assert!(items <= 2, "{items} items for what had ended before the first of them was asked for");
}

async fn a_task_that_is_retried_does_not_count_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (runs, held) = (Counter::new(), Held::new());
    let body = {
        let runs = runs.clone();
        move || if runs.add() == 0 { Err("not yet") } else { Ok(1) }
    };
    let flaky = client.submit(fallible(body), ());
    on.error(&flaky).await;
    let late = client.submit(held.body(), 1);
    let mut progress = client.progress((&flaky, &late)).unwrap();
    on.get(client.retry(&flaky)).await.unwrap();
    held.release.set();
    assert_eq!(on.value(&flaky).await.unwrap(), 1);
    let last = rest(&on, &mut progress).await.0.unwrap();
    assert_eq!((last.total, last.finished, last.failed, last.pending), (2, 1, 1, 0));
}

async fn a_foreign_future_is_refused<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let (held, foreign) = (Held::new(), other.submit(inc, 1));
    let late = client.submit(held.body(), 1);
    let refused = client.progress((&late, &foreign, client.submit(inc, 2)));
    assert!(matches!(refused, Err(Error::ForeignFuture { key }) if key == foreign.key()));
    held.release.set();
    assert_eq!((on.value(&late).await.unwrap(), on.value(&foreign).await.unwrap()), (2, 2));
}

async fn a_drop_in_the_middle_loses_nothing_else<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let futures = vec![client.submit(inc, 0), client.submit(held.body(), 1), client.submit(inc, 2)];
    let (mut progress, mut other) = (client.progress(&futures).unwrap(), client.progress(&futures).unwrap());
    assert_eq!(next(&on, &mut progress).await.unwrap().total, 3);
    drop(progress);
    held.release.set();
    assert_eq!(rest(&on, &mut other).await.0.unwrap().finished, 3);
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [1, 2, 3]);
}

async fn it_holds_the_futures_until_all_have_ended<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let value = crate::support::Counts::new();
    let (_occupant, release) = on.occupy(&client).await;
    let made = value.clone();
    let mut progress = client.progress(client.map(move |x: i64| std::sync::Arc::new(made.make(x)), 0..3)).unwrap();
    release.set();
    let last = rest(&on, &mut progress).await.0.unwrap();
    assert_eq!((last.finished, last.cancelled), (3, 0));
    on.until("the values are gone", || value.alive() == 0).await;

    // Those that nobody else holds are cancelled with it.
    let (_occupant, release) = on.occupy(&client).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |_: i64| runs.add()
    };
    drop(client.progress(client.map(body, 0..10)).unwrap());
    release.set();
    on.take(client.task(inc, 1).priority(-1).submit()).await.unwrap();
    assert_eq!(runs.get(), 0);
}

async fn it_ends_when_the_client_closes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never: Vec<_> = (0..3).map(|_| client.submit(asynchronous(std::future::pending::<()>), ())).collect();
    let mut progress = client.progress(never).unwrap();
    on.get(client.close()).await.unwrap();
    let last = rest(&on, &mut progress).await.0.unwrap();
    assert_eq!((last.cancelled, last.pending), (3, 0));
}

async fn the_iterator_blocks_on_a_plain_thread_and_in_a_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let progress = client.progress([client.submit(held.body(), 1), client.submit(inc, 2)]).unwrap();
    let release = held.release.clone();
    let iterated = std::thread::spawn(move || progress.inspect(|_| release.set()).last().unwrap());
    let inner = client.clone();
    let last = client.submit(move || inner.progress(inner.map(inc, 0..100)).unwrap().last().unwrap(), ());
    assert_eq!(on.take(last).await.unwrap().finished, 100);
    assert_eq!(iterated.join().unwrap().finished, 2);
}

async fn a_task_on_the_only_thread_follows_its_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let last = client.submit(
        fallible(move || {
            // Not run where they are waited for, since they have options.
            let mut progress =
                inner.progress((inner.map(inc, 0..10), inner.tasks(inc, 0..10).priority(-1).submit()))?;
            let mut last = None;
            while let Some(counts) = progress.next().wait()? {
                last = Some(counts);
            }
            Ok::<_, Error>(last.unwrap())
        }),
        (),
    );
    assert_eq!(on.take(last).await.unwrap().finished, 20);
}

/// The time for each must not grow with their number: then this would take longer than a test may.
async fn a_hundred_thousand_are_counted<R: AnyOf>(on: Setting<R>) {
    const MANY: usize = 100_000;
    let client = on.client(1).await;
    let mut progress = client.progress(client.map(|x: usize| x, 0..MANY)).unwrap();
    assert_eq!(rest(&on, &mut progress).await.0.unwrap().finished, MANY);
    // And where each is run by the one that waits for it.
    let inner = client.clone();
    let items = client.submit(move || inner.progress(inner.map(|x: usize| x, 0..MANY)).unwrap().count(), ());
    assert!((1..=MANY + 1).contains(&on.take(items).await.unwrap()));
}

async fn what_is_lost_is_counted<R: AnyOf>(on: Setting<R>) {
    let runtime = Tokio::multi_thread(1).unwrap();
    let client = anydask::Client::with_runtime(runtime.clone()).threads(1).local().await.unwrap();
    let never = client.submit(asynchronous(std::future::pending::<()>), ());
    let mut progress = client.progress((&never, client.submit(inc, 1))).unwrap();
    assert_eq!(runtime.shutdown(Duration::from_secs(20)).await, ShutdownReport::Complete);
    let last = rest(&on, &mut progress).await.0.unwrap();
    assert_eq!((last.finished, last.lost, last.pending), (1, 1, 0));
    assert_eq!(last.to_string(), "2 of 2 done, 1 lost");
}

async fn the_iterator_does_not_block_a_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let waiting = Event::new();
    let counts = client.submit(
        asynchronous(move || {
            let (client, waiting, release) = (inner.clone(), waiting.clone(), waiting.clone());
            async move {
                let held = client.submit(move || waiting.wait(), ());
                let mut progress = client.progress([&held]).unwrap();
                assert!(matches!(progress.next().wait(), Err(Error::BlockingInAsync { operation: "progress", .. })));
                let seen: Vec<_> = progress.by_ref().collect();
                assert!(matches!(seen[..], [Counts { total: 1, pending: 1, .. }]), "{seen:?}");
                release.set();
                progress.next().await
            }
        }),
        (),
    );
    assert_eq!(counts.await.unwrap().unwrap().finished, 1);
}

async fn a_next_that_is_dropped_loses_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let mut progress = client.progress([client.submit(held.body(), 1)]).unwrap();
    assert_eq!(progress.next().await.unwrap().pending, 1);
    for _ in 0..3 {
        let late = futures_lite::future::or(
            async {
                progress.next().await;
                false
            },
            async {
                on.runtime.sleep(Duration::from_millis(2)).await;
                true
            },
        );
        assert!(late.await);
    }
    held.release.set();
    assert_eq!(progress.next().await.unwrap().pending, 0);
    assert!(progress.next().await.is_none());
}

async fn it_is_a_stream<R: AnyOf>(on: Setting<R>) {
    use futures_lite::StreamExt;

    let client = on.client(2).await;
    let progress = client.progress(client.map(inc, 0..10)).unwrap();
    assert_eq!(StreamExt::last(progress).await.unwrap().finished, 10);
}

#[cfg(feature = "progress")]
mod bar {
    use std::io;
    use std::sync::{Arc, Mutex, mpsc};

    use anydask::indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle, TermLike};

    use super::*;

    on_every_runtime! {
        a_bar_gives_the_last_counts;
        a_bar_shows_how_far_it_is;
        a_bar_is_drawn_seldom;
        what_changes_while_a_bar_rests_is_drawn_all_the_same;
        a_bar_that_is_dropped_stays_where_it_is;
        a_bar_has_a_time_limit;
        a_task_on_the_only_thread_draws_a_bar;
    }

    async fn a_bar_gives_the_last_counts<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
        let counts = on.get(client.progress((&fails, client.map(inc, 0..3))).unwrap().bar()).await.unwrap();
        assert_eq!((counts.total, counts.finished, counts.failed, counts.pending), (4, 3, 1, 0));
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let bar = bar.with_finish(ProgressFinish::AndLeave);
        assert_eq!(on.get(client.progress(&fails).unwrap().bar_on(bar.clone())).await.unwrap().failed, 1);
        assert_eq!((bar.length(), bar.position(), bar.is_finished()), (Some(1), 1, true));
        assert_eq!(bar.message(), "1 failed");
        assert_eq!(on.get(client.progress(()).unwrap().bar()).await.unwrap(), Counts::default());
    }

    async fn a_bar_shows_how_far_it_is<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let (terminal, bar) = terminal();
        let held = Held::new();
        let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
        on.error(&fails).await;
        let late = client.submit(held.body(), 1);
        let drawing = client.progress((&fails, &late)).unwrap().bar_on(bar);
        let seen = terminal.clone();
        let release = held.release.clone();
        // Whoever sees the bar at one half has the other half go on.
        let person = std::thread::spawn(move || {
            seen.wait_for("1/2 1 failed");
            release.set();
        });
        on.get(drawing).await.unwrap();
        person.join().unwrap();
        assert_eq!(terminal.last(), "2/2 1 failed");
    }

    async fn a_bar_is_drawn_seldom<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let (terminal, bar) = terminal();
        let start = Instant::now();
        let (send, receive) = mpsc::channel();
        let receive = Mutex::new(receive);
        let futures = client.map(move |_: i64| receive.lock().unwrap().recv().is_ok(), 0..500);
        let drawing = client.progress(&futures).unwrap().bar_on(bar);
        // They end one after the other, slowly enough that each could be drawn.
        let person = std::thread::spawn(move || {
            let mut completed = as_completed(futures);
            while !completed.is_empty() {
                send.send(()).unwrap();
                assert!(completed.next().wait().unwrap().is_some());
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        on.get(drawing).await.unwrap();
        person.join().unwrap();
        // At the beginning, ten a second, and at the end.
        let most = 3 + start.elapsed().as_millis() as usize / 100;
        assert!(terminal.drawings() <= most, "{} drawings, and not {most}", terminal.drawings());
        assert_eq!(terminal.last(), "500/500");
    }

    async fn what_changes_while_a_bar_rests_is_drawn_all_the_same<R: AnyOf>(on: Setting<R>) {
        let client = on.client(2).await;
        let (terminal, bar) = terminal();
        let (first, second) = (Held::new(), Held::new());
        let futures = [client.submit(first.body(), 1), client.submit(second.body(), 1)];
        let drawing = client.progress(&futures).unwrap().bar_on(bar);
        let seen = terminal.clone();
        let person = std::thread::spawn(move || {
            seen.wait_for("0/2");
            // It rests now. Nothing else happens until this is seen.
            first.release.set();
            seen.wait_for("1/2");
            second.release.set();
        });
        on.get(drawing).await.unwrap();
        person.join().unwrap();
        assert_eq!(terminal.last(), "2/2");
    }

    async fn a_bar_that_is_dropped_stays_where_it_is<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let (terminal, bar) = terminal();
        let held = Held::new();
        let late = client.submit(held.body(), 1);
        let drawing = client.progress([&late, &client.submit(inc, 1)]).unwrap().bar_on(bar.clone());
        let late_drawing = drawing.timeout(Duration::from_millis(20));
        assert!(on.get(late_drawing).await.unwrap_err().is_timeout());
        assert_eq!(terminal.last(), "0/2");
        assert!(!bar.is_finished());
        held.release.set();
        assert_eq!(on.value(&late).await.unwrap(), 2);
    }

    async fn a_bar_has_a_time_limit<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let never = client.submit(asynchronous(std::future::pending::<i64>), ());
        let late = client.progress(&never).unwrap().bar().timeout(Duration::from_millis(5));
        assert!(matches!(on.get(late).await, Err(Error::Timeout { operation: "progress", .. })));
    }

    async fn a_task_on_the_only_thread_draws_a_bar<R: AnyOf>(on: Setting<R>) {
        let client = on.client(1).await;
        let inner = client.clone();
        let counts = client.submit(fallible(move || inner.progress(inner.map(inc, 0..10))?.bar().wait()), ());
        assert_eq!(on.take(counts).await.unwrap().finished, 10);
    }

    /// A terminal of one line, and a bar on it.
    fn terminal() -> (Terminal, ProgressBar) {
        let terminal = Terminal::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let style = ProgressStyle::with_template("{pos}/{len} {msg}").unwrap();
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        (terminal, bar.with_finish(ProgressFinish::Abandon))
    }

    /// Remembers what was drawn on it.
    #[derive(Clone, Debug, Default)]
    struct Terminal(Arc<Mutex<Vec<String>>>);

    impl Terminal {
        fn drawings(&self) -> usize {
            self.0.lock().unwrap().len()
        }

        fn last(&self) -> String {
            self.0.lock().unwrap().last().cloned().unwrap_or_default()
        }

        fn wait_for(&self, text: &str) {
            let start = Instant::now();
            while self.last() != text {
                assert!(start.elapsed() < Duration::from_secs(20), "`{}` is there, and not `{text}`", self.last());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            if !text.trim().is_empty() {
                self.0.lock().unwrap().push(text.trim().to_owned());
            }
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }
}
