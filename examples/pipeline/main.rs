//! A pipeline: sales are fetched, parsed and added up, by tasks that submit tasks, from sources that are not reliable.
//!
//! ```text
//! cargo run --example pipeline --features smol
//! ```
//!
//! What it shows:
//!
//! - The price list comes at the third attempt: its task has retries with a back-off, and its story tells of them.
//! - How many parts a shop's sales have is known once they are there. So there is a task for each shop, which submits those
//!   for the parts, on the client of its own context.
//! - One shop does not answer: its deadline ends the wait. One has a line that is no sale. Both are in the report with all
//!   that is known of the reason, and the other shops are there.
//! - Each shop that is done leaves a record for the audit. Nobody waits for it.

use std::error::Error as _;
use std::time::Duration;

use anydask::runtime::Smol;
use anydask::{Client, Error, TaskContext, TaskFuture, asynchronous, fallible};
use smol::channel::Sender;

mod sales;
mod sources;

use sales::{Prices, Totals};

/// Lines that one task parses.
const PART_LINES: usize = 50;
/// Attempts beyond the first at what a source gives.
const RETRIES: u32 = 3;
/// The wait before the second attempt; twice as long before the third.
const BACKOFF: Duration = Duration::from_millis(20);
/// How long a shop may take in all, attempts and waits included.
const SHOP_DEADLINE: Duration = Duration::from_millis(500);

fn main() -> Result<(), Error> {
    smol::block_on(async {
        Client::<Smol>::scope(async |client| {
            let prices = prices(&client).await?;
            report(&client, &prices).await
        })
        .await
    })
}

/// The price list, which all shops need.
async fn prices(client: &Client<Smol>) -> Result<TaskFuture<Prices>, Error> {
    let text = client
        .task(fallible(asynchronous(sources::fetch)), "prices")
        .key("fetch-prices")
        .retries(RETRIES)
        .backoff(BACKOFF)
        .retry_if(|error| error.downcast_ref::<sources::Unavailable>().is_some())
        .submit();
    let prices = client.submit(fallible(sales::parse_prices), &text);
    println!("{} prices are there; the story of `{}`:", (&prices).await?.len(), text.key());
    for transition in text.story() {
        println!("  {transition}");
    }
    Ok(prices)
}

/// Processes all shops and prints what came of each.
async fn report(client: &Client<Smol>, prices: &TaskFuture<Prices>) -> Result<(), Error> {
    let (audit, records) = smol::channel::unbounded();
    let process = fallible(asynchronous(move |shop, prices| process(shop, prices, audit.clone())));
    let shops = client.map(process, sources::SHOPS.map(|shop| (shop, prices)));
    let results = client.gather_results(shops).await?;

    println!();
    println!("{:<8}  {:>5}  {:>9}", "shop", "sales", "turnover");
    let mut all = Totals::default();
    for (shop, result) in sources::SHOPS.iter().zip(&results) {
        if let Ok(totals) = result {
            println!("{shop:<8}  {:>5}  {:>9.2}", totals.sales, totals.turnover);
            all = all.plus(totals);
        }
    }
    println!("{:<8}  {:>5}  {:>9.2}", "all", all.sales, all.turnover);

    println!();
    for (shop, result) in sources::SHOPS.iter().zip(&results) {
        if let Err(error) = result {
            println!("no sales of {shop}: {}", chain(error));
        }
    }

    // A program that serves goes on. This one ends, so it sees to it that the records are written.
    println!();
    let done = results.iter().filter(|result| result.is_ok()).count();
    let mut written = Vec::new();
    while written.len() < done {
        written.extend(records.recv().await);
    }
    written.sort_unstable();
    written.iter().for_each(|record| println!("audit: {record}"));
    Ok(())
}

/// The body of a shop's task. It waits for tasks of its own, and takes no thread meanwhile.
async fn process(shop: &'static str, prices: Prices, audit: Sender<String>) -> Result<Totals, Error> {
    let client = TaskContext::current()?.client()?;
    let sales = client
        .task(fallible(asynchronous(sources::fetch)), shop)
        .key(format!("fetch-{shop}"))
        .retries(RETRIES)
        .backoff(BACKOFF)
        .deadline(SHOP_DEADLINE)
        .submit();

    let sales = sales.await?;
    let lines: Vec<_> = sales.lines().map(str::to_owned).enumerate().collect();
    let parts = lines.chunks(PART_LINES).map(<[_]>::to_vec);
    let parsed = client.tasks(fallible(sales::parse), parts).key(format!("parse-{shop}")).submit();
    let totals = client.submit(sales::total, (parsed, prices)).await?;

    // It goes on when this task is done, and is lost to nobody if it fails.
    client.submit(record, (shop, totals, audit)).detach();
    Ok(totals)
}

/// Writes to the audit, which takes its time.
fn record(shop: &'static str, totals: Totals, audit: Sender<String>) {
    std::thread::sleep(Duration::from_millis(10));
    // An error says that nobody reads the audit any more.
    let _ = audit.send_blocking(format!("{shop}, {} sales", totals.sales));
}

/// All levels of an error in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
