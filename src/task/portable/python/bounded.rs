//! Bounds that postcard has not: how deep a value nests, and how many items it has that take no bytes.
//!
//! A type that contains itself nests as deep as the bytes say, and a `Vec<()>` has as many items as they say. Whoever may
//! submit a task chooses the bytes; without bounds, a few of them would end the worker's process, or keep a thread for
//! ever.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::task::portable::python::value::DEPTH_MAX;

/// What is left for one value.
pub(crate) struct Bounds {
    items_left: Cell<usize>,
    exceeded: Cell<Option<Exceeded>>,
}

/// The bound that a value does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    Depth,
    Items,
}

/// Items that take no bytes, in one value. Those that take some are bounded by the bytes. That many of `()` take a
/// moment to make, and nobody has a use for more.
pub(super) const EMPTY_ITEMS_MAX: usize = 1 << 16;

impl Bounds {
    /// For a value of so many bytes.
    pub(crate) fn of(nbytes: usize) -> Self {
        Self { items_left: Cell::new(nbytes.saturating_add(EMPTY_ITEMS_MAX)), exceeded: Cell::new(None) }
    }

    /// Why the value was refused, if that was here.
    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    /// Reads with `inner` within these bounds.
    pub(super) fn within<D>(&self, inner: D) -> Bounded<'_, D> {
        Bounded { inner, depth: DEPTH_MAX, bounds: self }
    }

    /// Takes so many items of those that are left. False if there are fewer.
    pub(crate) fn take(&self, items: usize) -> bool {
        let left = self.items_left.get().checked_sub(items);
        left.map(|left| self.items_left.set(left)).is_some()
    }

    fn count<E: Error>(&self, items: usize) -> Result<(), E> {
        if self.take(items) { Ok(()) } else { Err(self.exceed(Exceeded::Items)) }
    }

    fn exceed<E: Error>(&self, exceeded: Exceeded) -> E {
        self.exceeded.set(Some(exceeded));
        E::custom(exceeded)
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => write!(f, "it is nested deeper than {DEPTH_MAX}"),
            Self::Items => write!(f, "it has more than {EMPTY_ITEMS_MAX} items that take no bytes"),
        }
    }
}

/// A deserializer, a visitor, a seed or an access of one, with what is left.
pub(super) struct Bounded<'b, T> {
    inner: T,
    /// How deep it may still nest.
    depth: usize,
    bounds: &'b Bounds,
}

impl<'b, T> Bounded<'b, T> {
    fn with<U>(&self, inner: U) -> Bounded<'b, U> {
        Bounded { inner, depth: self.depth, bounds: self.bounds }
    }

    /// For what is inside, with a visitor that looks at it.
    fn enter<V, E: Error>(self, visitor: V) -> Result<(T, Inside<'b, V>), E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok((self.inner, Inside(Bounded { inner: visitor, depth, bounds: self.bounds }))),
            None => Err(self.bounds.exceed(Exceeded::Depth)),
        }
    }
}

macro_rules! leaves {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$deserialize(visitor)
        }
    )*};
}

macro_rules! nested {
    ($($deserialize:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let (inner, visitor) = self.enter(visitor)?;
            inner.$deserialize($($argument,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier
    }

    nested! {
        deserialize_option();
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_newtype_struct(name: &'static str);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_any();
        deserialize_ignored_any();
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Looks at what is in something. Postcard tells a visitor nothing else than what is here: its values are of the kinds
/// that it is asked for.
struct Inside<'b, V>(Bounded<'b, V>);

impl<'de, V: Visitor<'de>> Visitor<'de> for Inside<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.inner.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.0.with(inner);
        self.0.inner.visit_some(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.0.with(inner);
        self.0.inner.visit_newtype_struct(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        // A length is told at once where as many bytes are left. Else, each item counts when it comes.
        let announced = inner.size_hint();
        self.0.bounds.count(announced.unwrap_or_default())?;
        let items = Items { access: self.0.with(inner), is_counted: announced.is_some() };
        self.0.inner.visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let announced = inner.size_hint();
        self.0.bounds.count(announced.unwrap_or_default())?;
        let items = Items { access: self.0.with(inner), is_counted: announced.is_some() };
        self.0.inner.visit_map(items)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let inner = self.0.with(inner);
        self.0.inner.visit_enum(inner)
    }
}

struct Items<'b, A> {
    access: Bounded<'b, A>,
    is_counted: bool,
}

impl<A> Items<'_, A> {
    fn count<E: Error>(&self) -> Result<(), E> {
        if self.is_counted { Ok(()) } else { self.access.bounds.count(1) }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.count()?;
        let seed = self.access.with(seed);
        self.access.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.access.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.count()?;
        let seed = self.access.with(seed);
        self.access.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.access.with(seed);
        self.access.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.access.inner.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let inner = self.with(inner);
        self.inner.deserialize(inner)
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'b, A> {
    type Error = A::Error;
    type Variant = Bounded<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (depth, bounds) = (self.depth, self.bounds);
        let (value, inner) = self.inner.variant_seed(seed)?;
        Ok((value, Bounded { inner, depth, bounds }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        let (inner, visitor) = self.enter(visitor)?;
        inner.tuple_variant(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let (inner, visitor) = self.enter(visitor)?;
        inner.struct_variant(fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::task::portable::python::{DecodeError, PyValue, value::DEPTH_MAX};

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Tree(Vec<Tree>);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum List {
        End,
        Item { next: Box<List> },
        Maybe(Option<Box<List>>),
    }

    fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug + 'static>(bytes: &[u8]) -> String {
        PyValue::decode_postcard::<T>(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_type_that_contains_itself_nests_as_deep_as_the_bound() {
        let nest = |depth: usize| (1..depth).fold(Tree::default(), |tree, _| Tree(vec![tree]));
        // A newtype and its vector are two levels.
        let deepest = nest(DEPTH_MAX / 2);
        let bytes = postcard::to_stdvec(&deepest).unwrap();
        assert_eq!(PyValue::decode_postcard::<Tree>(&bytes).unwrap(), deepest);
        let bytes = postcard::to_stdvec(&nest(DEPTH_MAX / 2 + 1)).unwrap();
        assert!(refused::<Tree>(&bytes).contains("nested deeper than 128"), "{}", refused::<Tree>(&bytes));
        // What ends a process, else: a megabyte, each byte of which opens a level.
        assert!(refused::<Tree>(&[1; 1 << 20]).contains("nested deeper"));
        assert!(refused::<List>(&[1; 1 << 20]).contains("nested deeper"));
        assert!(refused::<List>(&[2, 1].repeat(1 << 20)).contains("nested deeper than"));
        assert!(refused::<BTreeMap<u8, Tree>>(&[1; 1 << 20]).contains("nested deeper than"));
        // In a place of a Python value, too.
        let value = PyValue::List(vec![PyValue::Bytes([b"\xc1anydask", &[1; 1000][..]].concat().into())]);
        let error: DecodeError = value.decode::<Vec<Tree>>().unwrap_err();
        assert!(error.to_string().contains("nested deeper than"), "{error}");
    }

    #[test]
    fn items_that_take_no_bytes_are_counted() {
        let many = postcard::to_stdvec(&vec![(); super::EMPTY_ITEMS_MAX]).unwrap();
        assert_eq!(PyValue::decode_postcard::<Vec<()>>(&many).unwrap().len(), super::EMPTY_ITEMS_MAX);
        // 2^63 of them, in nine bytes.
        let endless = postcard::to_stdvec(&(u64::MAX / 2)).unwrap();
        assert!(
            refused::<Vec<()>>(&endless).contains("65536 items that take no bytes"),
            "{}",
            refused::<Vec<()>>(&endless)
        );
        assert!(refused::<Vec<[u8; 0]>>(&endless).contains("take no bytes"));
        assert!(refused::<Vec<((), Option<()>)>>(&endless).contains("expected the bytes of"));
        // A thousand vectors that each say they have as many items as bytes are left.
        let nested = [&[0xe8, 0x07][..], &[0xe0, 0x03].repeat(1000)].concat();
        assert!(refused::<Vec<Vec<()>>>(&nested).contains("take no bytes"));
        // What takes bytes is bounded by them.
        let bytes = vec![7_u8; 1 << 20];
        let value = postcard::to_stdvec(&bytes).unwrap();
        assert_eq!(PyValue::decode_postcard::<Vec<u8>>(&value).unwrap(), bytes);
    }
}
