//! Lazy calls of Python functions, which take lazy calls wherever they take futures.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Error;
use crate::graph::argument::{Edges, IntoInputs, Templates};
use crate::graph::inputs::Inputs;
use crate::graph::{Delayed, Lazy};
use crate::task::PyArgs;
use crate::task::portable::{EncodeError, Held, Nested, PyArguments, PyValue, lazy_arguments, write_input};

/// Only as an argument of a lazy call of a Python function; see [`python`](crate::python).
impl<T> Serialize for Delayed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lazy = || Nested::Lazy(Arc::new(self.lazy().clone()));
        write_input(serializer, lazy, "a lazy call is not its value; compute it, and write that")
    }
}

/// One argument bare, several as a tuple, none as `()`: what [`python`](crate::python) says, and lazy calls in the places of
/// futures.
impl<A: Serialize> IntoInputs<PyArgs> for A {
    type Templates = PyTemplates;

    fn into_templates(self, edges: &mut Edges) -> PyTemplates {
        let (values, inputs) = lazy_arguments(&self);
        let input = |input| match input {
            Nested::Future(future) => Some(future),
            Nested::Lazy(lazy) => {
                edges.0.extend(lazy.downcast_ref::<Lazy>().cloned());
                None
            }
        };
        PyTemplates { values, inputs: inputs.into_iter().map(input).collect() }
    }
}

/// The arguments as a lazy call keeps them.
pub struct PyTemplates {
    values: Result<Vec<PyValue>, EncodeError>,
    /// What the values have places of. None: the next edge.
    inputs: Vec<Option<Held>>,
}

impl Templates<PyArgs> for PyTemplates {
    type Bound = PyArguments;

    fn bind(&self, inputs: &mut Inputs<'_>) -> PyArguments {
        let futures = self.inputs.iter().map(|future| future.clone().unwrap_or_else(|| inputs.held()));
        PyArguments::new(self.values.clone(), futures.collect())
    }

    fn resolve(&self, _: &mut Inputs<'_>) -> Result<PyArgs, Error> {
        unreachable!("a call of a Python function is not fused")
    }
}

impl fmt::Debug for PyTemplates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PyTemplates").field("values", &self.values).finish_non_exhaustive()
    }
}
