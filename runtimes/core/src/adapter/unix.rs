//! Unix sockets, as far as the standard library goes: addresses, listening, and the file that a listener leaves behind.

use std::ffi::OsStr;
use std::fs;
use std::io;
#[cfg(target_os = "android")]
use std::os::android::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use crate::Endpoint;

/// The address of a [`Endpoint::Unix`] or [`Endpoint::UnixAbstract`].
///
/// # Errors
///
/// `InvalidInput` for a path or name that is empty, too long or has a NUL in it; `Unsupported` for another kind of
/// endpoint, and for abstract names where the operating system has none.
pub fn address(endpoint: &Endpoint) -> io::Result<SocketAddr> {
    match endpoint {
        // An empty path would be taken for "any free abstract name".
        Endpoint::Unix(path) if path.as_os_str().is_empty() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a Unix socket needs a path"))
        }
        Endpoint::Unix(path) => SocketAddr::from_pathname(path),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Endpoint::UnixAbstract(name) => SocketAddr::from_abstract_name(name),
        other => Err(unsupported(other)),
    }
}

/// The endpoint of an address. A socket without a name, as most connecting ones are, has an empty path.
pub fn endpoint(address: &SocketAddr) -> Endpoint {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.as_abstract_name() {
        return Endpoint::UnixAbstract(String::from_utf8_lossy(name).into_owned());
    }
    Endpoint::Unix(address.as_pathname().unwrap_or(Path::new(OsStr::new(""))).to_owned())
}

/// Listens at a Unix endpoint. The listener is non-blocking; the [`SocketFile`] is the caller's to keep beside it.
///
/// # Errors
///
/// As [`address`]; `AddrInUse` when something is at the path already, be it only left over; `NotFound` when
/// its directory does not exist.
pub fn bind(endpoint: &Endpoint) -> io::Result<(UnixListener, Option<SocketFile>)> {
    let listener = UnixListener::bind_addr(&address(endpoint)?)?;
    let file = match endpoint {
        Endpoint::Unix(path) => Some(SocketFile::new(path)?),
        _ => None,
    };
    listener.set_nonblocking(true)?;
    Ok((listener, file))
}

/// The file of a listening Unix socket, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Takes charge of the socket at `path`.
    ///
    /// # Errors
    ///
    /// The operating system's, when there is nothing at `path`.
    pub fn new(path: &Path) -> io::Result<Self> {
        // Absolute, because the program may change its directory before the listener is dropped.
        let path = std::path::absolute(path)?;
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another socket at the path since: that one is not ours to remove.
        let ours = |metadata: fs::Metadata| metadata.dev() == self.device && metadata.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // Nobody is left to tell if it fails; the next listener gets `AddrInUse`.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unsupported(endpoint: &Endpoint) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("`{endpoint}` is no Unix socket of this operating system"))
}
