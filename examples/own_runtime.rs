//! A runtime of one's own: anydask runs on whatever implements its traits.
//!
//! This one is made of `async-executor`, `async-io` and `blocking`. It owns its threads and really ends. It passes the
//! conformance suite: `tests/own_runtime.rs` runs it with one line.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Shutdown as Half, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::{Duration, Instant as StdInstant};

use anydask::{Client, asynchronous};
use anydask_runtime::adapter::{CatchUnwind, tcp};
use anydask_runtime::context::{self, Entered};
use anydask_runtime::{
    AnyRuntime, BlockOn, ByteStream, Endpoint, Instant, JoinError, Listener, NestedBlockOn, Runtime, Shutdown,
    ShutdownReport, Spawner, TaskHandle, Timer, Transport,
};
use async_channel::{Receiver, Sender};
use async_executor::Executor;
use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::future::{or, pending, yield_now};

/// The runtime: a few threads that run one executor. It ends with its last clone, or by [`Shutdown::shutdown`].
#[derive(Clone, Debug)]
pub struct OwnRuntime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    executor: Arc<Executor<'static>>,
    open: Mutex<Option<Open>>,
    closed: Arc<AtomicBool>,
    threads_ended: Receiver<Infallible>,
}

/// What there is until the end. Nothing is ever sent as a token: a channel closes when the last of its tokens is dropped.
#[derive(Debug)]
struct Open {
    task_token: Sender<Infallible>,
    thread_token: Sender<Infallible>,
    /// For each task, the way to tell it to stop, and why.
    stops: Vec<Sender<JoinError>>,
    prune_stops_at: usize,
}

impl OwnRuntime {
    /// Starts `threads` threads.
    pub fn new(threads: usize) -> io::Result<Self> {
        let executor = Arc::new(Executor::new());
        let (task_token, tasks_ended) = async_channel::bounded::<Infallible>(1);
        let (thread_token, threads_ended) = async_channel::bounded::<Infallible>(1);
        for _ in 0..threads {
            let (executor, tasks_ended, token) = (executor.clone(), tasks_ended.clone(), thread_token.clone());
            let run = move || {
                let _token = token;
                let _ = async_io::block_on(executor.run(tasks_ended.recv()));
            };
            thread::Builder::new().name("own-runtime".to_owned()).spawn(run)?;
        }
        let open = Open { task_token, thread_token, stops: Vec::new(), prune_stops_at: 64 };
        let (open, closed) = (Mutex::new(Some(open)), Arc::new(AtomicBool::new(false)));
        Ok(Self(Arc::new(Inner { executor, open, closed, threads_ended })))
    }
}

impl Inner {
    /// Starts a task while the runtime is open: `start` gets the order to stop, and the tokens that the task holds.
    fn admit<T>(
        &self,
        start: impl FnOnce(Receiver<JoinError>, &Open) -> async_executor::Task<Result<T, JoinError>>,
    ) -> Task<T> {
        let (stop, stopped) = async_channel::bounded(1);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = open.as_mut() else { return Task { state: State::Refused, stop } };
        if open.stops.len() >= open.prune_stops_at {
            open.stops.retain(|stop| !stop.is_closed());
            open.prune_stops_at = 2 * open.stops.len() + 64;
        }
        open.stops.push(stop.clone());
        Task { state: State::Running(start(stopped, open)), stop }
    }

    /// Tells all tasks to stop; the threads end after the last of them.
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for stop in open.into_iter().flat_map(|open| open.stops) {
            // Full if the task has been aborted before: then that is why it ends.
            let _ = stop.try_send(JoinError::Shutdown);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Spawner for OwnRuntime {
    type Task<T: Send + 'static> = Task<T>;

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.admit(|stopped, open| {
            let token = open.task_token.clone();
            // The order to stop is looked at first, so that an aborted task is not polled again.
            let work = async move {
                let stop = async {
                    match stopped.recv().await {
                        Ok(why) => Err(why),
                        Err(_) => pending().await,
                    }
                };
                or(stop, async { Ok(future.await) }).await
            };
            // A panic of the future's destructor is caught as well: `work` drops it while it is polled.
            self.0.executor.spawn(async move {
                let _token = token;
                CatchUnwind::new(Entered::new(work)).await.unwrap_or_else(|panic| Err(JoinError::Panicked(panic)))
            })
        })
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.admit(|stopped, open| {
            let token = open.thread_token.clone();
            blocking::unblock(move || {
                let _token = token;
                if let Ok(why) = stopped.try_recv() {
                    return Err(why);
                }
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(JoinError::Panicked)
            })
        })
    }
}

/// The handle of a task.
pub struct Task<T> {
    state: State<T>,
    stop: Sender<JoinError>,
}

enum State<T> {
    Running(async_executor::Task<Result<T, JoinError>>),
    /// Spawned after the end.
    Refused,
    /// Detached, or its result has been taken.
    Over,
}

impl<T: Send + 'static> TaskHandle<T> for Task<T> {
    fn abort(&mut self) {
        let _ = self.stop.try_send(JoinError::Aborted);
    }

    fn detach(mut self) {
        if let State::Running(task) = std::mem::replace(&mut self.state, State::Over) {
            task.detach();
        }
    }

    fn is_finished(&self) -> bool {
        !matches!(&self.state, State::Running(task) if !task.is_finished())
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.state {
            State::Running(task) => ready!(Pin::new(task).poll(cx)),
            State::Refused => Err(JoinError::Shutdown),
            State::Over => panic!("a task was polled after it had completed"),
        };
        self.state = State::Over;
        Poll::Ready(result)
    }
}

impl<T> Unpin for Task<T> {}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let State::Running(task) = std::mem::replace(&mut self.state, State::Over) {
            let _ = self.stop.try_send(JoinError::Aborted);
            task.detach();
        }
    }
}

impl Timer for OwnRuntime {
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn now(&self) -> Instant {
        Instant::from_std(StdInstant::now())
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        // Counts from here, not from the first poll.
        let timer = async_io::Timer::after(duration);
        let closed = self.0.closed.clone();
        Box::pin(async move {
            yield_now().await;
            timer.await;
            if closed.load(Ordering::SeqCst) {
                pending().await
            }
        })
    }
}

impl Transport for OwnRuntime {
    type Stream = Stream;
    type Listener = Acceptor;

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        let Endpoint::Tcp(address) = endpoint else { return Err(only_tcp(endpoint)) };
        Stream::new(Async::<TcpStream>::connect(*address).await?)
    }

    async fn bind(&self, endpoint: &Endpoint) -> io::Result<Acceptor> {
        let Endpoint::Tcp(address) = endpoint else { return Err(only_tcp(endpoint)) };
        Ok(Acceptor(Async::<TcpListener>::bind(*address)?))
    }
}

fn only_tcp(endpoint: &Endpoint) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, format!("{endpoint} is not TCP, and this runtime has nothing else"))
}

/// A listening TCP socket.
#[derive(Debug)]
pub struct Acceptor(Async<TcpListener>);

impl Listener for Acceptor {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Endpoint)> {
        let (stream, address) = self.0.accept().await?;
        Ok((Stream::new(stream)?, Endpoint::Tcp(address)))
    }

    fn local(&self) -> io::Result<Endpoint> {
        self.0.get_ref().local_addr().map(Endpoint::Tcp)
    }
}

/// A TCP stream.
#[derive(Debug)]
pub struct Stream(Async<TcpStream>);

impl Stream {
    fn new(stream: Async<TcpStream>) -> io::Result<Self> {
        tcp::set_options(stream.get_ref())?;
        Ok(Self(stream))
    }
}

impl ByteStream for Stream {
    async fn shutdown_write(&mut self) -> io::Result<()> {
        self.0.get_ref().shutdown(Half::Write)
    }

    fn peer(&self) -> io::Result<Endpoint> {
        self.0.get_ref().peer_addr().map(Endpoint::Tcp)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().shutdown(Half::Write))
    }
}

impl Runtime for OwnRuntime {
    fn name(&self) -> &'static str {
        "own"
    }

    fn in_async_context(&self) -> bool {
        context::is_entered()
    }

    fn erased(&self) -> AnyRuntime {
        AnyRuntime::new(self.clone())
    }
}

impl BlockOn for OwnRuntime {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        match self.in_async_context() {
            true => Err(NestedBlockOn::new(self.name())),
            false => Ok(async_io::block_on(Entered::new(future))),
        }
    }
}

impl Shutdown for OwnRuntime {
    async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        self.0.close();
        let ended = async {
            let _ = self.0.threads_ended.recv().await;
            ShutdownReport::Complete
        };
        let over = async {
            async_io::Timer::after(grace).await;
            ShutdownReport::GraceExceeded
        };
        or(ended, over).await
    }
}

#[allow(dead_code, reason = "a test includes this file as a module")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = OwnRuntime::new(2)?;
    let client = Client::with_runtime(runtime.clone()).local().wait()?;

    let timer = runtime.clone();
    let square = asynchronous(move |number: u64| {
        let sleep = timer.sleep(Duration::from_millis(10 * number));
        async move {
            sleep.await;
            number * number
        }
    });
    let squares = client.map(square, 1..=3);
    let sum = client.submit(|squares: Vec<u64>| squares.iter().sum::<u64>(), &squares);
    let (squares, sum) = client.sync(async { client.gather((&squares, &sum)).await })?;
    println!("on {}: the squares are {squares:?}, and their sum is {sum}", client.runtime().name());

    client.close().wait()?;
    println!("the shutdown: {:?}", runtime.block_on(runtime.shutdown(Duration::from_secs(1)))?);
    Ok(())
}
