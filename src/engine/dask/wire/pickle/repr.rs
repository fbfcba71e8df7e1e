//! Objects of a pickle as Python would write them, for people to read.

use std::fmt::Write;

use crate::engine::dask::wire::pickle::object::{Object, View};

/// How long a text may get. What comes after is cut off.
const REPR_NBYTES_MAX: usize = 4096;

/// How deep containers are followed. What contains itself ends here.
const DEPTH_MAX: usize = 16;

/// An object as Python's `repr` writes it, if it is plain data. Others look like the calls that make them.
pub(crate) fn repr(object: Object<'_>) -> String {
    let mut writer = Repr { text: String::new() };
    writer.object(object, DEPTH_MAX);
    writer.text
}

/// A text as Python's `repr` writes it.
pub(crate) fn repr_str(text: &str) -> String {
    let mut writer = Repr { text: String::new() };
    writer.quoted(text);
    writer.text
}

struct Repr {
    text: String,
}

impl Repr {
    /// Recurses, but not deeper than `depth`.
    fn object(&mut self, object: Object<'_>, depth: usize) {
        if depth == 0 || self.is_full() {
            return self.text.push_str("...");
        }
        let depth = depth - 1;
        match object.view() {
            View::None => self.text.push_str("None"),
            View::Bool(true) => self.text.push_str("True"),
            View::Bool(false) => self.text.push_str("False"),
            View::Int(number) => self.format(format_args!("{number}")),
            View::Long(bytes) if bytes.len() <= 16 => {
                let mut number = [if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 }; 16];
                number.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                self.format(format_args!("{}", i128::from_le_bytes(number)));
            }
            View::Long(bytes) => self.format(format_args!("<int of {} bytes>", bytes.len())),
            View::Float(number) => self.text.push_str(&repr_float(number)),
            View::Str(text) => self.quoted(text),
            View::Bytes(bytes) => self.bytes(bytes),
            View::Tuple(items) => {
                self.all("(", items.iter(), depth);
                self.text.push_str(if items.len() == 1 { ",)" } else { ")" });
            }
            View::List(items) => {
                self.all("[", items.iter(), depth);
                self.text.push(']');
            }
            View::Set(items) if items.len() == 0 => self.text.push_str("set()"),
            View::Set(items) => {
                self.all("{", items.iter(), depth);
                self.text.push('}');
            }
            View::Dict(entries) => {
                self.text.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if self.is_full() {
                        self.text.push_str("...");
                        break;
                    }
                    self.text.push_str(if index == 0 { "" } else { ", " });
                    self.object(key, depth);
                    self.text.push_str(": ");
                    self.object(value, depth);
                }
                self.text.push('}');
            }
            View::Global { module, name } => self.format(format_args!("{module}.{name}")),
            View::Buffer(index) => self.format(format_args!("<buffer {index}>")),
            View::Call(call) => {
                self.object(call.callable(), depth);
                match call.arguments() {
                    Some(arguments) => self.all("(", arguments.iter(), depth),
                    None => self.text.push_str("(..."),
                }
                self.text.push(')');
            }
        }
    }

    fn all<'a>(&mut self, open: &str, items: impl Iterator<Item = Object<'a>>, depth: usize) {
        self.text.push_str(open);
        for (index, item) in items.enumerate() {
            if self.is_full() {
                self.text.push_str("...");
                break;
            }
            self.text.push_str(if index == 0 { "" } else { ", " });
            self.object(item, depth);
        }
    }

    fn quoted(&mut self, text: &str) {
        let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
        self.text.push(quote);
        for character in text.chars() {
            if self.is_full() {
                self.text.push_str("...");
                break;
            }
            match character {
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\\' => self.text.push_str("\\\\"),
                _ if character == quote => self.text.extend(['\\', quote]),
                _ if character.is_ascii_control() => self.format(format_args!("\\x{:02x}", character as u32)),
                _ => self.text.push(character),
            }
        }
        self.text.push(quote);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
        self.text.extend(['b', quote]);
        for &byte in bytes {
            if self.is_full() {
                self.text.push_str("...");
                break;
            }
            match byte {
                b'\n' => self.text.push_str("\\n"),
                b'\r' => self.text.push_str("\\r"),
                b'\t' => self.text.push_str("\\t"),
                b'\\' => self.text.push_str("\\\\"),
                _ if char::from(byte) == quote => self.text.extend(['\\', quote]),
                b' '..=b'~' => self.text.push(byte.into()),
                _ => self.format(format_args!("\\x{byte:02x}")),
            }
        }
        self.text.push(quote);
    }

    fn is_full(&self) -> bool {
        self.text.len() >= REPR_NBYTES_MAX
    }

    fn format(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing into a text does not fail.
        let _ = self.text.write_fmt(arguments);
    }
}

/// As Python writes it: `1.0`, `1e+16`, `5e-05`, `inf`.
pub(crate) fn repr_float(number: f64) -> String {
    let text = format!("{number:?}").to_lowercase();
    // Rust changes to an exponent at the same sizes, but writes it another way.
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{}e{sign}{exponent:0>2}", digits.strip_suffix(".0").unwrap_or(digits))
}
