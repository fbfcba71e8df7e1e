//! A TCP proxy that fails as networks do: it resets, cuts, stalls, swallows and delays. Plain threads, so that no runtime is
//! tested by itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// Forwards connections to one address, as well as it is told to. Dropped, it closes all.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Open,
    /// Nothing is read any more: senders fill the buffers, and then wait. What has come goes on later.
    Stalled,
    /// All is read, and nothing comes out: a peer that has vanished without a word.
    Swallowed,
    /// As open, with a pause before each part.
    Delayed(Duration),
}

struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    flow: Flow,
    /// New connections are closed at once.
    is_refusing: bool,
    /// Bytes until a connection is cut, counted over all of them.
    cut_after: Option<usize>,
    open: Vec<Arc<Link>>,
    is_over: bool,
    connections: usize,
    refusals: usize,
    nbytes: usize,
}

impl Proxy {
    /// For what listens at `target`, a Dask address. Gives a Dask address.
    pub fn start(target: &str) -> Self {
        let target = target.rsplit_once("://").unwrap().1.parse().unwrap();
        Self::at(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), target)
    }

    /// For what will listen at the port of the proxy, on another address of this machine.
    pub fn before_port() -> (Self, SocketAddr) {
        // Below those that the system gives to whoever connects, which would take the other one meanwhile.
        let free = (20_000..30_000).find_map(|port| {
            let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).ok()?;
            let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            TcpListener::bind(target).ok()?;
            Some((listener, target))
        });
        let (listener, target) = free.unwrap();
        (Self::at(listener, target), target)
    }

    fn at(listener: TcpListener, target: SocketAddr) -> Self {
        let address = listener.local_addr().unwrap();
        let state = State {
            flow: Flow::Open,
            is_refusing: false,
            cut_after: None,
            open: Vec::new(),
            is_over: false,
            connections: 0,
            refusals: 0,
            nbytes: 0,
        };
        let shared = Arc::new(Shared { target, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if accepting.lock().is_over {
                    return;
                }
                accepting.forward(stream);
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub fn host(&self) -> String {
        self.address.ip().to_string()
    }

    pub fn set(&self, flow: Flow) {
        self.shared.lock().flow = flow;
        self.shared.changed.notify_all();
    }

    /// Whether new connections are closed without a word.
    pub fn refuse(&self, is_refusing: bool) {
        self.shared.lock().is_refusing = is_refusing;
    }

    /// Resets all connections: both sides get an error, whatever was on its way.
    pub fn reset(&self) {
        let open = std::mem::take(&mut self.shared.lock().open);
        open.iter().for_each(|link| link.reset());
        // The last descriptors are closed by the threads that read.
        drop(open);
        self.shared.changed.notify_all();
    }

    /// Resets the connection over which the byte after `nbytes` more goes: in the middle of a message, as a rule.
    pub fn cut_after(&self, nbytes: usize) {
        self.shared.lock().cut_after = Some(nbytes);
    }

    /// Whether the cut has been made.
    pub fn has_cut(&self) -> bool {
        self.shared.lock().cut_after.is_none()
    }

    /// How many connections were closed without a word so far.
    pub fn refusals(&self) -> usize {
        self.shared.lock().refusals
    }

    /// From now on nothing comes out of the connections that are open now.
    pub fn swallow_open(&self) {
        self.shared.lock().open.iter().for_each(|link| link.is_swallowed.store(true, Ordering::Release));
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// How many bytes went either way so far.
    pub fn nbytes(&self) -> usize {
        self.shared.lock().nbytes
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.set(Flow::Open);
        self.reset();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn forward(self: &Arc<Self>, client: TcpStream) {
        let mut state = self.lock();
        if state.is_refusing {
            state.refusals += 1;
            return;
        }
        drop(state);
        // Whoever connected sees the end at once where nothing listens behind.
        let Ok(server) = TcpStream::connect(self.target) else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let link = Arc::new(Link {
            client: client.try_clone().unwrap(),
            server: server.try_clone().unwrap(),
            is_reset: AtomicBool::new(false),
            ended: AtomicUsize::new(0),
            is_swallowed: AtomicBool::new(false),
        });
        let mut state = self.lock();
        state.connections += 1;
        state.open.push(Arc::clone(&link));
        drop(state);
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (link, shared) = (Arc::clone(&link), Arc::clone(self));
            thread::spawn(move || shared.copy(from, to, &link));
        }
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, link: &Arc<Link>) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(nbytes @ 1..) = from.read(&mut buffer) {
            match self.pass(nbytes, link) {
                Pass::All => {}
                Pass::Nothing => continue,
                Pass::Cut(part) => {
                    let _ = to.write_all(&buffer[..part]);
                    link.reset();
                    break;
                }
            }
            if to.write_all(&buffer[..nbytes]).is_err() {
                break;
            }
        }
        let mut state = self.lock();
        while matches!(state.flow, Flow::Stalled | Flow::Swallowed) && !state.is_over && !link.is_reset() {
            // The end does not come through either.
            state = self.changed.wait(state).unwrap();
        }
        if link.is_reset() || link.ended.fetch_add(1, Ordering::AcqRel) == 1 {
            state.open.retain(|other| !Arc::ptr_eq(link, other));
        }
        drop(state);
        if !link.is_reset() {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Waits until so many bytes may go on.
    fn pass(&self, nbytes: usize, link: &Link) -> Pass {
        let mut state = self.lock();
        while state.flow == Flow::Stalled && !state.is_over {
            state = self.changed.wait(state).unwrap();
        }
        if state.flow == Flow::Swallowed || link.is_swallowed.load(Ordering::Acquire) {
            return Pass::Nothing;
        }
        state.nbytes += nbytes;
        match state.cut_after {
            Some(left) if left < nbytes => {
                state.cut_after = None;
                return Pass::Cut(left);
            }
            Some(left) => state.cut_after = Some(left - nbytes),
            None => {}
        }
        let flow = state.flow;
        drop(state);
        if let Flow::Delayed(pause) = flow {
            thread::sleep(pause);
        }
        Pass::All
    }
}

enum Pass {
    All,
    Nothing,
    Cut(usize),
}

/// One connection through the proxy.
struct Link {
    client: TcpStream,
    server: TcpStream,
    is_reset: AtomicBool,
    /// Its directions that have ended.
    ended: AtomicUsize,
    is_swallowed: AtomicBool,
}

impl Link {
    /// Ends it by RST: when the last descriptors are closed, they linger for no time.
    fn reset(&self) {
        self.is_reset.store(true, Ordering::Release);
        for stream in [&self.client, &self.server] {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            // Says nothing to the peer, and wakes the threads that read here, which have the other descriptors.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Acquire)
    }
}
