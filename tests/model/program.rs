//! Programs: what a user may do with two clients of one engine, step by step.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;

/// What a program does.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) threads: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  on {} threads", self.threads)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        writeln!(f, "  and ends {:?}", self.end)
    }
}

/// One step. What it names that is not there, or that would make the outcome a guess, it passes over.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Submit {
        client: usize,
        call: Call,
        work: Work,
        terms: Terms,
    },
    /// Of values, or of futures.
    Map {
        client: usize,
        length: usize,
        of: Option<usize>,
        work: Work,
    },
    /// The same work under the same key is one task, of both clients.
    Keyed {
        client: usize,
        key: usize,
    },
    Cancel {
        task: usize,
        by_client: bool,
    },
    Drop {
        task: usize,
    },
    Detach {
        task: usize,
    },
    Retry {
        task: usize,
        by_client: bool,
    },
    /// Occupies all threads until the next `Open`.
    Block,
    /// Lets go on what waits for it to be opened.
    Open,
    /// Opens, waits for everything, and compares.
    Settle {
        wait: Wait,
    },
    Restart,
    Close {
        client: usize,
    },
}

/// What a task is called with.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Nothing,
    Value,
    /// A future, taken as a value or shared.
    One {
        input: usize,
        is_shared: bool,
    },
    Several {
        inputs: Vec<usize>,
    },
}

/// What a body does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) is_asynchronous: bool,
    /// It waits inside until the next `Open`.
    pub(crate) is_gated: bool,
    /// So many runs fail before one succeeds.
    pub(crate) failures: u32,
    pub(crate) panics: bool,
}

/// The options of a task.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) retries: u32,
    pub(crate) is_retryable: bool,
    pub(crate) priority: i32,
    /// More than 2 is more than there is.
    pub(crate) gpus: u32,
    /// Has its end told by `on_done`, which holds it until then.
    pub(crate) is_watched: bool,
}

/// How the end of all tasks is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Each,
    Gather,
    Results,
    Completed,
    All,
}

/// How a program ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// All is waited for and dropped, then the engine closes.
    Settled,
    /// The engine closes in the middle of the work.
    Closed,
    /// Everything is dropped in the middle of the work.
    Dropped,
}

/// More runs than any task has: it always fails.
pub(crate) const ALWAYS: u32 = 1_000;

pub(crate) fn program() -> impl Strategy<Value = Program> {
    let end = prop_oneof![2 => Just(End::Settled), 1 => Just(End::Closed), 1 => Just(End::Dropped)];
    (1..=2_usize, vec(step(), 1..30), end).prop_map(|(threads, steps, end)| Program { threads, steps, end })
}

fn step() -> impl Strategy<Value = Step> {
    let task = 0..64_usize;
    let client = || 0..2_usize;
    prop_oneof![
        12 => (client(), call(), work(), terms())
            .prop_map(|(client, call, work, terms)| Step::Submit { client, call, work, terms }),
        2 => (client(), length(), proptest::option::of(task.clone()), work())
            .prop_map(|(client, length, of, work)| Step::Map { client, length, of, work }),
        4 => (client(), 0..6_usize).prop_map(|(client, key)| Step::Keyed { client, key }),
        4 => (task.clone(), any::<bool>()).prop_map(|(task, by_client)| Step::Cancel { task, by_client }),
        4 => task.clone().prop_map(|task| Step::Drop { task }),
        1 => task.clone().prop_map(|task| Step::Detach { task }),
        4 => (task, any::<bool>()).prop_map(|(task, by_client)| Step::Retry { task, by_client }),
        1 => Just(Step::Block),
        1 => Just(Step::Open),
        3 => wait().prop_map(|wait| Step::Settle { wait }),
        1 => prop_oneof![1 => Just(Step::Restart), 2 => client().prop_map(|client| Step::Close { client })],
    ]
}

/// Of a map. The items of a longer one are kept together.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![0..4_usize, 8..40_usize]
}

fn call() -> impl Strategy<Value = Call> {
    let input = 0..64_usize;
    prop_oneof![
        1 => Just(Call::Nothing),
        1 => Just(Call::Value),
        2 => (input.clone(), any::<bool>()).prop_map(|(input, is_shared)| Call::One { input, is_shared }),
        2 => vec(input, 0..4).prop_map(|inputs| Call::Several { inputs }),
    ]
}

fn work() -> impl Strategy<Value = Work> {
    let failures = prop_oneof![6 => Just(0), 2 => 1..4_u32, 2 => Just(ALWAYS)];
    let rarely = || prop_oneof![3 => Just(false), 1 => Just(true)];
    (rarely(), rarely(), failures, any::<bool>()).prop_map(|(is_asynchronous, is_gated, failures, panics)| Work {
        is_asynchronous,
        is_gated,
        failures,
        panics,
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let retries = prop_oneof![3 => Just(0), 1 => 1..4_u32];
    let gpus = prop_oneof![12 => Just(0), 4 => Just(1), 2 => Just(2), 1 => Just(3)];
    let terms = (retries, any::<bool>(), -1..=1, gpus, any::<bool>());
    terms.prop_map(|(retries, is_retryable, priority, gpus, is_watched)| Terms {
        retries,
        is_retryable,
        priority,
        gpus,
        is_watched,
    })
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![Just(Wait::Each), Just(Wait::Gather), Just(Wait::Results), Just(Wait::Completed), Just(Wait::All)]
}
