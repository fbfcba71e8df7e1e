//! What a pickle says, as a tree that runs nothing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The objects of a pickle. They lie side by side and name each other by index, so that what a pickle shares is stored once,
/// what contains itself is harmless, and a drop does not recurse.
#[derive(Clone)]
pub(crate) struct Unpickled {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

pub(super) type NodeId = u32;

#[derive(Clone)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// In two's complement, from the lowest byte to the highest. Only what no `i64` holds.
    Long(Bytes),
    Float(f64),
    Str(Arc<str>),
    Bytes(Bytes),
    Tuple(Vec<NodeId>),
    List(Vec<NodeId>),
    Set(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    Global(Box<(Arc<str>, Arc<str>)>),
    Call(Box<CallNode>),
    /// One of the buffers beside the pickle.
    Buffer(usize),
}

#[derive(Clone)]
pub(super) struct CallNode {
    pub(super) callable: NodeId,
    pub(super) arguments: NodeId,
    pub(super) state: Option<NodeId>,
    pub(super) items: Vec<NodeId>,
    pub(super) entries: Vec<(NodeId, NodeId)>,
}

impl Unpickled {
    pub(crate) fn root(&self) -> Object<'_> {
        Object { nodes: &self.nodes, id: self.root }
    }

    /// How many objects there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// One object of a pickle. What it contains may contain it: who walks down has to count.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    nodes: &'a [Node],
    id: NodeId,
}

/// What an object is.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// In two's complement, from the lowest byte to the highest. Only what no `i64` holds.
    Long(&'a [u8]),
    Float(f64),
    Str(&'a Arc<str>),
    Bytes(&'a Bytes),
    Tuple(Objects<'a>),
    List(Objects<'a>),
    Set(Objects<'a>),
    Dict(Entries<'a>),
    Global {
        module: &'a str,
        name: &'a str,
    },
    Call(Call<'a>),
    /// The index of one of the buffers beside the pickle.
    Buffer(usize),
}

/// An object that the sender's Python makes by a call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    nodes: &'a [Node],
    call: &'a CallNode,
}

/// Some objects of a container.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'a> {
    nodes: &'a [Node],
    ids: &'a [NodeId],
}

/// The entries of a dictionary, in the order in which they were set.
#[derive(Clone, Copy)]
pub(crate) struct Entries<'a> {
    nodes: &'a [Node],
    ids: &'a [(NodeId, NodeId)],
}

impl<'a> Object<'a> {
    pub(crate) fn view(self) -> View<'a> {
        let nodes = self.nodes;
        match nodes.get(self.id as usize) {
            // The reader makes no index without a node.
            None | Some(Node::None) => View::None,
            Some(Node::Bool(value)) => View::Bool(*value),
            Some(Node::Int(number)) => View::Int(*number),
            Some(Node::Long(bytes)) => View::Long(bytes),
            Some(Node::Float(number)) => View::Float(*number),
            Some(Node::Str(text)) => View::Str(text),
            Some(Node::Bytes(bytes)) => View::Bytes(bytes),
            Some(Node::Tuple(ids)) => View::Tuple(Objects { nodes, ids }),
            Some(Node::List(ids)) => View::List(Objects { nodes, ids }),
            Some(Node::Set(ids)) => View::Set(Objects { nodes, ids }),
            Some(Node::Dict(ids)) => View::Dict(Entries { nodes, ids }),
            Some(Node::Global(global)) => View::Global { module: &global.0, name: &global.1 },
            Some(Node::Call(call)) => View::Call(Call { nodes, call }),
            Some(Node::Buffer(index)) => View::Buffer(*index),
        }
    }

    pub(crate) fn is_none(self) -> bool {
        matches!(self.view(), View::None)
    }

    pub(crate) fn as_str(self) -> Option<&'a str> {
        match self.view() {
            View::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_int(self) -> Option<i64> {
        match self.view() {
            View::Int(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.view() {
            View::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a tuple, list or set.
    pub(crate) fn items(self) -> Option<Objects<'a>> {
        match self.view() {
            View::Tuple(items) | View::List(items) | View::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The value of `key` in a dictionary.
    pub(crate) fn get(self, key: &str) -> Option<Object<'a>> {
        match self.view() {
            View::Dict(entries) => entries.get(key),
            _ => None,
        }
    }

    /// A module, and what is meant of it.
    pub(crate) fn as_global(self) -> Option<(&'a str, &'a str)> {
        match self.view() {
            View::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    pub(crate) fn as_call(self) -> Option<Call<'a>> {
        match self.view() {
            View::Call(call) => Some(call),
            _ => None,
        }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn callable(self) -> Object<'a> {
        self.object(self.call.callable)
    }

    /// Of all positions, the one at `index`.
    pub(crate) fn argument(self, index: usize) -> Option<Object<'a>> {
        self.arguments()?.get(index)
    }

    /// `None` if they are no tuple.
    pub(crate) fn arguments(self) -> Option<Objects<'a>> {
        self.arguments_object().items()
    }

    /// What is called with: a tuple, if the pickle is one that Python reads.
    pub(crate) fn arguments_object(self) -> Object<'a> {
        self.object(self.call.arguments)
    }

    /// What is handed to the object's `__setstate__`.
    pub(crate) fn state(self) -> Option<Object<'a>> {
        self.call.state.map(|id| self.object(id))
    }

    /// What is appended to the object, if it is a kind of list.
    pub(crate) fn items(self) -> Objects<'a> {
        Objects { nodes: self.nodes, ids: &self.call.items }
    }

    /// What is set in the object, if it is a kind of dictionary.
    pub(crate) fn entries(self) -> Entries<'a> {
        Entries { nodes: self.nodes, ids: &self.call.entries }
    }

    fn object(self, id: NodeId) -> Object<'a> {
        Object { nodes: self.nodes, id }
    }
}

impl<'a> Objects<'a> {
    pub(crate) fn len(self) -> usize {
        self.ids.len()
    }

    pub(crate) fn get(self, index: usize) -> Option<Object<'a>> {
        self.ids.get(index).map(|id| Object { nodes: self.nodes, id: *id })
    }

    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = Object<'a>> + ExactSizeIterator {
        self.ids.iter().map(move |id| Object { nodes: self.nodes, id: *id })
    }
}

impl<'a> Entries<'a> {
    pub(crate) fn len(self) -> usize {
        self.ids.len()
    }

    /// Of several with the same key, Python has the last.
    pub(crate) fn get(self, key: &str) -> Option<Object<'a>> {
        self.iter().rev().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = (Object<'a>, Object<'a>)> + ExactSizeIterator {
        let object = move |id| Object { nodes: self.nodes, id };
        self.ids.iter().map(move |(key, value)| (object(*key), object(*value)))
    }
}

impl fmt::Debug for Unpickled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.root(), f)
    }
}

impl fmt::Debug for Object<'_> {
    /// As Python writes it, cut off where it is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::repr::repr(*self))
    }
}
