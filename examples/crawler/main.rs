//! A crawler: thousands of pages of a site, as asynchronous tasks, a bounded number at once.
//!
//! ```text
//! cargo run --release --example crawler --features tokio
//! ```
//!
//! The program serves the site itself, on the loopback interface, and is not gentle: many pages answer 503 at first, one
//! never answers, and one link leads nowhere.
//!
//! - A page is fetched once its link has been found, by a map over the stream of links. No more than [`IN_FLIGHT`] tasks
//!   are there at once, however many links there are.
//! - A task holds one of [`CONNECTIONS`] while it fetches, and none while it waits for its next attempt.
//! - What answers 503 is tried again, each time after a longer wait. What answers 404 is not.
//! - A page that has not come within [`DEADLINE`] is given up.

use std::collections::HashSet;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anydask::runtime::Tokio;
use anydask::{Client, Error, Options, asynchronous, fallible};
use futures_lite::stream;
use tokio::sync::mpsc;

mod fetch;
mod site;

use fetch::{FetchError, Page};
use site::Site;

/// Connections that may be open at once.
const CONNECTIONS: u32 = 50;
/// Tasks that there are at once: those with a connection, those that wait for their next attempt, and a few that are
/// ready when a connection is.
const IN_FLIGHT: usize = 200;
/// Attempts at a page beyond the first.
const RETRIES: u32 = 4;
/// The wait before the second attempt; twice as long before each further one.
const BACKOFF: Duration = Duration::from_millis(20);
/// How long a page may take, with all attempts.
const DEADLINE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Site::start().await?;
    let client = Client::<Tokio>::builder().resources([("connections", f64::from(CONNECTIONS))]).local().await?;
    println!("crawling http://{}{}", site.address(), site::FIRST);
    let start = Instant::now();
    let crawl = crawl(&client, &site).await;
    let elapsed = start.elapsed();
    client.close().await?;

    println!("{:>9} pages", crawl.pages);
    println!("{:>9} bytes", crawl.nbytes);
    println!("{:>9} retries", crawl.attempts - crawl.links.len());
    println!("{:>9} connections at once, at most, as the site saw it", site.connections_max());
    println!("{:>9.1} seconds", elapsed.as_secs_f64());

    let mut missing: Vec<_> = crawl.links.difference(&crawl.fetched).collect();
    missing.sort_unstable();
    println!("not fetched: {missing:?}");
    for error in &crawl.errors {
        println!("  {}", error.source().map_or_else(|| error.to_string(), ToString::to_string));
    }
    Ok(())
}

/// What has come of a crawl.
#[derive(Default)]
struct Crawl {
    /// All that were found.
    links: HashSet<String>,
    fetched: HashSet<String>,
    pages: usize,
    nbytes: usize,
    attempts: usize,
    errors: Vec<Error>,
}

/// Fetches all pages that links lead to from the first one.
async fn crawl(client: &Client<Tokio>, site: &Site) -> Crawl {
    let attempts = Arc::new(AtomicUsize::new(0));
    let fetch = {
        let (address, attempts) = (site.address(), Arc::clone(&attempts));
        fallible(asynchronous(move |path: String| {
            attempts.fetch_add(1, Ordering::Relaxed);
            fetch::fetch(address, path)
        }))
    };
    let careful = client.with(
        Options::new()
            .resources([("connections", 1.0)])
            .retries(RETRIES)
            .backoff(BACKOFF)
            .retry_if(|error| error.downcast_ref().is_some_and(FetchError::may_pass))
            .deadline(DEADLINE),
    );

    // Only what has been found and has no task yet waits here: paths, and nothing else of a page.
    let (found, mut to_fetch) = mpsc::unbounded_channel();
    let to_fetch = stream::poll_fn(move |cx| to_fetch.poll_recv(cx));
    let mut pages = careful.map_stream(fetch, to_fetch).buffered_unordered(IN_FLIGHT);

    let mut crawl = Crawl::default();
    crawl.follow(vec![site::FIRST.to_owned()], &found);
    // It would wait for further links for ever: here is known when there are none.
    while crawl.pages + crawl.errors.len() < crawl.links.len()
        && let Some(result) = pages.next().await
    {
        match result {
            Ok(Page { path, links, nbytes }) => {
                crawl.pages += 1;
                crawl.nbytes += nbytes;
                crawl.fetched.insert(path);
                crawl.follow(links, &found);
                if crawl.pages.is_multiple_of(1_000) {
                    println!("  {} pages of {} that are known of", crawl.pages, crawl.links.len());
                }
            }
            Err(error) => crawl.errors.push(error),
        }
    }
    crawl.attempts = attempts.load(Ordering::Relaxed);
    crawl
}

impl Crawl {
    /// Has the links fetched that are new.
    fn follow(&mut self, links: Vec<String>, found: &mpsc::UnboundedSender<String>) {
        for link in links {
            if self.links.insert(link.clone()) {
                // The receiver lives as long as the map over it.
                let _ = found.send(link);
            }
        }
    }
}
