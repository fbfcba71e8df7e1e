//! What every TCP stream of a [`Transport`](crate::Transport) has set.

use std::io;
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

// After ten quiet seconds a question every two, as many as the system asks, which are nine on Linux: whoever has vanished is
// gone after half a minute, as with Dask's own connections (`distributed.comm.timeouts.tcp`).
const IDLE: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(2);

/// Sets `TCP_NODELAY`, since messages are small, and keep-alive: a quiet connection whose peer has lost its power or its network
/// ends after about half a minute with an error. Without, it stays for ever.
///
/// # Errors
///
/// The operating system's, where the peer has gone already on some.
///
/// # Examples
///
/// ```
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let stream = TcpStream::connect(listener.local_addr()?)?;
/// anydask_runtime::adapter::tcp::set_options(&stream)?;
/// assert!(stream.nodelay()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_options(stream: &impl AsSocket) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL))
}
