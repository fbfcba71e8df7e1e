//! A client's connection to a Dask scheduler.
//!
//! [`ClientState`] is what the client knows of its keys and of the connection. It reads no socket and no clock: the shell around
//! it hands in events and carries out actions. What goes to the scheduler is encoded in `messages` and `graph`.
//!
//! The shell's loop:
//!
//! 1. Hand each event to [`ClientState::handle`], then drain [`ClientState::poll_action`].
//! 2. When the socket of the stream is free and [`ClientState::wants_flush`] says so, write what
//!    [`ClientState::poll_flush`] gives, and drain the actions again. There is no timed batching: what has come up since
//!    the last write is one message.
//! 3. Keep one timer, at the time that the last [`Action::SetTimer`] said, and hand in [`Event::Timer`] when it fires.
//! 4. When a connection has been made and both handshakes are over, hand in [`Event::Connected`]; when it ends,
//!    [`Event::ConnectionLost`]. Requests of the ended connection need no answers.

mod acting;
mod action;
mod alarm;
mod connection;
mod conversation;
mod driver;
mod entering;
mod event;
mod failure;
mod graph;
mod messages;
mod opening;
mod requesting;
pub(crate) mod requests;
mod scatter;
mod state;
mod submission;
mod submit;
mod task;
#[cfg(test)]
mod tests;
mod version;

pub(crate) use connection::Connection;
pub(crate) use opening::Opening;
pub(crate) use scatter::{Placement, Scatterer};

pub(crate) use action::{Action, ConnectError, Loss, Outcome, Report, RpcId};
pub(crate) use event::{Broadcast, Event, Scatter, Through};
pub use requests::WorkerInfo;
pub use state::OnLost;
pub(crate) use state::{ClientState, Config};
pub(crate) use submission::{Argument, Submission, TaskOptions, Work};
pub(crate) use version::Version;
