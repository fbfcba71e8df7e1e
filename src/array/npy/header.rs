//! The header of a `.npy` file: a Python dictionary, as text.
//!
//! Ours, since the crates that read it want a whole parser of Python for these three entries.

use std::fs::File;
use std::io::{ErrorKind, Read};

use serde::{Deserialize, Serialize};

use crate::array::layout::check_shape;
use crate::array::npy::wrong;
use crate::array::{ArrayError, ElementType};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header that is read. NumPy's have about 120 bytes, and it refuses those above 10,000 itself.
const HEADER_BYTES_MAX: usize = 10_000;

/// Headers are filled up to a multiple of this, so that elements are aligned: the format's own rule.
const ALIGNMENT: usize = 64;

/// What a file says of its elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) element: ElementType,
    pub(crate) is_big_endian: bool,
    pub(crate) is_fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Where the elements begin, in bytes.
    pub(crate) start: u64,
}

impl Header {
    /// Of a file that is to be written, in C order and little-endian.
    pub(crate) fn new(element: ElementType, shape: Vec<usize>) -> Self {
        let mut header = Self { element, is_big_endian: false, is_fortran: false, shape, start: 0 };
        header.start = header.to_bytes().len() as u64;
        header
    }

    /// Reads that of a file, and finds out whether the file has all its elements.
    pub(crate) fn read(path: &str) -> Result<Self, ArrayError> {
        let mut file = File::open(path).map_err(|error| wrong(path, format!("it cannot be opened: {error}")))?;
        let is_short = |error: std::io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => wrong(path, "it ends within its header: it is no whole `.npy` file"),
            _ => wrong(path, format!("it cannot be read: {error}")),
        };
        let mut start = [0; 8];
        file.read_exact(&mut start).map_err(is_short)?;
        if start[..6] != MAGIC[..] {
            return Err(wrong(path, "it is no `.npy` file: these begin with \\x93NUMPY"));
        }
        let (len, before) = match start[6] {
            1 => {
                let mut len = [0; 2];
                file.read_exact(&mut len).map_err(is_short)?;
                (usize::from(u16::from_le_bytes(len)), 10)
            }
            2 | 3 => {
                let mut len = [0; 4];
                file.read_exact(&mut len).map_err(is_short)?;
                (u32::from_le_bytes(len) as usize, 12)
            }
            version => {
                let message = format!("it has version {version} of the format: save it with version 1, 2 or 3");
                return Err(wrong(path, message));
            }
        };
        if len > HEADER_BYTES_MAX {
            return Err(wrong(path, format!("its header has {len} bytes: at most {HEADER_BYTES_MAX} are read")));
        }
        let mut text = vec![0; len];
        file.read_exact(&mut text).map_err(is_short)?;
        let text = String::from_utf8_lossy(&text);
        let mut header = Self::parse(&text).map_err(|message| wrong(path, message))?;
        header.start = (before + len) as u64;
        header.check(path)?;
        let given = file.metadata().map_err(is_short)?.len();
        if given < header.end() {
            let message = format!(
                "it is truncated: shape {:?} of {} takes {} bytes with the header, and it has {given}",
                header.shape,
                header.element,
                header.end()
            );
            return Err(wrong(path, message));
        }
        Ok(header)
    }

    /// Refuses what no file has: a peer may have sent it.
    pub(crate) fn check(&self, path: &str) -> Result<(), ArrayError> {
        check_shape(&self.shape)?;
        let start_max = (12 + HEADER_BYTES_MAX) as u64;
        if self.start > start_max {
            return Err(wrong(
                path,
                format!("its elements begin at {}: no header is longer than {start_max}", self.start),
            ));
        }
        Ok(())
    }

    /// How long the file is, in bytes. The header has been checked.
    pub(crate) fn end(&self) -> u64 {
        self.start + (self.shape.iter().product::<usize>() * self.element.nbytes()) as u64
    }

    fn parse(text: &str) -> Result<Self, String> {
        let entry = |name: &str| {
            let at = text.find(&format!("'{name}'")).or_else(|| text.find(&format!("\"{name}\"")));
            let rest = at.map(|at| text[at + name.len() + 2..].trim_start());
            let value = rest.and_then(|rest| rest.strip_prefix(':')).map(str::trim_start);
            value.ok_or_else(|| format!("its header has no entry '{name}'"))
        };
        let descr = entry("descr")?;
        let quote = descr.chars().next().filter(|quote| *quote == '\'' || *quote == '"');
        let Some(descr) = quote.and_then(|quote| descr[1..].split(quote).next()) else {
            return Err("its elements are records, which no array has: save each field by itself".into());
        };
        let (element, is_big_endian) = element(descr)?;
        let order = entry("fortran_order")?;
        let is_fortran = match (order.starts_with("True"), order.starts_with("False")) {
            (true, _) => true,
            (_, true) => false,
            _ => return Err("its header does not say whether it is in Fortran order".into()),
        };
        let unreadable = || "its header has no shape that can be read".to_owned();
        let shape = entry("shape")?.strip_prefix('(').and_then(|shape| shape.split_once(')')).ok_or_else(unreadable)?.0;
        let lengths =
            shape.split(',').map(|length| length.trim().trim_end_matches('L')).filter(|length| !length.is_empty());
        let shape = lengths.map(|length| length.parse().map_err(|_| unreadable())).collect::<Result<_, _>>()?;
        Ok(Self { element, is_big_endian, is_fortran, shape, start: 0 })
    }

    /// As it stands in a file: version 1 of the format.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let lengths: String = self.shape.iter().map(|length| format!("{length}, ")).collect();
        let shape = if self.shape.len() == 1 { lengths.trim_end() } else { lengths.trim_end_matches(", ") };
        let descr = match self.element {
            ElementType::Bool => "|b1",
            ElementType::U8 => "|u1",
            ElementType::I32 => "<i4",
            ElementType::I64 => "<i8",
            ElementType::F32 => "<f4",
            ElementType::F64 => "<f8",
            ElementType::Complex64 => "<c16",
        };
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
        // Ten bytes before it, and the line break that ends it. Six axes are far below the 65,535 bytes of version 1.
        let len = (10 + text.len() + 1).next_multiple_of(ALIGNMENT) - 10;
        text.extend(std::iter::repeat_n(' ', len - 1 - text.len()));
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((len as u16).to_le_bytes());
        bytes.extend(text.into_bytes());
        bytes
    }
}

fn element(descr: &str) -> Result<(ElementType, bool), String> {
    let (order, name) = match descr.chars().next() {
        Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
        _ => ('=', descr),
    };
    let element = match name {
        "b1" | "?" => ElementType::Bool,
        "u1" | "B" => ElementType::U8,
        "i4" => ElementType::I32,
        "i8" => ElementType::I64,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        "c16" => ElementType::Complex64,
        _ => {
            let known = "'b1', 'u1', 'i4', 'i8', 'f4', 'f8' or 'c16'";
            return Err(format!("its elements are of type '{descr}', which no array has: save it as {known}"));
        }
    };
    Ok((element, order == '>' || order == '=' && cfg!(target_endian = "big")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_is_written() {
        for shape in [vec![], vec![5], vec![2, 3], vec![1, 2, 3, 4, 5, 6]] {
            let header = Header::new(ElementType::Complex64, shape);
            let bytes = header.to_bytes();
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            let read =
                Header { start: header.start, ..Header::parse(std::str::from_utf8(&bytes[10..]).unwrap()).unwrap() };
            assert_eq!(read, header);
        }
    }

    #[test]
    fn what_numpy_writes_is_read_and_what_no_array_has_is_refused() {
        let header = Header::parse("{'descr': '>f8', 'fortran_order': True, 'shape': (3,), }  \n").unwrap();
        assert!(header.is_big_endian && header.is_fortran && header.shape == [3]);
        for (text, part) in [
            ("{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", "'<f2'"),
            ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }", "records"),
            ("{'descr': '<f8', 'fortran_order': 7, 'shape': (3,), }", "Fortran"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }", "shape"),
            ("{'descr': '<f8', 'fortran_order': False, }", "'shape'"),
            ("", "'descr'"),
        ] {
            let error = Header::parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
