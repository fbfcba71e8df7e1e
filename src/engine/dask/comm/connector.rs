use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::comm::error::Found;
use crate::engine::dask::comm::{Address, Comm, CommError, Pauses, Role, Security, Tls};
use crate::runtime::{Endpoint, Runtime, TimerExt};

/// Connects to schedulers and workers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connector<R> {
    runtime: R,
    tls: Option<Tls>,
    limit: Duration,
    /// How often a peer may close the connection instead of saying hello.
    without_hello_max: u32,
    /// The only peer that may begin to listen later, if not all may.
    waited_for: Option<Address>,
}

/// How long a connection is tried for if nobody says otherwise. Dask has 30 s for it, in its newer versions.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt may take: a connection may be lost where a listener has died, or be held by a balancer for one that will
/// never answer, while the next one gets through. A scheduler that is only busy takes the latest.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(10);

/// How often a peer may close the connection instead of saying hello. Once or twice it may be a scheduler that ends, in whose
/// place another starts; more often it is no Dask.
const NO_HELLO_MAX: u32 = 3;

impl<R: Runtime> Connector<R> {
    /// Reads the certificates, if there are some, where that may block.
    ///
    /// # Errors
    ///
    /// `Security`: what is wrong with which file.
    pub(crate) async fn new(runtime: R, security: Option<&Security>, role: Role) -> Result<Self, CommError> {
        let tls = match security.cloned() {
            None => None,
            Some(security) => {
                let loaded = runtime.spawn_blocking(move || Tls::load(&security, role)).await;
                let gone = |_| CommError::RuntimeGone;
                Some(loaded.map_err(gone)?.map_err(CommError::Security)?)
            }
        };
        Ok(Self { runtime, tls, limit: CONNECT_LIMIT, without_hello_max: NO_HELLO_MAX, waited_for: None })
    }

    /// For connections that may take longer, or less long.
    pub(crate) fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// For a scheduler and the workers that it tells of. Those listen before anybody hears of them: where nothing listens, a
    /// worker is gone, and only the scheduler knows who else has its data.
    pub(crate) fn waiting_only_for(self, scheduler: &Address) -> Self {
        Self { waited_for: Some(scheduler.clone()), ..self }
    }

    /// For a peer that has been there before and is to come back: what listens in its place meanwhile, such as a balancer, may
    /// close connections as often as it likes.
    pub(crate) fn again_within(self, limit: Duration) -> Self {
        Self { without_hello_max: u32::MAX, ..self.with_limit(limit) }
    }

    pub(crate) fn runtime(&self) -> &R {
        &self.runtime
    }

    /// The certificates, for a listener.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Connects and says hello. Tries again, in growing pauses, as long as nothing listens there and the limit
    /// has not passed, unless the peer is one that is [not waited for](Self::waiting_only_for).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the half-made connection.
    ///
    /// # Errors
    ///
    /// At once where the peer is no Dask or TLS fails; otherwise `NotInTime` with what the last attempt gave.
    pub(crate) async fn connect(&self, address: &Address) -> Result<Comm<R::Stream>, CommError> {
        let tls = match (address.is_tls(), &self.tls) {
            (true, None) => return Err(CommError::NoSecurity { address: address.clone() }),
            (false, Some(_)) => return Err(CommError::EncryptionRequired { address: address.clone() }),
            (_, tls) => tls.as_ref(),
        };
        let mut progress = Progress::default();
        match self.runtime.timeout(self.limit, self.keep_trying(address, tls, &mut progress)).await {
            Ok(connected) => connected,
            Err(_) if progress.is_connected => {
                Err(CommError::NotDask { address: address.clone(), found: Found::Silence { after: self.limit } })
            }
            Err(_) => Err(CommError::NotInTime {
                address: address.clone(),
                after: self.limit,
                attempts: progress.attempts,
                last: progress.last.map(Arc::new),
            }),
        }
    }

    async fn keep_trying(
        &self,
        address: &Address,
        tls: Option<&Tls>,
        progress: &mut Progress,
    ) -> Result<Comm<R::Stream>, CommError> {
        let mut pauses = Pauses::default();
        let mut without_hello = 0;
        loop {
            progress.attempts = progress.attempts.saturating_add(1);
            progress.is_connected = false;
            let error = match self.runtime.timeout(ATTEMPT_LIMIT, self.attempt(address, tls, progress)).await {
                Ok(Ok(comm)) => return Ok(comm),
                Ok(Err(error)) => error,
                Err(elapsed) => CommError::Silent { peer: address.clone(), after: elapsed.after },
            };
            progress.is_connected = false;
            without_hello += u32::from(matches!(error, CommError::NotDask { .. }));
            let is_gone = !matches!(error, CommError::Silent { .. })
                && self.waited_for.as_ref().is_some_and(|waited_for| waited_for != address);
            if error.is_final() || is_gone || without_hello >= self.without_hello_max {
                return Err(error);
            }
            progress.last = Some(error);
            self.runtime.sleep(pauses.next_pause()).await;
        }
    }

    async fn attempt(
        &self,
        address: &Address,
        tls: Option<&Tls>,
        progress: &mut Progress,
    ) -> Result<Comm<R::Stream>, CommError> {
        let endpoints = Endpoint::resolve(&self.runtime, &address.to_tcp())
            .await
            .map_err(|source| CommError::LookUp { address: address.clone(), source })?;
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for (endpoint, share) in endpoints.iter().zip(shares(self.limit, endpoints.len())) {
            match self.runtime.timeout(share, self.runtime.connect(endpoint)).await {
                Ok(Ok(stream)) => {
                    progress.is_connected = true;
                    return Comm::connect(stream, tls, address).await;
                }
                Ok(Err(error)) => failed = error,
                Err(elapsed) => failed = io::Error::new(io::ErrorKind::TimedOut, elapsed),
            }
        }
        Err(CommError::Unreachable { address: address.clone(), source: Arc::new(failed) })
    }
}

/// How long the connection to each of the addresses of a host may take in one attempt. None may use up the time of those
/// after it, nor that of the hello; the last has what is left.
fn shares(limit: Duration, addresses: usize) -> impl Iterator<Item = Duration> {
    let attempt = limit.min(ATTEMPT_LIMIT);
    let share = attempt / 2 / u32::try_from(addresses.max(1)).unwrap_or(u32::MAX);
    (1..=addresses).map(move |number| if number < addresses { share } else { attempt })
}

/// How far the attempts have come, for the error when the time is over.
#[derive(Default)]
struct Progress {
    attempts: u32,
    /// The peer has taken the connection, and has yet to say hello.
    is_connected: bool,
    last: Option<CommError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_swallow_packets_leave_time_for_the_last_and_its_hello() {
        for limit in [CONNECT_LIMIT, ATTEMPT_LIMIT, Duration::from_millis(100)] {
            for addresses in 1..=4 {
                let shares: Vec<_> = shares(limit, addresses).collect();
                assert_eq!(shares.len(), addresses);
                let before: Duration = shares.iter().take(addresses - 1).sum();
                assert!(before <= limit.min(ATTEMPT_LIMIT) / 2, "{shares:?}");
                assert_eq!(
                    shares.last(),
                    Some(&limit.min(ATTEMPT_LIMIT)),
                    "a host of one address has the whole attempt"
                );
            }
        }
    }
}
