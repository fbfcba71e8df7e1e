//! Transfers of data from other workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::config::{BUSY_RETRY, MESSAGE_BYTES_MAX, MESSAGE_KEYS_MAX, TRANSFERS_MAX};
use crate::engine::dask::worker::state::task::{Progress, State};
use crate::engine::dask::worker::state::{Action, Address, Data, FetchEnd, Message, TransferId, WorkerState};

/// A request to a peer. What it brings is for the keys that still wait for just this one.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) peer: Address,
    pub(super) keys: BTreeSet<TaskKey>,
    pub(super) nbytes: u64,
}

impl<V: Clone> WorkerState<V> {
    /// Asks one more peer, if there is one to ask and the bounds allow it.
    pub(super) fn poll_fetch(&mut self) -> Option<Action<V>> {
        if !self.standing.is_running() || self.transfers.len() >= TRANSFERS_MAX {
            return None;
        }
        let peer = self.table.peers.first()?.clone();
        let (keys, nbytes) = self.select(&peer);
        if keys.is_empty() {
            return None;
        }
        let transfer = TransferId(self.number());
        for key in &keys {
            self.table.update_wanted(key, |wanted| wanted.progress = Progress::Flight(transfer));
        }
        self.table.peers.set_asked(&peer, true);
        self.incoming_bytes = self.incoming_bytes.saturating_add(nbytes);
        self.transfers_total += 1;
        let asked = keys.iter().cloned().collect();
        self.transfers.insert(transfer, Transfer { peer: peer.clone(), keys: asked, nbytes });
        Some(Action::Fetch { transfer, peer, keys })
    }

    /// What to ask a peer for, most urgent first. Something may always be on its way, however large it is.
    fn select(&self, peer: &Address) -> (Vec<TaskKey>, u64) {
        let (mut keys, mut nbytes) = (Vec::new(), 0_u64);
        let allowance = self.config.incoming_bytes_max.saturating_sub(self.incoming_bytes);
        for key in self.table.peers.needed(peer).take(MESSAGE_KEYS_MAX) {
            let State::Wanted(wanted) = self.table.state(key) else { continue };
            if wanted.is_alone && !keys.is_empty() {
                continue;
            }
            let with_it = nbytes.saturating_add(wanted.nbytes);
            let fits = match (keys.is_empty(), self.transfers.is_empty()) {
                (true, true) => true,
                (true, false) => with_it <= allowance,
                (false, _) => with_it <= allowance.min(MESSAGE_BYTES_MAX),
            };
            if !fits {
                break;
            }
            nbytes = with_it;
            keys.push(key.clone());
            if wanted.is_alone {
                break;
            }
        }
        (keys, nbytes)
    }

    pub(super) fn handle_fetch_ended(&mut self, id: TransferId, end: FetchEnd<V>) {
        let Some(transfer) = self.transfers.remove(&id) else {
            if let FetchEnd::Arrived(data) = end {
                self.actions.extend(data.into_iter().map(|(_, data)| Action::Drop(data.value)));
            }
            return;
        };
        self.incoming_bytes = self.incoming_bytes.saturating_sub(transfer.nbytes);
        self.table.peers.set_asked(&transfer.peer, false);
        match end {
            FetchEnd::Arrived(data) => self.handle_arrived(id, transfer, data),
            FetchEnd::Busy => self.handle_busy(id, transfer),
            FetchEnd::Unreadable { why } => self.handle_unreadable(id, &transfer, &why),
            FetchEnd::Failed => {
                self.land(id, &transfer);
                // A network that fails may come back, a worker that is gone does not. Faster than to try each of its keys.
                self.forget_peer(&transfer.peer);
            }
        }
    }

    fn handle_arrived(&mut self, id: TransferId, transfer: Transfer, data: Vec<(TaskKey, Data<V>)>) {
        let mut arrived = BTreeMap::new();
        for (key, data) in data {
            let before = arrived.insert(key, data);
            self.actions.extend(before.map(|before| Action::Drop(before.value)));
        }
        let mut added = Vec::new();
        for key in &transfer.keys {
            if !self.is_in_flight(key, id) {
                continue;
            }
            if let Some(data) = arrived.remove(key) {
                self.put_in_memory(key, data, None);
                added.push(key.clone());
            } else {
                self.table.update_wanted(key, |wanted| {
                    wanted.holders.remove(&transfer.peer);
                    wanted.progress = Progress::Fetch;
                });
            }
        }
        if !added.is_empty() {
            self.send(Message::AddKeys(added));
        }
        // What nobody needs by now, or nobody asked for.
        self.actions.extend(arrived.into_values().map(|data| Action::Drop(data.value)));
    }

    fn handle_busy(&mut self, id: TransferId, transfer: Transfer) {
        self.table.peers.set_busy(&transfer.peer, self.now + BUSY_RETRY);
        let landed = self.land(id, &transfer);
        // Where all that have it are busy, there may be others that the scheduler knows.
        for key in landed {
            if let State::Wanted(wanted) = self.table.state(&key)
                && wanted.holders.iter().all(|holder| self.table.peers.is_busy(holder))
            {
                self.refresh.ask(key);
            }
        }
    }

    /// Several keys are asked for again, each alone: one that cannot be read is to keep back no other.
    fn handle_unreadable(&mut self, id: TransferId, transfer: &Transfer, why: &Arc<str>) {
        for key in self.land(id, transfer) {
            if transfer.keys.len() > 1 {
                self.table.update_wanted(&key, |wanted| wanted.is_alone = true);
            } else {
                self.give_up(&key, why);
            }
        }
    }

    /// Has the keys of a transfer that brought nothing go on. Gives them.
    fn land(&mut self, id: TransferId, transfer: &Transfer) -> Vec<TaskKey> {
        let mut landed = Vec::new();
        for key in &transfer.keys {
            if self.is_in_flight(key, id) {
                self.table.update_wanted(key, |wanted| wanted.progress = Progress::Fetch);
                landed.push(key.clone());
            }
        }
        landed
    }

    fn is_in_flight(&self, key: &TaskKey, transfer: TransferId) -> bool {
        matches!(self.table.state(key), State::Wanted(wanted) if wanted.progress == Progress::Flight(transfer))
    }

    /// A peer has gone, and with it all that it had. Rare, so it may look at every key.
    pub(super) fn forget_peer(&mut self, address: &Address) {
        self.table.peers.set_free(address);
        let is_holder = |state: &State<V>| matches!(state, State::Wanted(wanted) if wanted.holders.contains(address));
        let held = self.table.tasks.iter().filter(|(_, task)| is_holder(&task.state));
        let held: Vec<_> = held.map(|(key, _)| key.clone()).collect();
        for key in held {
            self.table.update_wanted(&key, |wanted| _ = wanted.holders.remove(address));
        }
    }
}
