//! As much of HTTP as a crawler of one site needs: a GET on a connection of its own.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most of an answer that is read, in bytes. A page of the site has about 500.
const ANSWER_NBYTES_MAX: u64 = 64 * 1024;

/// A page that was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) links: Vec<String>,
    pub(crate) nbytes: usize,
}

/// Fetches a page and finds its links.
pub(crate) async fn fetch(address: SocketAddr, path: String) -> Result<Page, FetchError> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.take(ANSWER_NBYTES_MAX).read_to_end(&mut answer).await?;

    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(FetchError::NotHttp)?;
    match status(head).ok_or(FetchError::NotHttp)? {
        200 => Ok(Page { path, links: links(body), nbytes: body.len() }),
        status => Err(FetchError::Status { path, status }),
    }
}

/// The number in `HTTP/1.1 200 OK`.
fn status(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// What is between `href="` and `"`.
fn links(body: &str) -> Vec<String> {
    let after = body.split("href=\"").skip(1);
    after.filter_map(|text| text.split_once('"')).map(|(link, _)| link.to_owned()).collect()
}

/// Why a page was not fetched.
#[derive(Clone, Debug)]
pub(crate) enum FetchError {
    /// The connection failed.
    Connection(Arc<io::Error>),
    /// The answer is no HTTP.
    NotHttp,
    /// The site gave something else than a page.
    Status { path: String, status: u16 },
}

impl FetchError {
    /// Whether another attempt may succeed.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Status { status: 503, .. })
    }
}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> Self {
        Self::Connection(Arc::new(error))
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection failed: {error}"),
            Self::NotHttp => f.write_str("the answer is no HTTP"),
            Self::Status { path, status } => write!(f, "{path} answered {status}"),
        }
    }
}

impl std::error::Error for FetchError {}
