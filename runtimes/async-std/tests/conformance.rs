//! What anydask relies on, on async-std: as it is, and erased.

use anydask_async_std::AsyncStd;
use anydask_runtime::AnyRuntime;

mod native {
    use super::*;

    anydask_runtime::conformance!(AsyncStd::new(), cannot {
        a_shutdown_resolves_pending_handles
        | a_shutdown_wakes_who_awaits_a_handle
        | spawning_after_a_shutdown_gives_handles_that_say_so
        | sleeping_after_a_shutdown_does_not_panic
        | networking_after_a_shutdown_does_not_panic
        | all_tasks_are_dropped_when_a_shutdown_returns
        | the_last_clone_ends_the_runtime
        | shutdowns_again_and_at_once_all_return
        | a_shutdown_waits_no_longer_than_its_grace
        | a_shutdown_waits_for_blocking_closures_within_its_grace
        | a_task_can_shut_its_runtime_down
        | a_blocking_closure_can_shut_its_runtime_down
        | a_dropped_shutdown_goes_on: "the process-wide executor never ends",
    });
    anydask_runtime::conformance_current!(
        AsyncStd::new(),
        cannot { a_started_runtime_ends_with_its_last_clone: "the process-wide executor never ends" }
    );
}

mod erased {
    use super::*;

    anydask_runtime::conformance!(AnyRuntime::new(AsyncStd::new()), cannot {
        a_shutdown_resolves_pending_handles
        | a_shutdown_wakes_who_awaits_a_handle
        | spawning_after_a_shutdown_gives_handles_that_say_so
        | sleeping_after_a_shutdown_does_not_panic
        | networking_after_a_shutdown_does_not_panic
        | all_tasks_are_dropped_when_a_shutdown_returns
        | the_last_clone_ends_the_runtime
        | shutdowns_again_and_at_once_all_return
        | a_shutdown_waits_no_longer_than_its_grace
        | a_shutdown_waits_for_blocking_closures_within_its_grace
        | a_task_can_shut_its_runtime_down
        | a_blocking_closure_can_shut_its_runtime_down
        | a_dropped_shutdown_goes_on: "the process-wide executor never ends",
    });
}
