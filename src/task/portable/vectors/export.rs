//! What is done with vectors, as it goes to a cluster.

use std::any::type_name;
use std::sync::Arc;

use crate::Error;
use crate::task::Registration;
use crate::task::portable::export::{arguments_of, not_encoded};
use crate::task::portable::python::{DecodeError, PyValue};
use crate::task::portable::vectors::call::{NAME, TypeName};
use crate::task::portable::vectors::{ReadVector, VectorCall};
use crate::task::portable::{Argument, Codec, Export, ExportedCall, Parts, TypeOf, codec_of};

/// How vectors of this type travel, and what a worker knows the type by.
pub(crate) fn known<T: 'static>(operation: &'static str) -> Result<(Codec<Vec<T>>, TypeOf), Error> {
    let mut found = None;
    for task in inventory::iter::<Registration> {
        (task.travelling.each_codec)(&mut |place, codec| {
            let Some(codec) = codec.downcast_ref::<Codec<Vec<T>>>() else { return };
            let Some(parameter) = place.parameter() else { return };
            // A shared vector has one inside of it, of which a worker knows no more than that.
            if (task.travelling.vector)(parameter).is_some() {
                found = Some((*codec, TypeOf { task: task.name, parameter }));
            }
        });
        if found.is_some() {
            break;
        }
    }
    found.ok_or_else(|| unknown::<T>(operation))
}

fn unknown<T>(operation: &'static str) -> Error {
    let fix =
        format!("write a `#[task]` that takes or gives a `{}`, by which workers know the type", type_name::<Vec<T>>());
    Error::NotPortable { task: operation.into(), fix: fix.into() }
}

/// A call of these inputs. The type of its result is one that a registered task has, or nobody knows it.
pub(crate) fn export_vectors<T>(
    call: VectorCall<'_>,
    parts: Parts<'_>,
    type_of: Option<TypeOf>,
    decode: fn(&PyValue) -> Result<T, DecodeError>,
) -> Export<T> {
    // All that it takes are inputs: what else an operation needs stands in the call.
    let (arguments, inputs) = arguments_of(parts, |_, _| None);
    Export { call: exported(call, arguments, type_of), inputs, decode }
}

/// All items of several vectors, which are inputs, or of one that is given as it is. A worker need not know their type as long
/// as Python has made none of them; the client must, and if no task tells it, `read` does.
pub(crate) fn export_concat<T: 'static>(
    operation: &'static str,
    parts: Parts<'_>,
    read: Option<ReadVector<T>>,
) -> Result<Export<Vec<T>>, Error> {
    let type_of = known::<T>(operation).ok().map(|(_, type_of)| type_of);
    let call = VectorCall::Concat { of: type_of.map(TypeName::from) };
    let Some((codec, _)) = codec_of::<Vec<T>>() else {
        let read = read.ok_or_else(|| unknown::<T>(operation))?;
        return Ok(export_vectors(call, parts, type_of, read));
    };
    let mut failed = None;
    let (arguments, inputs) = arguments_of(parts, |number, value| {
        let encoded = codec.encode(value.downcast_ref::<Arc<Vec<T>>>()?);
        let failure = |error| failed = Some(not_encoded(operation, number, type_name::<Vec<T>>(), error));
        encoded.map_err(failure).ok()
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(Export { call: exported(call, arguments, type_of), inputs, decode: codec.input_decoder() }),
    }
}

fn exported(call: VectorCall<'_>, mut arguments: Vec<Argument>, type_of: Option<TypeOf>) -> ExportedCall {
    // It fails only for what has no length, and all of this has one.
    arguments.insert(0, Argument::Value(postcard::to_stdvec(&call).unwrap_or_default().into()));
    // What has no type elsewhere has that of this task: who asks is told so.
    ExportedCall::Rust { task: NAME, arguments, type_of: type_of.unwrap_or(TypeOf { task: NAME, parameter: None }) }
}
