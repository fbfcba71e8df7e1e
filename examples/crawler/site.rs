//! The site that is crawled: some thousand pages, of which each links to a few others.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where a crawl begins.
pub(crate) const FIRST: &str = "/page/0";

/// Pages of the site.
const PAGES: usize = 3_000;
/// Every so many pages, one answers 503 at first; and every so many of these, twice.
const BUSY: usize = 10;
/// The page that never answers.
const SILENT: usize = 13;
/// The page with a link that leads nowhere.
const OUTDATED: usize = 100;
/// How long an answer takes.
const DELAY: Duration = Duration::from_millis(15);

/// The site, as long as it lives.
pub(crate) struct Site {
    address: SocketAddr,
    visits: Arc<Visits>,
    server: JoinHandle<()>,
}

impl Site {
    /// Serves on a free port.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let visits = Arc::new(Visits::new());
        let routes = Router::new().route("/page/{number}", get(page)).with_state(Arc::clone(&visits));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("the site is down: {error}");
            }
        });
        Ok(Self { address, visits, server })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Most visitors that there were at once, each on a connection of its own.
    pub(crate) fn connections_max(&self) -> usize {
        self.visits.most.load(Ordering::Relaxed)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Who is there, and has been.
struct Visits {
    now: AtomicUsize,
    most: AtomicUsize,
    /// How often each page has yet to answer 503.
    refusals: Vec<AtomicU8>,
}

impl Visits {
    fn new() -> Self {
        let refusals = |page: usize| u8::from(page % BUSY == 1) + u8::from(page % (BUSY * BUSY) == 1);
        Self {
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            refusals: (0..PAGES).map(|page| AtomicU8::new(refusals(page))).collect(),
        }
    }
}

async fn page(State(visits): State<Arc<Visits>>, Path(number): Path<usize>) -> Result<Html<String>, StatusCode> {
    if number == SILENT {
        // Not counted: when the visitor hangs up, the site notices later.
        pending().await
    }
    let _visit = Visit::begin(Arc::clone(&visits));
    tokio::time::sleep(DELAY).await;
    let refusals = visits.refusals.get(number).ok_or(StatusCode::NOT_FOUND)?;
    match refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => Ok(Html(html(number))),
    }
}

fn html(number: usize) -> String {
    let mut links = vec![number / 2, 7 * number % PAGES];
    links.extend([2 * number + 1, 2 * number + 2].into_iter().filter(|page| *page < PAGES));
    if number == OUTDATED {
        links.push(PAGES);
    }
    let links: String = links.iter().map(|page| format!("<a href=\"/page/{page}\">page {page}</a>\n")).collect();
    format!("<html><title>Page {number}</title>\n<p>{}</p>\n{links}</html>\n", "All work and no wait. ".repeat(10))
}

/// Counts a visitor for as long as it lives.
struct Visit(Arc<Visits>);

impl Visit {
    fn begin(visits: Arc<Visits>) -> Self {
        let now = visits.now.fetch_add(1, Ordering::Relaxed) + 1;
        visits.most.fetch_max(now, Ordering::Relaxed);
        Self(visits)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}
