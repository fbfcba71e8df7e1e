use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// Where a scheduler or a worker listens: `tcp://scheduler:8786`, `tls://[::1]:8786`.
///
/// Cheap to clone. Ordered, since tables of connections are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address {
    scheme: Scheme,
    /// A name, or an IP address without brackets.
    host: Arc<str>,
    port: u16,
}

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Tcp,
    Tls,
}

impl Address {
    pub(crate) fn of_socket(scheme: Scheme, address: SocketAddr) -> Self {
        Self { scheme, host: address.ip().to_string().into(), port: address.port() }
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Tls
    }

    /// A name, or an IP address without brackets.
    #[cfg(test)]
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    #[cfg(test)]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The same port of another host: a name, or an IP address without brackets.
    pub(crate) fn with_host(&self, host: String) -> Self {
        Self { host: host.into(), ..self.clone() }
    }

    /// The form that a runtime's transport looks up: without TLS, which is ours to add.
    pub(crate) fn to_tcp(&self) -> String {
        Self { scheme: Scheme::Tcp, ..self.clone() }.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only an IPv6 address has a colon.
        match self.host.contains(':') {
            true => write!(f, "{}://[{}]:{}", self.scheme.name(), self.host, self.port),
            false => write!(f, "{}://{}:{}", self.scheme.name(), self.host, self.port),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = |problem| AddressError { text: shortened(text), problem };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error(AddressProblem::NoScheme))?;
        let scheme = match scheme {
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            _ => return Err(error(AddressProblem::UnknownScheme)),
        };
        let (host, port) = host_and_port(rest).map_err(error)?;
        let port = match port.parse() {
            // `parse` takes a sign, which no port has.
            Ok(number) if number != 0 && !port.starts_with('+') => number,
            _ => return Err(error(AddressProblem::BadPort)),
        };
        Ok(Self { scheme, host: host.into(), port })
    }
}

fn host_and_port(rest: &str) -> Result<(String, &str), AddressProblem> {
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']').ok_or(AddressProblem::BadHost)?;
        let host: Ipv6Addr = host.parse().map_err(|_| AddressProblem::BadHost)?;
        return Ok((host.to_string(), port.strip_prefix(':').ok_or(AddressProblem::NoPort)?));
    }
    if rest.parse::<Ipv6Addr>().is_ok() {
        return Err(AddressProblem::NoBrackets);
    }
    let (host, port) = rest.rsplit_once(':').ok_or(AddressProblem::NoPort)?;
    if host.contains(':') {
        return Err(AddressProblem::NoBrackets);
    }
    if port.contains(['/', '?', '#']) {
        return Err(AddressProblem::Path);
    }
    if is_name(host) { Ok((host.to_owned(), port)) } else { Err(AddressProblem::BadHost) }
}

/// Whether the operating system may be asked for it: an IPv4 address, or a name of the letters that names have, and `_`,
/// which those of containers have.
fn is_name(host: &str) -> bool {
    let is_number = host.parse::<Ipv4Addr>().is_ok();
    let of_letters = host.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_'));
    // What looks like an IPv4 address must be one: the operating system reads `1.2.3` as something else.
    let like_number = host.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    // A name has at most 253 letters.
    is_number || (!host.is_empty() && host.len() <= 253 && of_letters && !like_number)
}

/// Longest part of a wrong address that an error repeats.
const SHOWN_MAX: usize = 80;

fn shortened(text: &str) -> Arc<str> {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

/// A text that is no address. Says how to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressError {
    text: Arc<str>,
    pub(crate) problem: AddressProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum AddressProblem {
    NoScheme,
    UnknownScheme,
    NoPort,
    BadPort,
    BadHost,
    NoBrackets,
    Path,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.problem {
            AddressProblem::NoScheme => write!(f, "`{text}` has no scheme; write `tcp://{text}`, or `tls://{text}`"),
            AddressProblem::UnknownScheme => {
                write!(f, "`{text}` has a scheme that is not spoken here; there are `tcp://` and `tls://`")
            }
            AddressProblem::NoPort => {
                write!(f, "`{text}` has no port; write `{text}:8786` if the scheduler listens at Dask's usual one")
            }
            AddressProblem::BadPort => write!(f, "`{text}` has no valid port; write a number from 1 to 65535"),
            AddressProblem::BadHost => {
                write!(f, "`{text}` has no valid host; write a name, an IPv4 address, or an IPv6 address in brackets")
            }
            AddressProblem::NoBrackets => {
                write!(f, "`{text}` has an IPv6 address without brackets; write it like `tcp://[::1]:8786`")
            }
            AddressProblem::Path => write!(f, "`{text}` has something after its port; leave that out"),
        }
    }
}

impl Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_was_read() {
        for text in [
            "tcp://127.0.0.1:8786",
            "tls://scheduler:8786",
            "tcp://[::1]:1",
            "tls://a-b.example.org:65535",
            "tcp://a_b:9",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_transport_is_given_the_same_host_without_tls() {
        let address: Address = "tls://[::1]:8786".parse().unwrap();
        assert_eq!((address.to_tcp().as_str(), address.host(), address.port()), ("tcp://[::1]:8786", "::1", 8786));
    }

    #[test]
    fn a_text_that_is_no_address_names_the_fix() {
        let cases = [
            ("scheduler:8786", AddressProblem::NoScheme, "write `tcp://scheduler:8786`"),
            ("", AddressProblem::NoScheme, "no scheme"),
            ("ucx://a:1", AddressProblem::UnknownScheme, "there are `tcp://` and `tls://`"),
            ("tcp://scheduler", AddressProblem::NoPort, "write `tcp://scheduler:8786`"),
            ("tcp://[::1]", AddressProblem::NoPort, "write `tcp://[::1]:8786`"),
            ("tcp://::1", AddressProblem::NoBrackets, "tcp://[::1]:8786"),
            ("tcp://::1:8786", AddressProblem::NoBrackets, "tcp://[::1]:8786"),
            ("tcp://a:0", AddressProblem::BadPort, "from 1 to 65535"),
            ("tcp://a:65536", AddressProblem::BadPort, "from 1 to 65535"),
            ("tcp://a:+1", AddressProblem::BadPort, "from 1 to 65535"),
            ("tcp://a:", AddressProblem::BadPort, "from 1 to 65535"),
            ("tcp://:8786", AddressProblem::BadHost, "a name"),
            ("tcp://a b:8786", AddressProblem::BadHost, "a name"),
            ("tcp://1.2.3:8786", AddressProblem::BadHost, "a name"),
            ("tcp://user@a:8786", AddressProblem::BadHost, "a name"),
            ("tcp://[::1:8786", AddressProblem::BadHost, "in brackets"),
            ("tcp://a:8786/", AddressProblem::Path, "after its port"),
        ];
        for (text, problem, fix) in cases {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.problem, problem, "{text}");
            assert!(error.to_string().contains(fix), "{error}");
        }
    }

    #[test]
    fn an_error_repeats_no_more_than_the_beginning() {
        let error = "ä".repeat(10_000).parse::<Address>().unwrap_err();
        assert!(error.to_string().len() < 600);
    }
}
