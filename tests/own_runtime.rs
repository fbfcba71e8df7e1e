//! A runtime that a user could have written keeps every promise.

#[allow(unreachable_pub, reason = "an example is a crate, where it is public")]
#[path = "../examples/own_runtime.rs"]
mod own_runtime;

use own_runtime::OwnRuntime;

anydask_runtime::conformance!(OwnRuntime::new(2).unwrap(), cannot {
    a_unix_stream_carries_bytes_both_ways | a_missing_unix_path_is_not_found | a_unix_listener_tells_its_path
        | an_abstract_unix_name_works_or_is_unsupported | a_unix_path_that_is_too_long_is_invalid_input
        | a_stale_unix_path_is_in_use_until_it_is_removed | the_file_of_a_unix_listener_goes_with_it
        | a_unix_path_in_use_stays_with_its_listener: "it has TCP only, to stay short",
});

mod one_thread {
    use super::*;

    anydask_runtime::conformance!(OwnRuntime::new(1).unwrap(), cannot {
        a_unix_stream_carries_bytes_both_ways | a_missing_unix_path_is_not_found | a_unix_listener_tells_its_path
            | an_abstract_unix_name_works_or_is_unsupported | a_unix_path_that_is_too_long_is_invalid_input
            | a_stale_unix_path_is_in_use_until_it_is_removed | the_file_of_a_unix_listener_goes_with_it
            | a_unix_path_in_use_stays_with_its_listener: "it has TCP only, to stay short",
    });
}
