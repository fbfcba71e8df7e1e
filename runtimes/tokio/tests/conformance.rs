//! What anydask relies on, on tokio: both flavours, and erased.

use anydask_runtime::AnyRuntime;
use anydask_tokio::Tokio;

mod multi_thread {
    use super::*;

    anydask_runtime::conformance!(Tokio::multi_thread(2).unwrap());
    anydask_runtime::conformance_current!(Tokio::multi_thread(2).unwrap());
}

mod current_thread {
    use super::*;

    anydask_runtime::conformance!(Tokio::current_thread().unwrap());
    anydask_runtime::conformance_current!(Tokio::current_thread().unwrap());
}

mod erased {
    use super::*;

    anydask_runtime::conformance!(AnyRuntime::new(Tokio::multi_thread(2).unwrap()));
}
