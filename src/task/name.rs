//! What a call is named after: its function.

use std::borrow::Cow;
use std::panic::Location;

/// What a call of a function is named, that was written down at `location`.
pub(crate) fn call_name<'a>(path: &'a str, location: &Location<'_>) -> Cow<'a, str> {
    match short_name(path) {
        // A program has many closures; the place tells them apart.
        "{{closure}}" => format!("closure@{}:{}", file_name(location), location.line()).into(),
        name => name.into(),
    }
}

/// The last word of a function's path, without its generic arguments.
pub(crate) fn short_name(path: &str) -> &str {
    let (mut depth, mut start) = (0_usize, 0);
    for (index, letter) in path.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not the arrow of a function's type.
            '>' if !path[..index].ends_with('-') => depth = depth.saturating_sub(1),
            ':' if depth == 0 => start = index + 1,
            _ => {}
        }
    }
    let word = &path[start..];
    word.split('<').next().unwrap_or(word)
}

/// Which block of an array a call of `function` is for, as the key has it that a client has made for the call: `[1, 0]` of
/// `f[1, 0]-` and 32 hexadecimal digits. `None` for other calls, and for keys that a user has chosen.
#[cfg(feature = "dask")]
pub(crate) fn block_of<'a>(key: &'a str, function: &str) -> Option<&'a str> {
    let (place, made) = key.strip_prefix(short_name(function))?.rsplit_once('-')?;
    if made.len() != 32 || !made.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let numbers = place.strip_prefix('[')?.strip_suffix(']')?;
    numbers.chars().all(|letter| letter.is_ascii_digit() || ", ".contains(letter)).then_some(place)
}

fn file_name<'a>(location: &'a Location<'_>) -> &'a str {
    location.file().rsplit(['/', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_the_last_word_of_a_path() {
        assert_eq!(short_name("inc"), "inc");
        assert_eq!(short_name("demo::inc"), "inc");
        assert_eq!(short_name("demo::fib<anydask_smol::Smol>"), "fib");
        assert_eq!(short_name("demo::Setting<R>::occupy::{{closure}}"), "{{closure}}");
        assert_eq!(short_name("<demo::A as demo::B<fn(i64) -> i64>>::run"), "run");
    }
    #[cfg(feature = "dask")]
    #[test]
    fn a_key_says_which_block_a_call_is_for() {
        let made = |name: &str| format!("{name}-7c9e5ce591c08b730000000000000001");
        assert_eq!(block_of(&made("halve[1, 0]"), "demo::halve"), Some("[1, 0]"));
        assert_eq!(block_of(&made("halve[]"), "halve"), Some("[]"));
        for other in ["halve", "halves[1]", "halve[a]", "half[1]", ""] {
            assert_eq!(block_of(&made(other), "demo::halve"), None, "{other}");
        }
        for chosen in ["halve[1]", "halve[1]-7c9e", "halve[1]-of-september", "-", ""] {
            assert_eq!(block_of(chosen, "demo::halve"), None, "{chosen}");
        }
    }
}
