//! Stands for services over the network: slow, and not always there.

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use smol::Timer;

/// Those whose sales are fetched.
pub(crate) const SHOPS: [&str; 5] = ["north", "east", "harbour", "market", "south"];

/// How long an answer takes.
const DELAY: Duration = Duration::from_millis(5);

const PRICES: &str = "apple 0.40\nbread 3.20\ncheese 5.75\ntea 2.90\n";

/// Fetches the prices, or the sales of a shop.
pub(crate) async fn fetch(name: &'static str) -> Result<String, Unavailable> {
    static ATTEMPTS_AT_PRICES: AtomicU32 = AtomicU32::new(0);

    Timer::after(DELAY).await;
    match name {
        "prices" => match ATTEMPTS_AT_PRICES.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(Unavailable { name, status: 503 }),
            _ => Ok(PRICES.to_owned()),
        },
        "harbour" => pending().await,
        "market" => Ok(with_one_mistake(&sales(120))),
        "north" => Ok(sales(180)),
        shop => Ok(sales(40 * shop.len())),
    }
}

/// The last sale of three teas is written in words.
fn with_one_mistake(sales: &str) -> String {
    let (before, after) = sales.rsplit_once("tea 3\n").unwrap_or_default();
    format!("{before}tea three\n{after}")
}

/// One line for each sale.
fn sales(count: usize) -> String {
    let items = ["apple", "bread", "cheese", "tea"];
    (0..count).map(|sale| format!("{} {}\n", items[sale * 7 % 4], sale % 5 + 1)).collect()
}

/// A source gives nothing now. It may later.
#[derive(Debug)]
pub(crate) struct Unavailable {
    name: &'static str,
    status: u16,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the source `{}` answered {}", self.name, self.status)
    }
}

impl std::error::Error for Unavailable {}
