//! Numbers as a person reads them.

/// Three digits that say something, and thousands apart.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".into(),
        size if size >= 99.95 => thousands(value.round()),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.0995 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A ratio; a small one as a fraction.
pub(super) fn ratio(value: f64) -> String {
    if value > 0.0 && value < 0.01 { format!("1/{}", thousands((1.0 / value).round())) } else { number(value) }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        let texts = [0.0, 0.0123, 0.5, 12.34, 123.4, 1_234_567.0, f64::NAN].map(number);
        assert_eq!(texts, ["0.00", "0.012", "0.50", "12.3", "123", "1,234,567", "–"]);
    }

    #[test]
    fn small_ratios_are_fractions() {
        assert_eq!(ratio(0.000_1), "1/10,000");
        assert_eq!(ratio(0.5), "0.50");
    }
}
