//! The reference: what each task may come to, told from the program alone.
//!
//! What a task comes to follows from its inputs. Only a cancel, a drop or a close can meet a task that may have ended
//! meanwhile; then both are allowed, and nothing else.

use crate::program::{Terms, Work};

/// What a task comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Value(i64),
    Failed { kind: Kind, at: usize },
    Cancelled,
}

/// What a task fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Planned,
    Panicked,
    NoResource,
    Foreign,
}

/// What comes of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// It had ended.
    Nothing,
    Certain,
    /// It may have ended.
    Perhaps,
}

/// What comes of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Accepted,
    NotFailed,
    NotRepeatable,
}

#[derive(Clone, Debug)]
enum State {
    Pending {
        may_be_cancelled: bool,
    },
    /// One of these. Only of what nobody can look at are there several.
    Ended(Vec<Outcome>),
}

/// A task, or a client's view of a keyed one, as the reference knows it.
#[derive(Debug)]
pub(crate) struct Node {
    client: usize,
    pub(crate) inputs: Vec<usize>,
    role: Role,
    state: State,
    /// Runs that have ended.
    used: u32,
    /// Whether its gate is closed.
    is_gated: bool,
    /// Whether it came when all threads were occupied, and they still are.
    is_blocked: bool,
    is_detached: bool,
    /// Whether somebody other than the tasks that take it holds it.
    is_held: bool,
}

#[derive(Debug)]
enum Role {
    Task {
        value: i64,
        work: Work,
        terms: Terms,
        keeps_call: bool,
    },
    /// Of its only input.
    View,
}

/// What the engine has of the resource.
pub(crate) const GPUS: u32 = 2;

#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) nodes: Vec<Node>,
    is_blocked: bool,
}

impl Reference {
    /// A task enters. `keeps_call` says whether its call can be made again after a run of its own has failed.
    pub(crate) fn submit(
        &mut self,
        client: usize,
        inputs: Vec<usize>,
        (value, work, terms): (i64, Work, Terms),
        keeps_call: bool,
    ) -> usize {
        let is_gated = work.is_gated;
        self.enter(client, inputs, Role::Task { value, work, terms, keeps_call }, is_gated)
    }

    /// A client's view of the keyed task `task`.
    pub(crate) fn view(&mut self, client: usize, task: usize) -> usize {
        self.enter(client, vec![task], Role::View, false)
    }

    fn enter(&mut self, client: usize, inputs: Vec<usize>, role: Role, is_gated: bool) -> usize {
        self.nodes.push(Node {
            client,
            inputs,
            role,
            state: State::Pending { may_be_cancelled: false },
            used: 0,
            is_gated,
            is_blocked: self.is_blocked,
            is_detached: false,
            is_held: true,
        });
        let node = self.nodes.len() - 1;
        if let Some(outcome) = self.failure_at_once(node) {
            self.nodes[node].state = State::Ended(vec![outcome]);
        }
        node
    }

    /// The failure of an input that had failed before, if none of the others can have come before it.
    fn failure_at_once(&self, node: usize) -> Option<Outcome> {
        if self.foreign_input(node).is_some() {
            return None;
        }
        let mut failure = None;
        for input in &self.nodes[node].inputs {
            match self.ended(*input) {
                Some(Outcome::Value(_)) => {}
                Some(other) => failure = failure.or(Some(other)),
                None if self.is_surely_pending(*input) => {}
                None => return None,
            }
        }
        failure
    }

    /// All threads are occupied, and nothing that comes from now on can take one.
    pub(crate) fn block(&mut self) {
        self.is_blocked = true;
    }

    /// What waits for it to be opened goes on.
    pub(crate) fn open(&mut self) {
        self.is_blocked = false;
        for node in &mut self.nodes {
            (node.is_gated, node.is_blocked) = (false, false);
        }
    }

    // --- what is known before all has ended ----------------------------------------------------------------------

    /// What the task came to, if that is known.
    pub(crate) fn ended(&self, node: usize) -> Option<Outcome> {
        match &self.nodes[node].state {
            State::Ended(outcomes) if outcomes.len() == 1 => Some(outcomes[0]),
            _ => None,
        }
    }

    pub(crate) fn is_pending(&self, node: usize) -> bool {
        matches!(self.nodes[node].state, State::Pending { .. })
    }

    /// Whether the task cannot have ended yet.
    pub(crate) fn is_surely_pending(&self, node: usize) -> bool {
        let this = &self.nodes[node];
        let waits = this.inputs.iter().any(|input| self.is_surely_pending(*input));
        let is_idle = this.is_gated || this.is_blocked && !this.is_asynchronous();
        self.is_pending(node)
            && !this.may_be_cancelled()
            && self.foreign_input(node).is_none()
            && (waits || is_idle && !this.is_unrunnable())
            && !this.inputs.iter().any(|input| self.may_have_failed(*input))
    }

    fn may_have_failed(&self, node: usize) -> bool {
        let this = &self.nodes[node];
        match &this.state {
            State::Ended(outcomes) => outcomes.iter().any(|outcome| !matches!(outcome, Outcome::Value(_))),
            State::Pending { may_be_cancelled } => {
                !self.is_surely_pending(node)
                    && (*may_be_cancelled
                        || this.can_fail()
                        || self.foreign_input(node).is_some()
                        || this.inputs.iter().any(|input| self.may_have_failed(*input)))
            }
        }
    }

    fn foreign_input(&self, node: usize) -> Option<usize> {
        let this = &self.nodes[node];
        if matches!(this.role, Role::View) {
            return None;
        }
        this.inputs.iter().copied().find(|input| self.nodes[*input].client != this.client)
    }

    // --- what the user does --------------------------------------------------------------------------------------

    pub(crate) fn cancel(&mut self, node: usize) -> Cancel {
        if !self.is_pending(node) {
            Cancel::Nothing
        } else if self.is_surely_pending(node) {
            self.cancel_for_sure(node);
            Cancel::Certain
        } else {
            self.nodes[node].state = State::Pending { may_be_cancelled: true };
            Cancel::Perhaps
        }
    }

    /// What depends on it and cannot have ended has ended too.
    fn cancel_for_sure(&mut self, first: usize) {
        let mut next = vec![first];
        while let Some(node) = next.pop() {
            let pending: Vec<_> = (node + 1..self.nodes.len())
                .filter(|other| self.nodes[*other].inputs.contains(&node) && self.is_surely_pending(*other))
                .collect();
            self.nodes[node].state = State::Ended(vec![Outcome::Cancelled]);
            next.extend(pending);
        }
    }

    /// Nobody holds it any more but the tasks that take it. A task that nobody needs may not run.
    pub(crate) fn drop_handle(&mut self, node: usize) {
        self.nodes[node].is_held = false;
    }

    pub(crate) fn detach(&mut self, node: usize) {
        self.nodes[node].is_detached = true;
    }

    /// A view of a keyed task is given up.
    pub(crate) fn end_unseen(&mut self, node: usize) {
        self.nodes[node].state = State::Ended(vec![Outcome::Cancelled]);
    }

    /// Gives the tasks that are cancelled for sure.
    pub(crate) fn close(&mut self, client: usize) -> Vec<usize> {
        let own: Vec<_> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].client == client && !self.is_keyed(*node) && self.is_pending(*node))
            .collect();
        let detached = own.iter().copied().filter(|node| self.nodes[*node].is_detached);
        let (sure, unsure): (Vec<_>, Vec<_>) = detached.partition(|node| self.is_surely_pending(*node));
        let (needed, perhaps) = (self.with_inputs(sure), self.with_inputs(unsure));
        let mut certain = Vec::new();
        for node in own.into_iter().filter(|node| !needed.contains(node)) {
            if self.is_surely_pending(node) && !perhaps.contains(&node) {
                certain.push(node);
            } else if self.is_pending(node) {
                self.nodes[node].state = State::Pending { may_be_cancelled: true };
            }
        }
        for node in &certain {
            self.nodes[*node].state = State::Ended(vec![Outcome::Cancelled]);
        }
        certain
    }

    fn with_inputs(&self, mut next: Vec<usize>) -> Vec<usize> {
        let mut all = Vec::new();
        while let Some(node) = next.pop() {
            all.push(node);
            next.extend(&self.nodes[node].inputs);
        }
        all
    }

    /// Whether it is the task behind the views of a key.
    fn is_keyed(&self, node: usize) -> bool {
        self.nodes.get(node + 1).is_some_and(|next| matches!(next.role, Role::View) && next.inputs == [node])
    }

    /// Everything is cancelled, also what has ended.
    pub(crate) fn restart(&mut self) {
        for node in &mut self.nodes {
            node.state = State::Ended(vec![Outcome::Cancelled]);
        }
    }

    /// A failed task is run again, with those of its inputs that failed. Nothing if there is something that is not known.
    pub(crate) fn retry(&mut self, node: usize) -> Option<Retry> {
        if !matches!(self.ended(node)?, Outcome::Failed { .. }) {
            return Some(Retry::NotFailed);
        }
        let (mut next, mut failed) = (vec![node], Vec::new());
        let mut is_repeatable = true;
        while let Some(node) = next.pop() {
            // What cannot have ended has not failed.
            if self.is_surely_pending(node) {
                continue;
            }
            let outcome = self.ended(node)?;
            if matches!(outcome, Outcome::Value(_)) || failed.contains(&node) {
                continue;
            }
            if self.foreign_input(node).is_some() {
                return None;
            }
            is_repeatable &= self.nodes[node].has_call(node, outcome);
            next.extend(&self.nodes[node].inputs);
            failed.push(node);
        }
        if !is_repeatable {
            return Some(Retry::NotRepeatable);
        }
        // Whether one that waits for them has heard of their failure yet is a matter of time.
        let takes_one = |node: &Node| node.inputs.iter().any(|input| failed.contains(input));
        if (0..self.nodes.len()).any(|node| self.is_pending(node) && takes_one(&self.nodes[node])) {
            return None;
        }
        for node in failed {
            let is_blocked = self.is_blocked;
            let node = &mut self.nodes[node];
            (node.state, node.is_blocked) = (State::Pending { may_be_cancelled: false }, is_blocked);
            // The engine let it go when it failed.
            node.is_detached = false;
        }
        Some(Retry::Accepted)
    }

    // --- the end -------------------------------------------------------------------------------------------------

    /// What a task may have come to, now that all have ended and those before it are settled.
    pub(crate) fn allowed(&self, node: usize) -> Vec<Outcome> {
        let this = &self.nodes[node];
        let may_be_cancelled = match &this.state {
            State::Ended(outcomes) => return outcomes.clone(),
            State::Pending { may_be_cancelled } => *may_be_cancelled,
        };
        let mut allowed = Vec::new();
        let (mut sum, mut can_run) = (0, true);
        for input in &this.inputs {
            if Some(*input) == self.foreign_input(node) {
                allowed.push(Outcome::Failed { kind: Kind::Foreign, at: *input });
                can_run = false;
                break;
            }
            let State::Ended(outcomes) = &self.nodes[*input].state else { unreachable!("inputs come first") };
            let mut has_value = false;
            for outcome in outcomes {
                match outcome {
                    Outcome::Value(value) => {
                        sum += value;
                        has_value = true;
                    }
                    failure => allowed.push(*failure),
                }
            }
            can_run &= has_value;
        }
        if can_run {
            allowed.push(this.outcome_of_run(node, sum));
        }
        if may_be_cancelled {
            allowed.push(Outcome::Cancelled);
        }
        allowed
    }

    /// A task has come to this, or, if nobody could see it, to one of what is allowed. Gives the runs that must have
    /// ended by now, if that is known.
    pub(crate) fn settle(&mut self, node: usize, seen: Option<Outcome>) -> Option<u32> {
        let allowed = seen.map_or_else(|| self.allowed(node), |outcome| vec![outcome]);
        let was_pending = self.is_pending(node);
        let is_unneeded = !self.nodes[node].is_held && !self.nodes[node].is_detached && seen.is_none();
        let may_be_cancelled = self.nodes[node].may_be_cancelled();
        self.nodes[node].state = State::Ended(allowed);
        let outcome = self.ended(node)?;
        let this = &mut self.nodes[node];
        let has_run = match outcome {
            Outcome::Value(_) => true,
            Outcome::Failed { kind: Kind::Planned | Kind::Panicked, at } => at == node,
            _ => false,
        };
        if was_pending && has_run {
            this.used = this.used_after_run();
        }
        (has_run && !is_unneeded && !may_be_cancelled && matches!(this.role, Role::Task { .. })).then_some(this.used)
    }
}

impl Node {
    fn may_be_cancelled(&self) -> bool {
        matches!(self.state, State::Pending { may_be_cancelled: true })
    }

    fn is_asynchronous(&self) -> bool {
        matches!(self.role, Role::View | Role::Task { work: Work { is_asynchronous: true, .. }, .. })
    }

    fn is_unrunnable(&self) -> bool {
        matches!(self.role, Role::Task { terms: Terms { gpus, .. }, .. } if gpus > GPUS)
    }

    fn can_fail(&self) -> bool {
        self.is_unrunnable() || matches!(self.role, Role::Task { work, .. } if work.failures > 0)
    }

    fn has_call(&self, node: usize, outcome: Outcome) -> bool {
        match (&self.role, outcome) {
            (_, Outcome::Cancelled) => false,
            (Role::View, _) => true,
            (Role::Task { keeps_call, .. }, Outcome::Failed { kind: Kind::Planned | Kind::Panicked, at }) => {
                *keeps_call || at != node
            }
            _ => true,
        }
    }

    /// How many runs it takes until it succeeds or has no retries left.
    fn used_after_run(&self) -> u32 {
        match &self.role {
            Role::Task { work, terms, .. } => (work.failures.max(self.used) + 1).min(self.used + terms.retries + 1),
            Role::View => 0,
        }
    }

    fn outcome_of_run(&self, node: usize, sum: i64) -> Outcome {
        match &self.role {
            Role::View => Outcome::Value(sum),
            Role::Task { .. } if self.is_unrunnable() => Outcome::Failed { kind: Kind::NoResource, at: node },
            Role::Task { value, work, .. } if self.used_after_run() > work.failures => Outcome::Value(value + sum),
            Role::Task { work, .. } => {
                let kind = if work.panics { Kind::Panicked } else { Kind::Planned };
                Outcome::Failed { kind, at: node }
            }
        }
    }
}
