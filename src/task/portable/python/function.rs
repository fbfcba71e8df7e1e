//! Python functions, by reference.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::task::portable::export::Inputs;
use crate::task::portable::python::nested_futures::{Held, encode_with_futures};
use crate::task::portable::python::{EncodeError, PyArgs, PyArguments, PyValue};
use crate::task::portable::{Export, ExportedCall, Parts};
use crate::task::{Call, Part, TaskFn};

/// A Python function that gives a `T`; see [`python`].
#[must_use = "a function does nothing until it is submitted"]
pub struct Python<T> {
    function: Arc<str>,
    keywords: Vec<(Arc<str>, PyValue)>,
    inputs: Vec<Held>,
    /// The first keyword argument that has no form in Python.
    failed: Option<(Arc<str>, EncodeError)>,
    gives: PhantomData<fn() -> T>,
}

/// Longest name of a Python function, in bytes: that of a key, which it becomes a part of.
const NAME_NBYTES_MAX: usize = 512;

/// A Python function by its name, `module:qualname`, to [`submit`](crate::Client::submit) on a Dask cluster. A Python
/// worker imports it and calls it; its result becomes a `T`.
///
/// One argument is given bare, several as a tuple, none as `()`. An argument is a value with `Serialize`, a future of a
/// Rust or a Python task, or a value with futures in it, such as a vector of them. Keyword arguments go to
/// [`kwarg`](Python::kwarg). In a [lazy call](crate::delayed), lazy calls can stand where futures can, but for keyword arguments.
///
/// | in Rust | in Python | back in Rust |
/// |---|---|---|
/// | `None`, `()` | `None` | the same |
/// | integers | `int` | if it is in range |
/// | floats | `float` | also of an `int` |
/// | `String`, `char` | `str` | the same |
/// | byte buffers, as of `serde_bytes` | `bytes` | the same |
/// | `Vec` | `list` | also of a `tuple`, a `set`, `bytes` or an array |
/// | tuples, arrays | `tuple` | also of a `list`, of the same length |
/// | maps | `dict` | the same |
/// | structs | `dict` | the same; what else is in the `dict` is left out |
/// | variants of enums | `"A"` or `{"A": ..}` | the same |
/// | arrays of `ndarray`, with its feature `serde` | arrays of numpy | the same |
///
/// With the feature `array`, an [`ndarray` 0.17] array of numbers that is the whole of a result, or of an argument of a
/// `#[task]`, goes to numpy and comes back in one piece, whichever its order in memory is. Without the feature, inside of other
/// values, as an argument here, and where the elements are of another type than those of numpy, it goes
/// element by element, which takes longer. A large argument is better scattered first: what is given here travels with the task.
///
/// [`ndarray` 0.17]: https://docs.rs/ndarray/0.17
///
/// # Errors
///
/// Told by the future: [`Error::NeedsDask`] on an embedded engine, [`Error::NotPortable`] if the name is none,
/// [`Error::NotEncoded`] if an argument has no form in Python, [`Error::NotDecoded`] if the result is no `T`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Error, python, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let a = client.submit(|| 37, ());
/// // On the client of a cluster, this is 42.
/// let sum = client.submit(python::<i64>("operator:add"), (&a, 5));
/// assert!(matches!(sum.wait(), Err(Error::NeedsDask { .. })));
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub fn python<T: DeserializeOwned + Send + Sync + 'static>(function: impl Into<Arc<str>>) -> Python<T> {
    Python { function: function.into(), keywords: Vec::new(), inputs: Vec::new(), failed: None, gives: PhantomData }
}

impl<T> Python<T> {
    /// Adds a keyword argument: whatever an argument can be. The last one of a name counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::python;
    ///
    /// let parse = python::<i64>("builtins:int").kwarg("base", 2);
    /// assert_eq!(format!("{parse:?}"), "Python(builtins:int, base=2)");
    /// ```
    pub fn kwarg(mut self, name: impl Into<Arc<str>>, value: impl Serialize) -> Self {
        let name = name.into();
        let (encoded, inputs) = encode_with_futures(&value);
        match encoded {
            Ok(mut value) => {
                let before = self.inputs.len() as u32;
                value.place_inputs(&mut |place| before.saturating_add(place));
                self.inputs.extend(inputs);
                self.keywords.retain(|(other, _)| *other != name);
                self.keywords.push((name, value));
            }
            Err(error) => {
                self.failed.get_or_insert((name, error));
            }
        }
        self
    }

    fn not_encoded(&self, value: &str, error: &EncodeError) -> Error {
        Error::NotEncoded { task: Arc::clone(&self.function), value: value.into(), source: Arc::new(error.clone()) }
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> TaskFn<PyArgs> for Python<T> {
    type Output = T;

    fn call(&self, _: PyArgs) -> Call<T> {
        Call::Returned(Err(Box::new(self.needs_dask())))
    }

    fn name() -> &'static str {
        "python"
    }

    /// Its last word, as Dask itself names the tasks of a function.
    fn remote_name(&self) -> &str {
        let name = self.function.rsplit([':', '.']).next().unwrap_or_default();
        if is_name(&self.function) { name } else { Self::name() }
    }

    fn export(&self, parts: Parts<'_>) -> Result<Export<T>, Error> {
        if !is_name(&self.function) {
            let fix = "name the function as `module:qualname`, such as `operator:add`".into();
            return Err(Error::NotPortable { task: Arc::clone(&self.function), fix });
        }
        if let Some((name, error)) = &self.failed {
            return Err(self.not_encoded(&format!("keyword argument `{name}`"), error));
        }
        let mut inputs = Inputs::default();
        let mut place_in = |value: &PyValue, held: &[Held]| {
            let mut value = value.clone();
            value.place_inputs(&mut |place| match held.get(place as usize) {
                Some(input) => inputs.place(&**input),
                None => place,
            });
            value
        };
        let mut arguments = Ok(Vec::new());
        parts(&mut |part| {
            let Part::Plain(given) = part else { return };
            if let Some(PyArguments { values, inputs }) = given.downcast_ref() {
                arguments = match values {
                    Ok(values) => Ok(values.iter().map(|value| place_in(value, inputs)).collect()),
                    Err(error) => Err(self.not_encoded("an argument", error)),
                };
            }
        });
        let arguments = arguments?;
        let keywords = self.keywords.iter().map(|(name, value)| (Arc::clone(name), place_in(value, &self.inputs)));
        let keywords = keywords.collect();
        let function = Arc::clone(&self.function);
        Ok(Export {
            call: ExportedCall::Python { function, arguments, keywords },
            inputs: inputs.entries,
            decode: PyValue::decode,
        })
    }

    fn refusal(&self) -> Option<Error> {
        Some(self.needs_dask())
    }
}

impl<T> Python<T> {
    fn needs_dask(&self) -> Error {
        Error::NeedsDask { function: Arc::clone(&self.function) }
    }
}

/// Whether this is `module:qualname`, with a name behind each dot.
fn is_name(name: &str) -> bool {
    let is_path = |path: &str| {
        path.split('.').all(|part| {
            let mut characters = part.chars();
            characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
                && characters.all(|character| character == '_' || character.is_alphanumeric())
        })
    };
    name.len() <= NAME_NBYTES_MAX
        && name.split_once(':').is_some_and(|(module, qualname)| is_path(module) && is_path(qualname))
}

impl<T> Clone for Python<T> {
    fn clone(&self) -> Self {
        Self {
            function: Arc::clone(&self.function),
            keywords: self.keywords.clone(),
            inputs: self.inputs.clone(),
            failed: self.failed.clone(),
            gives: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Python<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python({}", self.function)?;
        for (name, value) in &self.keywords {
            write!(f, ", {name}={value:?}")?;
        }
        f.write_str(")")
    }
}
