//! A reader of pickles that makes a tree of what they say. It imports nothing and calls nothing.
//!
//! It reads what Python's protocols 2 to 5 write. Of earlier ones, which are text, it reads `GLOBAL`, since later ones use it.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::cursor::Cursor;
use crate::engine::dask::wire::error::{Limited, Place, WireError};
use crate::engine::dask::wire::limits::Limits;
use crate::engine::dask::wire::pickle::object::{CallNode, Node, NodeId, Unpickled};

impl Unpickled {
    /// Reads one pickle, which has to fill `pickle`. Byte strings are parts of it, not copies.
    ///
    /// # Errors
    ///
    /// It is longer or has more objects than `limits` allow, or is no pickle that Python would read. What is reserved is
    /// proportional to what `pickle` has, about 100 bytes for each of its.
    pub(crate) fn read(pickle: &Bytes, limits: &Limits) -> Result<Self, WireError> {
        let (what, limit) = (Limited::PickleBytes, limits.pickle_nbytes_max as u64);
        if pickle.len() as u64 > limit {
            return Err(WireError::Limit { what, found: pickle.len() as u64, limit });
        }
        let mut machine = Machine {
            cursor: Cursor::new(pickle, Place::Pickle),
            nbytes: pickle.len(),
            start: 0,
            // Their indices are of 32 bits.
            nodes_max: limits.items_max.min(NodeId::MAX as usize),
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            buffers: 0,
        };
        while machine.step()? {}
        let root = machine.pop()?;
        machine.cursor.end()?;
        Ok(Self { nodes: machine.nodes, root })
    }
}

/// Python's unpickling machine, as far as it moves data.
struct Machine<'a> {
    cursor: Cursor<'a>,
    /// Of the pickle.
    nbytes: usize,
    /// Where the instruction begins.
    start: usize,
    nodes_max: usize,
    nodes: Vec<Node>,
    stack: Vec<NodeId>,
    /// How long the stack was at each mark.
    marks: Vec<usize>,
    memo: Vec<NodeId>,
    /// How many buffers were named.
    buffers: usize,
}

/// A place of the memo that nothing was put into.
const VACANT: NodeId = NodeId::MAX;

impl Machine<'_> {
    /// Carries out one instruction. False after the last.
    fn step(&mut self) -> Result<bool, WireError> {
        self.start = self.cursor.at();
        let [instruction] = self.cursor.take_array()?;
        match instruction {
            // PROTO, and FRAME, which only helps a reader of files.
            0x80 => drop(self.cursor.take_array::<1>()?),
            0x95 => drop(self.cursor.take_array::<8>()?),
            b'.' => return Ok(false),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.pop_or_unmark()?,
            b'1' => drop(self.pop_to_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'K' | b'M' | b'J' | 0x8a | 0x8b => self.int(instruction)?,
            b'G' => {
                let number = f64::from_be_bytes(self.cursor.take_array()?);
                self.push(Node::Float(number))?;
            }
            0x8c => self.str::<1>()?,
            b'X' => self.str::<4>()?,
            0x8d => self.str::<8>()?,
            b'C' => self.bytes::<1>()?,
            b'B' => self.bytes::<4>()?,
            // BINBYTES8 and BYTEARRAY8.
            0x8e | 0x96 => self.bytes::<8>()?,
            b')' => self.push(Node::Tuple(Vec::new()))?,
            _ => return self.step_container(instruction).map(|()| true),
        }
        Ok(true)
    }

    fn step_container(&mut self, instruction: u8) -> Result<(), WireError> {
        match instruction {
            0x85..=0x87 => {
                let items = self.pop_some(usize::from(instruction - 0x84))?;
                self.push(Node::Tuple(items))
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))
            }
            b']' => self.push(Node::List(Vec::new())),
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Node::List(items))
            }
            b'}' => self.push(Node::Dict(Vec::new())),
            b'd' => {
                let entries = pairs(self.pop_to_mark()?).ok_or_else(|| self.error("a key without a value"))?;
                self.push(Node::Dict(entries))
            }
            0x8f => self.push(Node::Set(Vec::new())),
            0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Node::Set(items))
            }
            b'a' => {
                let items = self.pop_some(1)?;
                self.append(items)
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            b's' => {
                let items = self.pop_some(2)?;
                self.set(items)
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(items)
            }
            _ => self.step_object(instruction),
        }
    }

    fn step_object(&mut self, instruction: u8) -> Result<(), WireError> {
        match instruction {
            0x94 => {
                let top = self.top()?;
                self.memo.push(top);
                Ok(())
            }
            b'q' => {
                let index = self.cursor.take_array::<1>().map(|[index]| u32::from(index))?;
                self.put(index)
            }
            b'r' => {
                let index = u32::from_le_bytes(self.cursor.take_array()?);
                self.put(index)
            }
            b'h' => {
                let index = self.cursor.take_array::<1>().map(|[index]| u32::from(index))?;
                self.get(index)
            }
            b'j' => {
                let index = u32::from_le_bytes(self.cursor.take_array()?);
                self.get(index)
            }
            b'c' => {
                let module = self.cursor.take_line()?;
                let name = self.cursor.take_line()?;
                self.push(Node::Global(Box::new((module, name))))
            }
            0x93 => {
                let name = self.pop_str()?;
                let module = self.pop_str()?;
                self.push(Node::Global(Box::new((module, name))))
            }
            // REDUCE and NEWOBJ: a call, and a call of `__new__`.
            b'R' | 0x81 => self.call(false),
            0x92 => self.call(true),
            b'b' => self.build(),
            0x97 => {
                let index = self.buffers;
                self.buffers += 1;
                self.push(Node::Buffer(index))
            }
            // READONLY_BUFFER: ours are.
            0x98 => self.top().map(drop),
            found => Err(WireError::Opcode { at: self.start as u64, found }),
        }
    }

    fn push(&mut self, node: Node) -> Result<(), WireError> {
        let found = self.nodes.len();
        if found >= self.nodes_max {
            let limit = self.nodes_max as u64;
            return Err(WireError::Limit { what: Limited::Items, found: found as u64 + 1, limit });
        }
        self.nodes.push(node);
        self.stack.push(found as NodeId);
        Ok(())
    }

    /// What is below the last mark is not there for anyone.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<NodeId, WireError> {
        let top = self.stack.get(self.floor()..).and_then(<[NodeId]>::last);
        top.copied().ok_or_else(|| self.error("the stack is empty"))
    }

    fn pop(&mut self) -> Result<NodeId, WireError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_some(&mut self, count: usize) -> Result<Vec<NodeId>, WireError> {
        match self.stack.len().checked_sub(count) {
            Some(rest) if rest >= self.floor() => Ok(self.stack.split_off(rest)),
            _ => Err(self.error("the stack is empty")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<NodeId>, WireError> {
        let mark = self.marks.pop().ok_or_else(|| self.error("there is no mark"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    /// Of Python's POP: a mark counts as an object.
    fn pop_or_unmark(&mut self) -> Result<(), WireError> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn pop_str(&mut self) -> Result<Arc<str>, WireError> {
        let id = self.pop()?;
        match self.nodes.get(id as usize) {
            Some(Node::Str(text)) => Ok(Arc::clone(text)),
            _ => Err(self.error("the name of a global is no text")),
        }
    }

    /// Adds to the object that is at the top.
    fn append(&mut self, items: Vec<NodeId>) -> Result<(), WireError> {
        let top = self.top()?;
        match self.nodes.get_mut(top as usize) {
            Some(Node::List(list) | Node::Set(list)) => list.extend(items),
            Some(Node::Call(call)) => call.items.extend(items),
            _ => return Err(self.error("items for what is no list and no set")),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<NodeId>) -> Result<(), WireError> {
        let pairs = pairs(items).ok_or_else(|| self.error("a key without a value"))?;
        let top = self.top()?;
        match self.nodes.get_mut(top as usize) {
            Some(Node::Dict(entries)) => entries.extend(pairs),
            Some(Node::Call(call)) => call.entries.extend(pairs),
            _ => return Err(self.error("entries for what is no dictionary")),
        }
        Ok(())
    }

    fn call(&mut self, has_keywords: bool) -> Result<(), WireError> {
        // What has any is nothing that becomes plain data.
        if has_keywords {
            self.pop()?;
        }
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let (items, entries) = (Vec::new(), Vec::new());
        self.push(Node::Call(Box::new(CallNode { callable, arguments, state: None, items, entries })))
    }

    fn build(&mut self) -> Result<(), WireError> {
        let state = self.pop()?;
        let top = self.top()?;
        match self.nodes.get_mut(top as usize) {
            Some(Node::Call(call)) => call.state = Some(state),
            _ => return Err(self.error("a state for what was not made by a call")),
        }
        Ok(())
    }

    /// Python's pickler numbers in order, so that a number past the pickle's own length is nonsense.
    fn put(&mut self, index: u32) -> Result<(), WireError> {
        let top = self.top()?;
        let index = index as usize;
        if index > self.nbytes {
            return Err(self.error("the memo has no such place"));
        }
        if index >= self.memo.len() {
            self.memo.resize(index + 1, VACANT);
        }
        if let Some(place) = self.memo.get_mut(index) {
            *place = top;
        }
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), WireError> {
        match self.memo.get(index as usize) {
            Some(&id) if id != VACANT => {
                self.stack.push(id);
                Ok(())
            }
            _ => Err(self.error("the memo has no such place")),
        }
    }

    fn int(&mut self, instruction: u8) -> Result<(), WireError> {
        let node = match instruction {
            b'K' => Node::Int(u8::from_le_bytes(self.cursor.take_array()?).into()),
            b'M' => Node::Int(u16::from_le_bytes(self.cursor.take_array()?).into()),
            b'J' => Node::Int(i32::from_le_bytes(self.cursor.take_array()?).into()),
            0x8a => long(self.take_after_length::<1>()?),
            _ => long(self.take_after_length::<4>()?),
        };
        self.push(node)
    }

    fn str<const N: usize>(&mut self) -> Result<(), WireError> {
        let length = self.length::<N>()?;
        let text = self.cursor.take_str(length)?;
        self.push(Node::Str(text))
    }

    fn bytes<const N: usize>(&mut self) -> Result<(), WireError> {
        let bytes = self.take_after_length::<N>()?;
        self.push(Node::Bytes(bytes))
    }

    fn take_after_length<const N: usize>(&mut self) -> Result<Bytes, WireError> {
        let length = self.length::<N>()?;
        self.cursor.take(length)
    }

    /// A length of `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<u64, WireError> {
        let mut length = [0; 8];
        for (to, from) in length.iter_mut().zip(self.cursor.take_array::<N>()?) {
            *to = from;
        }
        Ok(u64::from_le_bytes(length))
    }

    fn error(&self, problem: &'static str) -> WireError {
        WireError::Pickle { at: self.start as u64, problem }
    }
}

/// `None` if one is left over.
fn pairs(items: Vec<NodeId>) -> Option<Vec<(NodeId, NodeId)>> {
    let (pairs, []) = items.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[key, value]| (*key, *value)).collect())
}

/// A number in two's complement, from the lowest byte to the highest.
fn long(bytes: Bytes) -> Node {
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let sign = if is_negative { 0xff } else { 0 };
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut number = [sign; 8];
    for (to, from) in number.iter_mut().zip(low) {
        *to = *from;
    }
    let number = i64::from_le_bytes(number);
    if high.iter().all(|byte| *byte == sign) && (number < 0) == is_negative {
        return Node::Int(number);
    }
    Node::Long(bytes)
}
