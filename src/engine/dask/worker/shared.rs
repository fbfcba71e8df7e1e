//! What a worker's handle and its driver share.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::engine::dask::milestones::Milestones;
use crate::engine::dask::worker::shell::{Shell, lock};
use crate::engine::dask::worker::state::Event;

/// What a worker's handle and its driver share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) milestones: Milestones,
    /// The present registration, and what is to become of it and those after it.
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    shell: Option<Arc<Shell>>,
    address: Option<Arc<str>>,
    wish: Option<Wish>,
    /// Of the driver, while there is no registration.
    waker: Option<Waker>,
}

/// What a worker's user wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Once its bodies have ended and its data is elsewhere.
    Leave,
    /// Once its data is elsewhere.
    LeaveNow,
    /// At once.
    Stop,
}

impl Shared {
    pub(super) fn wish(&self, wish: Wish) {
        let mut present = lock(&self.present);
        // A further word of the same changes nothing, and nothing is taken back.
        if present.wish >= Some(wish) {
            return;
        }
        present.wish = Some(wish);
        let (shell, waker) = (present.shell.clone(), present.waker.take());
        drop(present);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(shell) = shell {
            shell.handle_all(events_of(wish));
        }
    }

    /// How many bodies run.
    pub(super) fn running(&self) -> usize {
        let shell = lock(&self.present).shell.clone();
        shell.map_or(0, |shell| shell.running())
    }

    pub(super) fn address(&self) -> Option<Arc<str>> {
        lock(&self.present).address.clone()
    }

    pub(super) fn listens_at(&self, address: &str) {
        lock(&self.present).address = Some(address.into());
    }

    /// The driver has ended: nobody waits for the bodies.
    pub(super) fn stop(&self) {
        let shell = lock(&self.present).shell.take();
        if let Some(shell) = shell {
            shell.handle(Event::StopAsked);
        }
    }

    /// How many keys, bodies, transfers and cancellable bodies the present registration has.
    pub(super) fn held(&self) -> Option<[usize; 4]> {
        let shell = lock(&self.present).shell.clone();
        shell.map(|shell| shell.held())
    }

    pub(super) fn poll_wish(&self, cx: &Context<'_>) -> Poll<Wish> {
        // To clone or to drop a waker may run code of the user's executor.
        let waker = cx.waker().clone();
        let mut present = lock(&self.present);
        if let Some(wish) = present.wish {
            drop(present);
            return Poll::Ready(wish);
        }
        let replaced = present.waker.replace(waker);
        drop(present);
        drop(replaced);
        Poll::Pending
    }

    /// The present registration is this one. Gives what the user wants of it.
    pub(super) fn serve(&self, shell: Option<&Arc<Shell>>) -> Option<Wish> {
        let mut present = lock(&self.present);
        let before = std::mem::replace(&mut present.shell, shell.cloned());
        let wish = present.wish;
        drop(present);
        drop(before);
        wish
    }
}

/// What a registration is told of a wish.
pub(super) fn events_of<V>(wish: Wish) -> Vec<Event<V>> {
    match wish {
        Wish::Leave => vec![Event::LeaveAsked],
        // Asked again, it waits no longer.
        Wish::LeaveNow => vec![Event::LeaveAsked, Event::LeaveAsked],
        Wish::Stop => vec![Event::StopAsked],
    }
}
