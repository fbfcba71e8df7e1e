//! One body of a test, run on each runtime.

/// Makes of each function `name<R>()` a module `name` with a test for each runtime.
macro_rules! on_each_runtime {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn on_tokio() {
                super::$name::<anydask::runtime::Tokio>();
            }

            #[test]
            fn on_async_std() {
                super::$name::<anydask::runtime::AsyncStd>();
            }

            #[test]
            fn on_smol() {
                super::$name::<anydask::runtime::Smol>();
            }
        }
    )*};
}

pub(crate) use on_each_runtime;
