//! What the attribute writes and the feature decides: with it this, without it nothing.

/// A function that a `#[task]` has as a `TaskFn`: the call, as it goes to a cluster.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_export {
    ($name:expr, [$($form:ident $argument:ty,)*], $output_form:ident $output:ty) => {
        fn export(
            &self,
            parts: $crate::__private::Parts<'_>,
        ) -> ::core::result::Result<$crate::__private::Export<$output>, $crate::Error> {
            $crate::__private::export_call(
                $name,
                &($($crate::__anydask_codec!($form $argument),)*),
                $crate::__anydask_codec!($output_form $output),
                parts,
            )
        }
    };
}

/// The same for its calls with each item of a vector.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_export_items {
    ($name:expr, $form:ident $argument:ty, $output_form:ident $output:ty) => {
        fn export_items(
            &self,
            parts: $crate::__private::Parts<'_>,
        ) -> ::core::result::Result<$crate::__private::Export<::std::vec::Vec<$output>>, $crate::Error> {
            $crate::__private::export_call(
                $name,
                &($crate::__anydask_codec!($form::std::vec::Vec<$argument>),),
                $crate::__anydask_codec!($output_form::std::vec::Vec<$output>),
                parts,
            )
        }
    };
}

/// What is known of one type. The references decide which of the traits in `probe` is found.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_codec {
    (owned $type:ty) => {{
        // Without their names: the user's types may have the same.
        #[allow(unused_imports)]
        use $crate::__private::probe::{
            Borrowed as _, Plain as _, Shared as _, SharedKeys as _, SharedVector as _, Vector as _, VectorOfKeys as _,
            Without as _,
        };
        (&&&&&&&&$crate::__private::probe::Probe::<$type>::new()).codec()
    }};
    // It cannot be made of bytes that go away. The compiler would not find that out in time.
    (borrowed $type:ty) => {
        $crate::__private::probe::Slot::<$type>::none()
    };
}

/// The registration of a task, with what a worker needs to call it.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_register {
    ($task:expr, $name:expr, $location:expr, $is_asynchronous:expr, [$($form:ident $argument:ty,)*],
     $output_form:ident $output:ty) => {
        $crate::__anydask_registration! {
            |given| $crate::__private::call(
                &$task,
                &($($crate::__anydask_codec!($form $argument),)*),
                $crate::__anydask_codec!($output_form $output),
                given,
            ),
            $name, $location, $is_asynchronous, [$($form $argument,)*], $output_form $output
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_registration {
    ($call:expr, $name:expr, $location:expr, $is_asynchronous:expr, [$($form:ident $argument:ty,)*],
     $output_form:ident $output:ty) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Registration {
                name: $name,
                location: $location,
                travelling: $crate::__private::Travelling {
                    is_asynchronous: $is_asynchronous,
                    call: $call,
                    vector: |parameter| $crate::__private::vector(
                        &($($crate::__anydask_codec!($form $argument),)*),
                        $crate::__anydask_codec!($output_form $output),
                        parameter,
                    ),
                    to_python: |parameter, value| $crate::__private::to_python(
                        &($($crate::__anydask_codec!($form $argument),)*),
                        $crate::__anydask_codec!($output_form $output),
                        parameter,
                        value,
                    ),
                    each_codec: |each| $crate::__private::each_codec(
                        &($($crate::__anydask_codec!($form $argument),)*),
                        $crate::__anydask_codec!($output_form $output),
                        each,
                    ),
                },
            }
        }
    };
}

/// The registration of its calls with each item of a vector.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_register_items {
    ($task:ident, $name:expr, $location:expr, $is_asynchronous:expr, $form:ident $argument:ty,
     $output_form:ident $output:ty) => {
        $crate::__anydask_register! {
            $crate::__private::EachItem($task),
            $name,
            $location,
            $is_asynchronous,
            [$form ::std::vec::Vec<$argument>,],
            $output_form ::std::vec::Vec<$output>
        }
    };
}

/// A function of two arguments that a `#[task]` has as a `TaskFn`: its calls with one item of a vector after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_export_fold {
    ($name:expr, $value:ty, $item:ty, $output:ty) => {
        fn export_fold(
            &self,
            parts: $crate::__private::Parts<'_>,
        ) -> ::core::result::Result<$crate::__private::Export<$output>, $crate::Error> {
            $crate::__private::export_call(
                $name,
                &($crate::__anydask_codec!(owned $value), $crate::__anydask_codec!(owned ::std::vec::Vec<$item>)),
                $crate::__anydask_codec!(owned $output),
                parts,
            )
        }
    };
}

/// The registration of these calls. The references decide whether the function gives what its first argument is.
#[doc(hidden)]
#[macro_export]
macro_rules! __anydask_register_fold {
    ($task:ident, $name:expr, $location:expr, $is_asynchronous:expr, $value:ty, $item:ty, $output:ty) => {
        $crate::__anydask_registration! {
            |given| {
                #[allow(unused_imports)]
                use $crate::__private::probe::{Folds as _, NoFold as _};
                (&&$crate::__private::probe::Fold::<$value, $item, $output>::new()).call(
                    &$task,
                    &($crate::__anydask_codec!(owned $value), $crate::__anydask_codec!(owned ::std::vec::Vec<$item>)),
                    $crate::__anydask_codec!(owned $output),
                    given,
                )
            },
            $name, $location, $is_asynchronous, [owned $value, owned ::std::vec::Vec<$item>,], owned $output
        }
    };
}
