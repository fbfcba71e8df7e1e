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
            Borrowed as _, Plain as _, Shared as _, SharedVector as _, Vector as _, Without as _,
        };
        (&&&&&&$crate::__private::probe::Probe::<$type>::new()).codec()
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
        $crate::__private::inventory::submit! {
            $crate::__private::Registration {
                name: $name,
                location: $location,
                travelling: $crate::__private::Travelling {
                    is_asynchronous: $is_asynchronous,
                    call: |given| $crate::__private::call(
                        &$task,
                        &($($crate::__anydask_codec!($form $argument),)*),
                        $crate::__anydask_codec!($output_form $output),
                        given,
                    ),
                    concat: |parameter, given| $crate::__private::concat(
                        &($($crate::__anydask_codec!($form $argument),)*),
                        $crate::__anydask_codec!($output_form $output),
                        parameter,
                        given,
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
