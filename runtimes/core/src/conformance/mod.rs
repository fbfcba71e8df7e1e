//! The conformance suite: what anydask relies on, as one test for each behaviour.
//!
//! One line in a test file runs the suite on a runtime:
//!
//! ```ignore
//! anydask_runtime::conformance!(MyRuntime::new(4).unwrap());
//! ```
//!
//! The expression is evaluated anew for each test. A second flavour of the same runtime goes in a module of its own.
//! [`conformance_current!`](crate::conformance_current) adds the behaviours of runtimes that have
//! [`Current`](crate::Current).
//!
//! Each behaviour has [a deadline](DEADLINE), so that a hang is a failure that says what hangs. Its body runs where
//! its promise is about: inside a task, on a plain thread, in a process of its own.
//!
//! What a runtime cannot have by its nature is declared with the reason, and never skipped:
//!
//! ```ignore
//! anydask_runtime::conformance!(Global, cannot {
//!     a_shutdown_resolves_pending_handles | a_dropped_shutdown_goes_on: "the process-wide executor never ends",
//! });
//! ```
//!
//! A declared behaviour is still tried, and the test fails once it holds. A name that is no behaviour does not
//! compile.

mod harness;
mod streams;
mod support;

pub mod blocking;
pub mod context;
pub mod current;
pub mod net_streams;
pub mod net_tcp;
pub mod net_unix;
pub mod scheduling;
pub mod shutdown;
pub mod tasks;
pub mod time;
pub mod types;

pub use harness::{DEADLINE, DECLARED_DEADLINE, Promise, Subject, check, check_in_own_process};

/// All behaviours under one path, for the macros to look names up.
#[doc(hidden)]
pub mod behaviours {
    pub use super::blocking::*;
    pub use super::context::*;
    pub use super::current::*;
    pub use super::net_streams::*;
    pub use super::net_tcp::*;
    pub use super::net_unix::*;
    pub use super::scheduling::*;
    pub use super::shutdown::*;
    pub use super::tasks::*;
    pub use super::time::*;
    pub use super::types::*;
}

/// Tests a runtime: one `#[test]` for each behaviour of the [suite](mod@crate::conformance).
///
/// Takes an expression that makes the runtime, and optionally what it cannot have:
/// `conformance!(Global, cannot { some_behaviour | another: "the reason" })`.
///
/// The runtime needs [`BlockOn`](crate::BlockOn) and [`Shutdown`](crate::Shutdown).
#[macro_export]
macro_rules! conformance {
    ($runtime:expr $(, cannot { $($($name:ident)|+: $reason:expr),* $(,)? })? $(,)?) => {
        $crate::__conformance_tests! {
            { $runtime } { $($($($name: $reason,)+)*)? }

            check {
                // tasks
                a_task_gives_its_value,
                a_task_runs_without_its_handle_being_polled,
                a_panicking_task_resolves_to_its_panic,
                dropping_the_handle_aborts_the_task,
                dropping_the_handle_at_once_drops_the_future,
                a_detached_task_runs_to_its_end,
                an_aborted_task_resolves_when_its_future_is_dropped,
                aborting_before_the_first_poll_drops_the_future_unpolled,
                aborting_a_finished_task_keeps_its_value,
                aborting_a_finished_task_unseen_keeps_its_value,
                aborting_twice_is_harmless,
                is_finished_turns_true_when_the_task_ends,
                the_future_is_dropped_before_the_handle_resolves,
                polling_a_handle_after_its_result_panics_clearly,
                a_value_that_nobody_awaits_is_dropped,
                each_handle_gives_the_value_of_its_own_task,
                // scheduling
                detached_panics_kill_no_worker,
                a_plain_thread_can_spawn,
                a_plain_thread_can_wake_a_task,
                ten_thousand_tasks_all_complete,
                a_destructor_can_spawn,
                a_blocking_closure_can_spawn,
                two_tasks_that_take_turns_lose_no_wake,
                waking_an_ended_task_does_nothing,
                a_storm_of_wakes_causes_one_more_poll,
                // blocking
                a_blocking_closure_gives_its_value,
                a_plain_thread_can_start_a_blocking_closure,
                a_panicking_blocking_closure_resolves_to_its_panic,
                blocking_closures_do_not_stall_tasks,
                detached_blocking_closures_all_run,
                aborting_a_running_blocking_closure_lets_it_end,
                a_blocking_closure_can_block_on_the_runtime,
                // time
                a_sleep_of_zero_yields_once,
                a_sleep_is_never_early,
                a_sleep_without_end_stays_pending,
                a_deadline_in_the_past_completes,
                a_plain_thread_can_sleep,
                a_timeout_of_zero_gives_a_value_that_is_there,
                a_timeout_drops_its_future_before_it_resolves,
                a_value_wins_over_a_deadline_in_the_same_poll,
                the_first_tick_is_immediate,
                an_interval_that_delays_counts_from_the_late_tick,
                an_interval_that_bursts_gives_every_missed_tick,
                an_interval_that_skips_keeps_its_rhythm,
                an_interval_of_zero_panics,
                ten_thousand_sleeps_all_end,
                dropping_a_sleep_frees_it,
                the_clock_never_goes_back_and_is_that_of_sleep,
                a_sleep_moved_to_another_task_still_ends,
                // context
                block_on_inside_a_task_is_refused,
                block_on_inside_block_on_goes_by_the_context,
                a_plain_thread_can_block_on_the_runtime,
                several_threads_can_block_on_the_runtime_at_once,
                a_panic_in_block_on_reaches_its_caller,
                block_on_inside_a_foreign_executor_works,
                a_foreign_executor_can_connect_and_accept,
                everything_can_be_made_outside_and_used_inside,
                the_last_clone_can_be_dropped_inside_a_task,
                the_last_clone_can_be_dropped_by_a_blocking_closure,
                the_last_clone_can_be_dropped_outside,
                // net_tcp
                a_tcp_stream_carries_bytes_both_ways,
                a_port_without_listener_refuses,
                a_port_in_use_cannot_be_bound,
                a_port_can_be_bound_again_at_once,
                a_dropped_listener_refuses,
                a_cancelled_accept_loses_no_connection,
                port_zero_takes_a_port_that_local_tells,
                a_reset_by_the_peer_ends_a_read,
                small_tcp_messages_are_not_delayed,
                a_tcp_peer_that_has_vanished_is_looked_for,
                ipv6_works_where_the_machine_has_it,
                sixty_four_connections_at_once,
                dropping_a_connect_closes_its_socket,
                // net_unix, where it is not about Unix alone
                an_abstract_unix_name_works_or_is_unsupported,
                // net_streams
                an_answer_can_be_read_after_shutdown_write,
                dropping_a_stream_is_the_end_for_its_peer,
                reading_after_the_end_gives_zero_again,
                writing_after_shutdown_write_is_a_broken_pipe,
                reading_and_writing_at_once_both_go_on,
                a_cancelled_read_loses_no_bytes,
                a_writer_waits_for_its_reader,
                a_mebibyte_in_small_reads_arrives_whole,
                vectored_writes_and_reads_keep_the_order,
                empty_reads_and_writes_break_nothing,
                // shutdown
                a_shutdown_resolves_pending_handles,
                a_shutdown_wakes_who_awaits_a_handle,
                spawning_after_a_shutdown_gives_handles_that_say_so,
                sleeping_after_a_shutdown_does_not_panic,
                networking_after_a_shutdown_does_not_panic,
                all_tasks_are_dropped_when_a_shutdown_returns,
                the_last_clone_ends_the_runtime,
                shutdowns_again_and_at_once_all_return,
                a_shutdown_waits_no_longer_than_its_grace,
                a_shutdown_waits_for_blocking_closures_within_its_grace,
                a_task_can_shut_its_runtime_down,
                a_blocking_closure_can_shut_its_runtime_down,
                a_dropped_shutdown_goes_on,
                the_report_of_a_shutdown_is_true,
                // types
                what_a_runtime_hands_out_can_be_sent_and_stored,
                the_futures_of_all_methods_can_be_sent,
                clones_are_the_same_runtime,
                an_unknown_scheme_is_unsupported,
                a_host_name_is_no_endpoint,
                what_a_listener_tells_can_be_written_and_parsed,
            }

            #[cfg(unix)]
            check {
                a_unix_stream_carries_bytes_both_ways,
                a_missing_unix_path_is_not_found,
                a_unix_listener_tells_its_path,
                a_unix_path_that_is_too_long_is_invalid_input,
                a_stale_unix_path_is_in_use_until_it_is_removed,
                the_file_of_a_unix_listener_goes_with_it,
                a_unix_path_in_use_stays_with_its_listener,
            }

            check_in_own_process {
                a_panicking_destructor_does_not_kill_the_executor,
                a_callers_mistake_names_the_callers_line,
                aborting_a_queued_blocking_closure_keeps_it_from_starting,
                the_threads_for_blocking_closures_are_bounded,
            }
        }
    };
}

/// Tests what a runtime with [`Current`](crate::Current) promises beyond [`conformance!`](crate::conformance!), in the
/// same form.
#[macro_export]
macro_rules! conformance_current {
    ($runtime:expr $(, cannot { $($($name:ident)|+: $reason:expr),* $(,)? })? $(,)?) => {
        $crate::__conformance_tests! {
            { $runtime } { $($($($name: $reason,)+)*)? }

            check {
                a_task_finds_its_runtime,
                block_on_has_its_runtime_around_it,
                a_plain_thread_finds_no_runtime_and_hears_what_was_looked_for,
                what_is_available_on_a_plain_thread_works,
                a_started_runtime_works,
                a_started_runtime_ends_with_its_last_clone,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ({ $runtime:expr } { $($cannot:ident: $reason:expr,)* } $($(#[$attribute:meta])* $check:ident { $($name:ident,)* })*) => {
        $(
            // Names a behaviour, or does not compile.
            const _: fn() = || { use $crate::conformance::behaviours::$cannot as _behaviour; };
        )*

        $crate::__conformance_tests! {
            @groups { $runtime } (&[$((stringify!($cannot), $reason),)*]) $($(#[$attribute])* $check { $($name,)* })*
        }
    };
    (@groups { $runtime:expr } $cannot:tt $($(#[$attribute:meta])* $check:ident $names:tt)*) => {
        $(
            $crate::__conformance_tests! { @group { $runtime } $cannot [$(#[$attribute])*] $check $names }
        )*
    };
    (@group { $runtime:expr } $cannot:tt [$($attribute:tt)*] $check:ident { $($name:ident,)* }) => {
        $crate::__conformance_tests! { @tests { $runtime } $cannot [$($attribute)*] $check $($name)* }
    };
    (@tests { $runtime:expr } $cannot:tt $attributes:tt $check:ident $($name:ident)*) => {
        $(
            $crate::__conformance_tests! { @test { $runtime } $cannot $attributes $check $name }
        )*
    };
    (@test { $runtime:expr } $cannot:tt [$($attribute:tt)*] $check:ident $name:ident) => {
        $($attribute)*
        #[test]
        fn $name() {
            let promise = $crate::conformance::Promise {
                name: stringify!($name),
                module: module_path!(),
                cannot: $cannot,
            };
            $crate::conformance::$check(promise, || $runtime, $crate::conformance::behaviours::$name);
        }
    };
}
