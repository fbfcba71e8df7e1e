//! Amounts of abstract resources. The scheduler never counts what is used; the worker does.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::dask::worker::state::Refusal;

/// Amounts by the names of resources.
pub(crate) type Amounts = BTreeMap<Arc<str>, f64>;

/// Amounts are sums of decimal fractions, which floating point only approximates: `0.1 + 0.2` fits into `0.3`.
const TOLERANCE: f64 = 1e-9;

#[derive(Debug)]
pub(super) struct Resources {
    has: BTreeMap<Arc<str>, Amount>,
}

#[derive(Debug)]
struct Amount {
    total: f64,
    available: f64,
    /// How many bodies hold some.
    holders: usize,
}

impl Resources {
    pub(super) fn new(totals: &Amounts) -> Self {
        let amount = |total: f64| Amount { total, available: total, holders: 0 };
        Self { has: totals.iter().map(|(name, total)| (Arc::clone(name), amount(*total))).collect() }
    }

    /// Whether there ever is as much. A requirement of 0 asks only that the resource is listed.
    pub(super) fn check(&self, amounts: &Amounts) -> Result<(), Refusal> {
        for (name, asked) in amounts {
            let total = self.has.get(name).map(|amount| amount.total);
            if total.is_none_or(|total| *asked > total + TOLERANCE) {
                return Err(Refusal::LacksResource {
                    name: Arc::clone(name),
                    asked: *asked,
                    total: total.unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    /// Whether there is as much now.
    pub(super) fn has(&self, amounts: &Amounts) -> bool {
        amounts
            .iter()
            .all(|(name, asked)| self.has.get(name).is_some_and(|amount| *asked <= amount.available + TOLERANCE))
    }

    pub(super) fn take(&mut self, amounts: &Amounts) {
        for (name, asked) in amounts {
            if let Some(amount) = self.has.get_mut(name) {
                amount.available -= asked;
                amount.holders += 1;
            }
        }
    }

    pub(super) fn give_back(&mut self, amounts: &Amounts) {
        for (name, asked) in amounts {
            if let Some(amount) = self.has.get_mut(name) {
                amount.holders -= 1;
                // Errors of rounding do not add up over days.
                amount.available = if amount.holders == 0 { amount.total } else { amount.available + asked };
            }
        }
    }

    #[cfg(test)]
    pub(super) fn available(&self) -> Amounts {
        self.has.iter().map(|(name, amount)| (Arc::clone(name), amount.available)).collect()
    }
}
