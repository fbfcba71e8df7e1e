//! Amounts of abstract resources.

use std::collections::BTreeMap;

use crate::Error;

/// Each resource once, with the sum of its amounts.
///
/// # Errors
///
/// [`Error::InvalidResource`] for what is negative or no finite number.
pub(crate) fn sum_amounts(amounts: impl IntoIterator<Item = (String, f64)>) -> Result<BTreeMap<String, f64>, Error> {
    let mut sums = BTreeMap::new();
    for (name, amount) in amounts {
        check(&name, amount)?;
        *sums.entry(name).or_insert(0.0) += amount;
    }
    sums.iter().try_for_each(|(name, sum)| check(name, *sum))?;
    Ok(sums)
}

fn check(name: &str, amount: f64) -> Result<(), Error> {
    if amount.is_finite() && amount >= 0.0 {
        return Ok(());
    }
    Err(Error::InvalidResource { resource: name.into(), amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(amounts: &[f64]) -> Result<f64, Error> {
        sum_amounts(amounts.iter().map(|amount| ("gpu".to_owned(), *amount))).map(|sums| sums["gpu"])
    }

    #[test]
    fn a_resource_that_is_named_twice_counts_with_the_sum() {
        assert_eq!(sum(&[1.0, 0.5]).unwrap(), 1.5);
    }

    #[test]
    fn what_is_no_amount_is_refused_also_as_a_sum() {
        for amounts in [&[-1.0][..], &[f64::NAN], &[f64::INFINITY], &[f64::MAX, f64::MAX]] {
            assert!(matches!(sum(amounts), Err(Error::InvalidResource { .. })), "{amounts:?}");
        }
    }
}
