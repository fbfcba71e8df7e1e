//! What the worker may do.

use super::{Model, OWN, RunningBody};
use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::{Action, Message, RunId, StealState};

impl Model {
    /// Carries out the actions, and holds each against what is known.
    pub(super) fn drain(&mut self) {
        while let Some(action) = self.state.poll_action() {
            self.state.validate();
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: Action<crate::engine::dask::worker::state::tests::bench::Token>) {
        match action {
            Action::Send(message) => self.hear(message),
            Action::Execute { body, key, run_id, call, inputs } => {
                assert_eq!(self.awaited.get(&key), Some(&run_id), "{key} runs for nobody");
                assert!(!self.python.contains(&key), "{key} is of Python");
                let gpus = self.state.bodies[&body].amounts.get("gpu").copied().unwrap_or_default();
                if let Ok(call) = &call {
                    assert!(inputs.iter().map(|input| &input.key).eq(call.inputs.iter()), "inputs of {key}");
                }
                self.bodies.insert(body, RunningBody { key, gpus, has_seceded: false, was_cancelled: false });
                let slots = self.bodies.values().filter(|body| !body.has_seceded).count();
                assert!(slots <= self.nthreads, "more bodies than threads");
                assert!(self.bodies.values().map(|body| body.gpus).sum::<f64>() <= 2.0, "more than there are");
            }
            Action::Cancel(body) => {
                let body = self.bodies.get_mut(&body).expect("what is cancelled runs");
                assert!(!std::mem::replace(&mut body.was_cancelled, true), "a body is told once");
            }
            Action::Fetch { transfer, peer, keys } => {
                assert!(self.state.standing.is_running() && &*peer != OWN);
                assert!(self.transfers.values().all(|(asked, _)| *asked != peer), "{peer} is asked twice at once");
                for key in &keys {
                    assert!(self.said[key].contains(&peer), "nobody said that {peer} has {key}");
                    let task = &self.state.table.tasks[key];
                    assert_eq!(task.state.word(), "flight", "nobody needs {key}");
                }
                assert!(!keys.is_empty() && (self.transfers.is_empty() || self.state.incoming_bytes <= 25));
                self.transfers.insert(transfer, (peer, keys));
            }
            Action::Drop(_) => {}
            Action::DeclinePython(keys) => {
                assert!(!std::mem::replace(&mut self.declining, true), "one request at a time");
                assert!(!keys.is_empty() && keys.iter().all(|key| self.python.contains(key)));
            }
            Action::SetTimer(at) => self.timer = Some(at.since_epoch().as_secs_f64()),
            Action::Retire | Action::Stop { .. } => panic!("nobody asked it to leave"),
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::TaskFinished { key, run_id, .. } | Message::TaskErred { key, run_id, .. } => {
                self.answered(&key, run_id)
            }
            Message::LongRunning { key, run_id, .. } => assert_eq!(self.awaited.get(&key), Some(&run_id)),
            Message::Reschedule(key) => {
                assert!(self.awaited.remove(&key).is_some(), "{key} is given back by who does not have it");
            }
            Message::StealResponse { key, state, .. } => {
                let is_assigned = !matches!(state, None | Some(StealState::Memory));
                assert_eq!(self.awaited.contains_key(&key), is_assigned, "{key} is said to be {state:?}");
                if state.is_some_and(StealState::is_given_away) {
                    self.awaited.remove(&key);
                }
            }
            Message::RequestRefreshWhoHas(keys) => self.asked_where.extend(keys),
            Message::AddKeys(_) | Message::ReleaseWorkerData(_) | Message::StatusChange(_) => {}
            Message::CloseStream => panic!("nobody asked it to"),
        }
    }

    fn answered(&mut self, key: &TaskKey, run_id: RunId) {
        assert_eq!(self.awaited.remove(key), Some(run_id), "answer of {key}");
    }

    /// Without what is only decided when it is polled: that waits for the end of the batch.
    pub(super) fn hear_what_is_decided(&mut self) {
        while let Some(action) = self.state.actions.pop_front() {
            self.carry_out(action);
        }
    }
}
