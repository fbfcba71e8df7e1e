//! The `#[task]` attribute of [anydask](https://docs.rs/anydask), where it is documented.

mod definition;
mod expansion;

use proc_macro::TokenStream;
use quote::ToTokens;

/// Registers a function as a task, so that it may also run in another process. It can still be called.
///
/// | form | the future's type | the task errs |
/// |---|---|---|
/// | `fn f(x: A) -> T` | `TaskFuture<T>` | when it panics |
/// | `fn f(x: A) -> Result<T, E>` | `TaskFuture<T>` | also on `Err` |
/// | `async fn f(x: A) -> T` | `TaskFuture<T>` | when it panics; runs on the client's runtime, without a CPU slot |
/// | `async fn f(x: A) -> Result<T, E>` | `TaskFuture<T>` | also on `Err` |
///
/// The function becomes a unit struct of its name that is callable like the function; an `async fn` gives a boxed
/// future. As with every unit struct, a local variable cannot have the same name.
///
/// A task is known by its name: the path of its module and its own, or what `#[task(name = "..")]` says. Two tasks of
/// one name are an error when a client starts.
///
/// Arguments, up to 8, and result are owned values.
#[proc_macro_attribute]
pub fn task(options: TokenStream, function: TokenStream) -> TokenStream {
    match definition::Definition::parse(options.into(), function.into()) {
        Ok(definition) => expansion::expand(&definition).into_token_stream().into(),
        Err(error) => error.into_compile_error().into(),
    }
}
