//! Exceptions of Python, as texts.
//!
//! They come as pickles in several forms. What cannot be read of them gives a text that says so, since an error that cannot
//! be told is worse than one that is told badly.

use crate::engine::dask::wire::Value;
use crate::engine::dask::wire::error::WireError;
use crate::engine::dask::wire::limits::{Budget, Limits};
use crate::engine::dask::wire::pickle::{Call, Object, Unpickled, repr, repr_str};
use crate::engine::dask::wire::serialize::RUST_KIND;
use crate::engine::dask::wire::serialized::Data;

/// An exception that a task, the scheduler or a worker has raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteException {
    /// Such as `ZeroDivisionError`. With its module, if that is not Python's own.
    pub(crate) class: String,
    /// What `str(exception)` is in Python.
    pub(crate) message: String,
    /// As Python prints it above the exception, with what has caused it. Empty if there is none.
    pub(crate) traceback_text: String,
    /// What it was in Rust, if a worker of ours raised it.
    pub(crate) rust: Option<String>,
}

/// Frames of a traceback that are told. Python makes no more than 1000, unless a program asks for it.
const FRAMES_MAX: usize = 1000;

/// Bytes of a name in a traceback, or of a class. The longest path of a file has 4096, and names may be shared by all frames.
const NAME_NBYTES_MAX: usize = 4096;

/// Bytes of a message. A chain of causes may have the same one in each.
const MESSAGE_NBYTES_MAX: usize = 1 << 20;

/// Bytes of the frames of one traceback. A thousand usual ones have a fifth of it.
const FRAMES_NBYTES_MAX: usize = 1 << 20;

/// Exceptions of a chain of causes that are told.
const CAUSES_MAX: usize = 8;

impl RemoteException {
    /// From the fields `exception` and `traceback` of a message. Either may be data, bytes or nil.
    pub(crate) fn read(exception: &Value, traceback: &Value, limits: &Limits) -> Self {
        let exception = match unpickled(exception, limits) {
            Ok(Some(exception)) => exception,
            Ok(None) => return Self::unreadable("none was sent"),
            Err(error) => return Self::unreadable(error),
        };
        let attributes = exception.root().as_call().and_then(|call| call.state());
        let rust = attributes.and_then(|attributes| attributes.get(RUST_KIND)).and_then(|kind| kind.as_str());
        let rust = rust.map(str::to_owned);
        let mut raised = Raised::of_object(exception.root());
        // The exception has its traceback too, beginning with a frame of the worker. The other one begins with the task.
        match unpickled(traceback, limits) {
            Ok(traceback) => {
                let frames = traceback.map(|traceback| frames_text(traceback.root())).unwrap_or_default();
                if !frames.is_empty() {
                    raised.frames = frames;
                }
            }
            Err(error) if raised.frames.is_empty() => raised.frames = format!("  (it cannot be read: {error})\n"),
            Err(_) => {}
        }
        let traceback_text = format!("{}{}", causes_text(&raised), raised.traceback_text());
        Self { class: raised.class, message: raised.message, traceback_text, rust }
    }

    fn unreadable(problem: impl std::fmt::Display) -> Self {
        let message = format!("(the exception cannot be read: {problem})");
        Self { class: "Exception".into(), message, traceback_text: String::new(), rust: None }
    }
}

/// One exception of a chain.
struct Raised<'a> {
    class: String,
    message: String,
    /// The lines of its traceback.
    frames: String,
    /// What has led to it, and how Python puts that.
    cause: Option<(Object<'a>, &'static str)>,
}

const CAUSED: &str = "The above exception was the direct cause of the following exception:";
const DURING: &str = "During handling of the above exception, another exception occurred:";

impl<'a> Raised<'a> {
    fn of_object(object: Object<'a>) -> Self {
        let Some(call) = object.as_call() else {
            let message = format!("(this is no exception: {})", repr(object));
            return Self { class: "Exception".into(), message, frames: String::new(), cause: None };
        };
        // Exceptions with their tracebacks: what `tblib` makes of them. The arguments after the second are the same in all.
        let (class, arguments) = match call.callable().as_global() {
            Some(("tblib.pickling_support", "unpickle_exception_with_attrs")) => {
                (call.argument(0), call.argument(1).and_then(|attributes| attributes.get("args")))
            }
            Some(("tblib.pickling_support", _)) => (call.argument(0), call.argument(1)),
            _ => {
                let arguments = call.arguments_object();
                return Self {
                    class: class_text(call.callable()),
                    message: message(call.callable(), Some(arguments)),
                    frames: String::new(),
                    cause: None,
                };
            }
        };
        let there = |index| call.argument(index).filter(|object| !object.is_none());
        let is_suppressed = there(5).is_some_and(|object| object.as_bool() == Some(true));
        let cause = there(2).map(|cause| (cause, CAUSED));
        let context = there(4).filter(|_| !is_suppressed).map(|context| (context, DURING));
        Self {
            class: class.map_or_else(|| "Exception".into(), class_text),
            message: class.map_or_else(String::new, |class| message(class, arguments)),
            frames: there(3).map(frames_text).unwrap_or_default(),
            cause: cause.or(context),
        }
    }

    fn traceback_text(&self) -> String {
        if self.frames.is_empty() {
            String::new()
        } else {
            format!("Traceback (most recent call last):\n{}", self.frames)
        }
    }
}

/// What Python prints above the traceback of an exception that others have led to: the first one first.
fn causes_text(raised: &Raised<'_>) -> String {
    let mut parts = Vec::new();
    let mut next = raised.cause;
    while let Some((object, how)) = next
        && parts.len() < CAUSES_MAX
    {
        let cause = Raised::of_object(object);
        let (class, message) = (&cause.class, &cause.message);
        let colon = if message.is_empty() { "" } else { ": " };
        parts.push(format!("{}{class}{colon}{message}\n\n{how}\n\n", cause.traceback_text()));
        next = cause.cause;
    }
    parts.into_iter().rev().collect()
}

/// The lines of a traceback. Empty if it is none.
fn frames_text(traceback: Object<'_>) -> String {
    let mut text = String::new();
    let mut next = Some(traceback);
    let mut count = 0;
    while let Some(call) = next.and_then(Object::as_call) {
        if count == FRAMES_MAX || text.len() >= FRAMES_NBYTES_MAX {
            text.push_str("  ...\n");
            break;
        }
        count += 1;
        // The first is a call with three arguments. Those after it are objects with a state.
        let state = call.state();
        let of = |name, index| state.and_then(|state| state.get(name)).or_else(|| call.argument(index));
        let (frame, line) = (of("tb_frame", 0), of("tb_lineno", 1).and_then(Object::as_int));
        let code = frame.and_then(Object::as_call).and_then(Call::state).and_then(|frame| frame.get("f_code"));
        let code = code.and_then(Object::as_call).and_then(Call::state);
        let name = |name| code.and_then(|code| code.get(name)).and_then(Object::as_str).unwrap_or("?");
        let line = line.map_or_else(|| "?".into(), |line| line.to_string());
        let (file, function) = (cut(name("co_filename"), NAME_NBYTES_MAX), cut(name("co_name"), NAME_NBYTES_MAX));
        text.push_str(&format!("  File \"{file}\", line {line}, in {function}\n"));
        next = of("tb_next", 2);
    }
    text
}

fn class_text(class: Object<'_>) -> String {
    match class.as_global() {
        Some(("builtins" | "exceptions", name)) => cut(name, NAME_NBYTES_MAX).into(),
        Some((module, name)) => format!("{}.{}", cut(module, NAME_NBYTES_MAX), cut(name, NAME_NBYTES_MAX)),
        // A class of a script is not sent by name. `cloudpickle` sends what it is made of.
        None => {
            let name = class.as_call().and_then(|call| call.argument(1)).and_then(Object::as_str);
            name.map_or_else(|| repr(class), |name| cut(name, NAME_NBYTES_MAX).into())
        }
    }
}

/// The beginning of a text, whole characters.
fn cut(text: &str, nbytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(nbytes_max)).unwrap_or(text)
}

/// What `str` makes of an exception. For classes with a way of their own, this is what they are made from.
fn message(class: Object<'_>, arguments: Option<Object<'_>>) -> String {
    let Some(items) = arguments.and_then(Object::items) else { return String::new() };
    let all: Vec<Object<'_>> = items.iter().take(8).collect();
    match (class.as_global(), all.as_slice()) {
        (Some((_, "KilledWorker")), [task, worker, allowed_failures]) => {
            killed_worker(*task, *worker, *allowed_failures)
        }
        (Some(("builtins", "KeyError")), [key]) => repr(*key),
        (_, []) => String::new(),
        (_, [only]) => only.as_str().map_or_else(|| repr(*only), |text| cut(text, MESSAGE_NBYTES_MAX).into()),
        // Errors of the system: a number, a text, and perhaps the name of a file.
        (Some(("builtins", name)), [number, text, rest @ ..])
            if name.ends_with("Error") && number.as_int().is_some() && text.as_str().is_some() =>
        {
            let file = rest.first().filter(|file| !file.is_none()).map(|file| format!(": {}", repr(*file)));
            let text = cut(text.as_str().unwrap_or_default(), MESSAGE_NBYTES_MAX);
            format!("[Errno {}] {text}{}", repr(*number), file.unwrap_or_default())
        }
        _ => arguments.map(repr).unwrap_or_default(),
    }
}

/// What Dask says when workers die of a task.
fn killed_worker(task: Object<'_>, worker: Object<'_>, allowed_failures: Object<'_>) -> String {
    let state = worker.as_call().and_then(Call::state);
    // An object with slots: nothing, and their values.
    let slots = state.and_then(|state| state.items()?.get(1).or(Some(state)));
    let address = slots.and_then(|slots| slots.get("address")).and_then(Object::as_str);
    let workers = allowed_failures.as_int().map_or(0, |count| count.saturating_add(1));
    let task = task.as_str().map_or_else(|| repr(task), repr_str);
    format!(
        "Attempted to run task {task} on {workers} different workers, but all those workers died while running it. \
         The last worker that attempt to run the task was {}.",
        cut(address.unwrap_or("unknown"), NAME_NBYTES_MAX)
    )
}

/// `None` if there is nothing.
fn unpickled(value: &Value, limits: &Limits) -> Result<Option<Unpickled>, WireError> {
    let pickle = match value {
        Value::Nil => return Ok(None),
        Value::Bin(pickle) => pickle.clone(),
        Value::Pickled(pickled) => pickled.pickle.clone(),
        Value::Serialized(serialized) => match serialized.data(&mut Budget::new(limits))? {
            Data::Bytes(pickle) | Data::Pickle { pickle, .. } => pickle,
            Data::Value(Value::Bin(pickle)) => pickle,
            Data::Value(Value::Nil) => return Ok(None),
            Data::Error(text) => return Err(WireError::Unsupported { what: "what could not be sent:", found: text }),
            _ => return Err(unexpected()),
        },
        _ => return Err(unexpected()),
    };
    Unpickled::read(&pickle, limits).map(Some)
}

fn unexpected() -> WireError {
    WireError::Field { of: "an error", name: "exception", expected: "a pickle" }
}
