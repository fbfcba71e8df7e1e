//! What the worker promises, event by event; and under random events, in `model`.

mod bench;
mod declining;
mod fetching;
mod freeing;
mod leaving;
mod model;
mod running;
mod stealing;
