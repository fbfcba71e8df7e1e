//! The other workers that have data that is needed here.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use std::cmp::Reverse;

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::Address;
use crate::engine::dask::worker::state::rank::Rank;

#[derive(Debug)]
pub(super) struct Peers {
    own: Address,
    peers: BTreeMap<Address, Peer>,
    /// Those that are left alone, until when.
    busy: BTreeSet<(Instant, Address)>,
}

#[derive(Debug)]
struct Peer {
    /// What is to be fetched and can be had here.
    needed: BTreeMap<Rank, TaskKey>,
    /// One request at a time: a second would only make both slower.
    is_asked: bool,
    busy_until: Option<Instant>,
    is_remote: bool,
    /// Spreads the workers of a cluster over those that all have what they all need.
    spread: u64,
}

impl Peers {
    pub(super) fn new(own: &Address) -> Self {
        Self { own: own.clone(), peers: BTreeMap::new(), busy: BTreeSet::new() }
    }

    /// Without the worker itself: what it holds it knows, and what the scheduler says it holds is on its way to be untrue.
    pub(super) fn others(&self, addresses: impl IntoIterator<Item = Address>) -> BTreeSet<Address> {
        addresses.into_iter().filter(|address| *address != self.own).collect()
    }

    pub(super) fn insert_needed(&mut self, holders: &BTreeSet<Address>, rank: &Rank, key: &TaskKey) {
        for address in holders {
            self.peer(address).needed.insert(rank.clone(), key.clone());
        }
    }

    pub(super) fn remove_needed(&mut self, holders: &BTreeSet<Address>, rank: &Rank) {
        for address in holders {
            if let Some(peer) = self.peers.get_mut(address) {
                peer.needed.remove(rank);
            }
            self.forget_if_idle(address);
        }
    }

    /// The peer to ask next: one with the most urgent key; then one on this machine; then the one with most keys.
    pub(super) fn first(&self) -> Option<&Address> {
        let free = self.peers.iter().filter(|(_, peer)| !peer.is_asked && peer.busy_until.is_none());
        let first = free.filter_map(|(address, peer)| {
            let (rank, _) = peer.needed.first_key_value()?;
            Some(((&rank.priority, peer.is_remote, Reverse(peer.needed.len()), peer.spread), address))
        });
        first.min().map(|(_, address)| address)
    }

    /// What is to be fetched from `address`, most urgent first.
    pub(super) fn needed(&self, address: &Address) -> impl Iterator<Item = &TaskKey> {
        self.peers.get(address).into_iter().flat_map(|peer| peer.needed.values())
    }

    #[cfg(test)]
    pub(super) fn is_needed(&self, address: &Address, rank: &Rank, key: &TaskKey) -> bool {
        self.peers.get(address).and_then(|peer| peer.needed.get(rank)).is_some_and(|needed| needed == key)
    }

    #[cfg(test)]
    pub(super) fn needed_count(&self) -> usize {
        self.peers.values().map(|peer| peer.needed.len()).sum()
    }

    pub(super) fn set_asked(&mut self, address: &Address, is_asked: bool) {
        self.peer(address).is_asked = is_asked;
        self.forget_if_idle(address);
    }

    pub(super) fn is_busy(&self, address: &Address) -> bool {
        self.peers.get(address).is_some_and(|peer| peer.busy_until.is_some())
    }

    pub(super) fn set_busy(&mut self, address: &Address, until: Instant) {
        self.set_free(address);
        self.peer(address).busy_until = Some(until);
        self.busy.insert((until, address.clone()));
    }

    pub(super) fn set_free(&mut self, address: &Address) {
        let until = self.peers.get_mut(address).and_then(|peer| peer.busy_until.take());
        if let Some(until) = until {
            self.busy.remove(&(until, address.clone()));
        }
        self.forget_if_idle(address);
    }

    /// When the first of those that are busy may be asked again.
    pub(super) fn next_free(&self) -> Option<Instant> {
        self.busy.first().map(|(until, _)| *until)
    }

    pub(super) fn handle_due(&mut self, now: Instant) {
        while let Some((until, address)) = self.busy.first().cloned() {
            if until > now {
                break;
            }
            self.set_free(&address);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    fn peer(&mut self, address: &Address) -> &mut Peer {
        let own = &self.own;
        self.peers.entry(address.clone()).or_insert_with(|| {
            // The same in each run: its keys are fixed.
            let mut hasher = DefaultHasher::new();
            (own, address).hash(&mut hasher);
            Peer {
                needed: BTreeMap::new(),
                is_asked: false,
                busy_until: None,
                is_remote: host(own) != host(address),
                spread: hasher.finish(),
            }
        })
    }

    /// There are no more peers than somebody has to do with.
    fn forget_if_idle(&mut self, address: &Address) {
        let is_idle = |peer: &Peer| peer.needed.is_empty() && !peer.is_asked && peer.busy_until.is_none();
        if self.peers.get(address).is_some_and(is_idle) {
            self.peers.remove(address);
        }
    }
}

/// An address without its port.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
