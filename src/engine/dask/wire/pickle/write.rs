//! Pickles as we write them: protocol 4, which every Python since 3.4 reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::{TaskKey, Value, WireError};

/// A Python object to be written: plain data, globals by name, and calls of them, which the reader makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pickle {
    None,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(Arc<str>),
    Bytes(Bytes),
    Tuple(Vec<Pickle>),
    List(Vec<Pickle>),
    Dict(Vec<(Pickle, Pickle)>),
    Set(Vec<Pickle>),
    /// What a module has under a name, such as `builtins` and `dict.get`.
    Global {
        module: Cow<'static, str>,
        name: Cow<'static, str>,
    },
    /// What the first object returns when it is called with the others.
    Call(Box<Pickle>, Vec<Pickle>),
    /// An object with attributes, which the reader sets.
    Built(Box<Pickle>, Box<Pickle>),
}

impl Pickle {
    pub(crate) fn global(module: impl Into<Cow<'static, str>>, name: impl Into<Cow<'static, str>>) -> Self {
        Self::Global { module: module.into(), name: name.into() }
    }

    pub(crate) fn call(callable: Pickle, arguments: impl Into<Vec<Pickle>>) -> Self {
        Self::Call(Box::new(callable), arguments.into())
    }

    /// A dictionary with names for keys.
    pub(crate) fn dict<'a>(entries: impl IntoIterator<Item = (&'a str, Pickle)>) -> Self {
        Self::Dict(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A value as plain builtins.
    ///
    /// # Errors
    ///
    /// It holds data that is serialised already.
    pub(crate) fn of_value(value: &Value) -> Result<Self, WireError> {
        let all = |items: &[Value]| items.iter().map(Self::of_value).collect::<Result<Vec<_>, _>>();
        Ok(match value {
            Value::Nil => Self::None,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(number) => Self::Int(*number),
            Value::UInt(number) => Self::UInt(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Str(text) => Self::Str(Arc::clone(text)),
            Value::Bin(bytes) => Self::Bytes(bytes.clone()),
            Value::List(items) => Self::List(all(items)?),
            Value::Set(items) => Self::Set(all(items)?),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((Self::of_value(key)?, Self::of_value(value)?)));
                Self::Dict(entries.collect::<Result<_, _>>()?)
            }
            Value::Serialized(_) | Value::Pickled(_) => {
                return Err(WireError::Inconsistent {
                    of: "a pickle",
                    problem: "serialised data cannot be part of it",
                });
            }
        })
    }

    /// The pickle.
    pub(crate) fn dumps(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.bytes.extend_from_slice(&[0x80, 4]);
        // Objects, and the instructions that come after their parts.
        let mut next = vec![Step::Object(self)];
        while let Some(step) = next.pop() {
            match step {
                Step::Object(object) => writer.object(object, &mut next),
                Step::Tuple(items) => writer.tuple(items, &mut next),
                Step::Instruction(instruction) => writer.bytes.push(instruction),
            }
        }
        writer.bytes.push(b'.');
        writer.bytes.into()
    }
}

impl From<&str> for Pickle {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Pickle {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Pickle {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Pickle {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Bytes> for Pickle {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&TaskKey> for Pickle {
    /// Tuples stay tuples: a list cannot be a key in Python.
    fn from(key: &TaskKey) -> Self {
        of_key(&key.to_value())
    }
}

enum Step<'a> {
    Object(&'a Pickle),
    Tuple(&'a [Pickle]),
    Instruction(u8),
}

#[derive(Default)]
struct Writer<'a> {
    bytes: Vec<u8>,
    /// Where the reader's memo has the names of modules and of what they have.
    names: BTreeMap<&'a str, u32>,
    globals: BTreeMap<(&'a str, &'a str), u32>,
    memoized: u32,
}

impl<'a> Writer<'a> {
    /// Writes a scalar, or the beginning of a container and then what is to follow.
    fn object(&mut self, object: &'a Pickle, next: &mut Vec<Step<'a>>) {
        match object {
            Pickle::None => self.bytes.push(b'N'),
            Pickle::Bool(true) => self.bytes.push(0x88),
            Pickle::Bool(false) => self.bytes.push(0x89),
            Pickle::Int(number) => self.int(*number),
            Pickle::UInt(number) => self.long(&u128::from(*number).to_le_bytes()),
            Pickle::Float(number) => {
                self.bytes.push(b'G');
                self.bytes.extend_from_slice(&number.to_be_bytes());
            }
            Pickle::Str(text) => self.str(text),
            Pickle::Bytes(bytes) => self.with_length([b'C', b'B', 0x8e], bytes),
            Pickle::Tuple(items) => self.tuple(items, next),
            Pickle::List(items) => self.items(b']', b'e', items.iter(), next),
            Pickle::Dict(entries) => {
                self.items(b'}', b'u', entries.iter().flat_map(|(key, value)| [key, value]), next);
            }
            Pickle::Set(items) => self.items(0x8f, 0x90, items.iter(), next),
            Pickle::Global { module, name } => self.global(module, name),
            Pickle::Call(callable, arguments) => {
                next.extend([Step::Instruction(b'R'), Step::Tuple(arguments), Step::Object(callable)]);
            }
            Pickle::Built(object, attributes) => {
                next.extend([Step::Instruction(b'b'), Step::Object(attributes), Step::Object(object)]);
            }
        }
    }

    fn tuple(&mut self, items: &'a [Pickle], next: &mut Vec<Step<'a>>) {
        let instruction = match items.len() {
            0 => return self.bytes.push(b')'),
            1 => 0x85,
            2 => 0x86,
            3 => 0x87,
            _ => {
                self.bytes.push(b'(');
                b't'
            }
        };
        next.push(Step::Instruction(instruction));
        next.extend(items.iter().rev().map(Step::Object));
    }

    /// An empty container, and what adds to it all that comes after a mark.
    fn items(
        &mut self,
        empty: u8,
        add: u8,
        items: impl DoubleEndedIterator<Item = &'a Pickle>,
        next: &mut Vec<Step<'a>>,
    ) {
        self.bytes.push(empty);
        let mut items = items.rev().map(Step::Object).peekable();
        if items.peek().is_some() {
            self.bytes.push(b'(');
            next.push(Step::Instruction(add));
            next.extend(items);
        }
    }

    fn global(&mut self, module: &'a str, name: &'a str) {
        if let Some(index) = self.globals.get(&(module, name)) {
            return self.get(*index);
        }
        self.name(module);
        self.name(name);
        self.bytes.push(0x93);
        let index = self.memoize();
        self.globals.insert((module, name), index);
    }

    fn name(&mut self, name: &'a str) {
        if let Some(index) = self.names.get(name) {
            return self.get(*index);
        }
        self.str(name);
        let index = self.memoize();
        self.names.insert(name, index);
    }

    fn memoize(&mut self) -> u32 {
        self.bytes.push(0x94);
        let index = self.memoized;
        self.memoized += 1;
        index
    }

    fn get(&mut self, index: u32) {
        match u8::try_from(index) {
            Ok(index) => self.bytes.extend_from_slice(&[b'h', index]),
            Err(_) => {
                self.bytes.push(b'j');
                self.bytes.extend_from_slice(&index.to_le_bytes());
            }
        }
    }

    fn str(&mut self, text: &str) {
        self.with_length([0x8c, b'X', 0x8d], text.as_bytes());
    }

    /// Bytes after their length of 1, 4 or 8 bytes, each of which has an instruction of its own.
    fn with_length(&mut self, instructions: [u8; 3], bytes: &[u8]) {
        let [short, medium, long] = instructions;
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.bytes.extend_from_slice(&[short, length]);
        } else if let Ok(length) = u32::try_from(bytes.len()) {
            self.bytes.push(medium);
            self.bytes.extend_from_slice(&length.to_le_bytes());
        } else {
            self.bytes.push(long);
            self.bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn int(&mut self, number: i64) {
        if let Ok(number) = u8::try_from(number) {
            self.bytes.extend_from_slice(&[b'K', number]);
        } else if let Ok(number) = u16::try_from(number) {
            self.bytes.push(b'M');
            self.bytes.extend_from_slice(&number.to_le_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.bytes.push(b'J');
            self.bytes.extend_from_slice(&number.to_le_bytes());
        } else {
            self.long(&i128::from(number).to_le_bytes());
        }
    }

    /// A number in two's complement, without the bytes at its end that only repeat the sign.
    fn long(&mut self, mut number: &[u8]) {
        while let [rest @ .., before, last] = number
            && *last == if before & 0x80 == 0 { 0 } else { 0xff }
        {
            number = number.get(..=rest.len()).unwrap_or_default();
        }
        // 17 bytes at most.
        self.bytes.extend_from_slice(&[0x8a, number.len() as u8]);
        self.bytes.extend_from_slice(number);
    }
}

fn of_key(key: &Value) -> Pickle {
    match key {
        Value::List(items) => Pickle::Tuple(items.iter().map(of_key).collect()),
        // A key holds nothing that cannot be written.
        _ => Pickle::of_value(key).unwrap_or(Pickle::None),
    }
}
