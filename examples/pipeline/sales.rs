//! The CPU work: parsing and adding up. It knows of no tasks.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

/// What each item costs.
pub(crate) type Prices = BTreeMap<String, f64>;

/// An item, and how many of it.
pub(crate) type Sale = (String, u32);

/// What a shop has sold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sales: usize,
    pub(crate) turnover: f64,
}

impl Totals {
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self { sales: self.sales + other.sales, turnover: self.turnover + other.turnover }
    }
}

/// Parses lines such as `tea 2.90`.
pub(crate) fn parse_prices(text: String) -> Result<Prices, BadLine> {
    let parse = |(number, line): (usize, &str)| {
        let (item, price) = two_words(number, line)?;
        let price = price.parse().map_err(|error| BadLine::new(number, line, error))?;
        Ok((item.to_owned(), price))
    };
    text.lines().enumerate().map(parse).collect()
}

/// Parses lines such as `tea 3`, which come with their numbers, counted from 0.
pub(crate) fn parse(lines: Vec<(usize, String)>) -> Result<Vec<Sale>, BadLine> {
    let parse = |(number, line): &(usize, String)| {
        let (item, amount) = two_words(*number, line)?;
        let amount = amount.parse().map_err(|error| BadLine::new(*number, line, error))?;
        Ok((item.to_owned(), amount))
    };
    lines.iter().map(parse).collect()
}

/// Adds up the sales of all parts.
pub(crate) fn total(parts: Vec<Vec<Sale>>, prices: Prices) -> Totals {
    let sales = || parts.iter().flatten();
    // What has no price was given away.
    let price = |(item, amount): &Sale| prices.get(item).map_or(0.0, |price| price * f64::from(*amount));
    Totals { sales: sales().count(), turnover: sales().map(price).sum() }
}

fn two_words(number: usize, line: &str) -> Result<(&str, &str), BadLine> {
    line.split_once(' ').ok_or_else(|| BadLine::new(number, line, "there are not two words"))
}

/// A line that is not what it should be.
#[derive(Debug)]
pub(crate) struct BadLine {
    number: usize,
    line: String,
    reason: Box<dyn Error + Send + Sync>,
}

impl BadLine {
    fn new(number: usize, line: &str, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { number, line: line.to_owned(), reason: reason.into() }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is `{}`", self.number + 1, self.line)
    }
}

impl Error for BadLine {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.reason)
    }
}
