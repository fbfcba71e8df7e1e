//! Finds out whether a type has serde, without asking for it.
//!
//! Where a type is concrete, as in what `#[task]` writes, `(&&&&&&&&Probe::<T>::new()).codec()` calls the method of the first
//! trait below that fits: the compiler tries the receiver as it is written, then with one reference less, and so on.

use std::any::type_name;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::task::portable::{CallError, Codec, ErasedCall, Given, call};
use crate::task::{Folded, TaskFn};

/// Asks about `T`.
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The codec of `T`, if it has serde.
pub struct Slot<T>(pub(crate) Option<Codec<T>>);

impl<T> Slot<T> {
    pub const fn none() -> Self {
        Self(None)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slot<T> {}

pub trait Borrowed<T> {
    fn codec(&self) -> Slot<T>;
}

impl<'a, T: ?Sized> Borrowed<&'a T> for &&&&&&&Probe<&'a T> {
    fn codec(&self) -> Slot<&'a T> {
        Slot::none()
    }
}

pub trait SharedKeys<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + Hash + Eq + 'static> SharedKeys<Vec<Arc<T>>> for &&&&&&Probe<Vec<Arc<T>>> {
    fn codec(&self) -> Slot<Vec<Arc<T>>> {
        Slot(Some(Codec::of_shared_vector().with_keys::<T>()))
    }
}

pub trait SharedVector<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + 'static> SharedVector<Vec<Arc<T>>> for &&&&&Probe<Vec<Arc<T>>> {
    fn codec(&self) -> Slot<Vec<Arc<T>>> {
        Slot(Some(Codec::of_shared_vector()))
    }
}

pub trait VectorOfKeys<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + Hash + Eq + 'static> VectorOfKeys<Vec<T>> for &&&&Probe<Vec<T>> {
    fn codec(&self) -> Slot<Vec<T>> {
        Slot(Some(Codec::of_vector().with_keys::<T>()))
    }
}

pub trait Vector<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + 'static> Vector<Vec<T>> for &&&Probe<Vec<T>> {
    fn codec(&self) -> Slot<Vec<T>> {
        Slot(Some(Codec::of_vector()))
    }
}

pub trait Shared<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + 'static> Shared<Arc<T>> for &&Probe<Arc<T>> {
    fn codec(&self) -> Slot<Arc<T>> {
        Slot(Some(Codec::shared()))
    }
}

pub trait Plain<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T: Serialize + DeserializeOwned + 'static> Plain<T> for &Probe<T> {
    fn codec(&self) -> Slot<T> {
        Slot(Some(Codec::plain()))
    }
}

pub trait Without<T> {
    fn codec(&self) -> Slot<T>;
}

impl<T> Without<T> for Probe<T> {
    fn codec(&self) -> Slot<T> {
        Slot::none()
    }
}

/// Asks whether a function of an `A` and a `T` that gives an `Out` goes from item to item.
pub struct Fold<A, T, Out>(PhantomData<fn(A, T) -> Out>);

impl<A, T, Out> Fold<A, T, Out> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

pub trait Folds<A, T> {
    fn call<F: TaskFn<(A, T), Output = A> + Clone>(
        &self,
        function: &F,
        codecs: &(Slot<A>, Slot<Vec<T>>),
        output: Slot<A>,
        given: &[Given<'_>],
    ) -> Result<ErasedCall, CallError>;
}

impl<A: Send + Sync + 'static, T: Send + 'static> Folds<A, T> for &Fold<A, T, A> {
    fn call<F: TaskFn<(A, T), Output = A> + Clone>(
        &self,
        function: &F,
        codecs: &(Slot<A>, Slot<Vec<T>>),
        output: Slot<A>,
        given: &[Given<'_>],
    ) -> Result<ErasedCall, CallError> {
        call(&Folded(function.clone()), codecs, output, given)
    }
}

pub trait NoFold<Out> {
    fn call<F, C>(&self, _: &F, _: &C, _: Slot<Out>, _: &[Given<'_>]) -> Result<ErasedCall, CallError> {
        Err(CallError::NoFold { r#type: type_name::<Out>() })
    }
}

impl<A, T, Out> NoFold<Out> for Fold<A, T, Out> {}

impl<A, T, Out> fmt::Debug for Fold<A, T, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fold")
    }
}

impl<T> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;

    #[allow(dead_code)]
    struct Plainly;

    macro_rules! has_codec {
        ($type:ty) => {
            crate::__anydask_codec!(owned $type).0.is_some()
        };
    }

    #[test]
    fn a_type_has_a_codec_if_it_has_serde() {
        assert!(has_codec!(i64) && has_codec!(()) && has_codec!(String) && has_codec!((i64, Option<Vec<u8>>)));
        assert!(has_codec!(Arc<String>) && has_codec!(Vec<Arc<String>>) && has_codec!(Vec<Vec<f64>>));
        assert!(!has_codec!(Plainly) && !has_codec!(Arc<Plainly>) && !has_codec!(Vec<Plainly>));
        assert!(!has_codec!(Vec<Arc<Plainly>>) && !has_codec!(Rc<i64>) && !has_codec!(fn(i64) -> i64));
    }

    #[test]
    fn a_type_that_borrows_has_none() {
        type Text = &'static str;
        assert!(!has_codec!(Text) && !has_codec!(&'static [i64]));
    }

    #[test]
    fn items_of_a_vector_are_keys_if_they_can_be() {
        macro_rules! vector {
            ($type:ty) => {
                format!("{:?}", crate::__anydask_codec!(owned $type).0.unwrap().vector())
            };
        }
        assert!(vector!(Vec<i64>).contains("true") && vector!(Vec<Arc<String>>).contains("true"));
        assert!(vector!(Vec<f64>).contains("false") && vector!(Vec<Arc<f64>>).contains("false"));
        assert!(vector!(Arc<Vec<i64>>) == "None" && vector!(String) == "None");
    }

    macro_rules! takes_several {
        ($type:ty) => {
            crate::__anydask_codec!(owned $type).0.unwrap().decode_inputs(&[]).is_some()
        };
    }

    #[test]
    fn a_vector_can_be_made_of_several_inputs() {
        assert!(takes_several!(Vec<i64>) && takes_several!(Vec<Arc<i64>>));
        assert!(!takes_several!(i64) && !takes_several!(Arc<Vec<i64>>));
    }
}
