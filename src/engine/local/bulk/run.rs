//! How threads run the items of a bulk.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::Error;
use crate::engine::local::bulk::item::{Single, Stage};
use crate::engine::local::bulk::watching::Told;
use crate::engine::local::bulk::{Bulk, State};
use crate::engine::local::failing::leave_body;
use crate::engine::local::node::Node;
use crate::engine::local::panics::{BodyPanic, catch};
use crate::engine::local::release::drop_in_turn;
use crate::task::{Arguments, Call, Entry, Items, Stored, TaskFn, context};

/// What a thread does next.
enum Next<T, F, A, Args> {
    /// Calls the function for an item.
    Call(usize, A),
    /// Runs a task that an item has become.
    Single(usize, Arc<Single<T, F, A, Args>>),
    /// Nothing here.
    Nothing,
}

/// What is left to be done when a body has ended.
enum Unfinished<T> {
    /// To end the task that the item has become.
    SingledOut(T),
    /// To put its value in, after the thread has let go of the function, which it needs no more.
    Left(T),
    /// To tell those who waited for it.
    ToTell(Told),
    /// To have it fail.
    Failed(Called<T>),
}

/// How the body of an item has ended.
type Called<T> = Result<Result<Call<T>, Error>, BodyPanic>;

impl<T, F, A, Args> State<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    /// How many no thread has looked at.
    pub(super) fn unseen(&self) -> usize {
        self.items.len() - self.next
    }

    /// Takes the first item that has not begun.
    fn start(&mut self) -> Next<T, F, A, Args> {
        while let Some(item) = self.items.get_mut(self.next) {
            let index = self.next;
            self.next += 1;
            match std::mem::replace(&mut item.stage, Stage::Running) {
                Stage::Ready(arguments) => {
                    // Not the last reference: the thread that calls this has one.
                    drop(self.one_ready_less());
                    return Next::Call(index, arguments);
                }
                Stage::Single(task) => {
                    item.stage = Stage::Single(Arc::clone(&task));
                    return Next::Single(index, task);
                }
                // Nobody holds it.
                other => item.stage = other,
            }
        }
        Next::Nothing
    }
}

impl<T, F, A, Args> Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    pub(super) fn run_items(self: &Arc<Self>, goes_on: &mut dyn FnMut() -> bool) {
        let lifecycle = &self.lease.client().lifecycle;
        let current = Rc::new(Cell::new(0));
        let enter = || context::enter_items(Arc::clone(self) as Arc<dyn Items>, Rc::clone(&current));
        let mut entered = None;
        let (mut function, mut next) = {
            let mut state = self.lock();
            (state.function.clone(), state.start())
        };
        loop {
            next = match next {
                Next::Nothing => return,
                Next::Single(index, task) => {
                    entered = None;
                    task.run();
                    self.forget(index);
                    self.next_if(goes_on())
                }
                Next::Call(index, arguments) => {
                    current.set(index as u32);
                    entered.get_or_insert_with(enter);
                    // Whatever runs of the user's runs in here.
                    let Some(call) = &function else { unreachable!("there is one as long as an item is ready") };
                    let called = catch(|| Ok(call.call(arguments.take()?)));
                    let goes_on_now = goes_on();
                    let finished = match called {
                        Ok(Ok(Call::Returned(Ok(value)))) => self.finish(index, value, goes_on_now, true),
                        other => Err(Unfinished::Failed(other)),
                    };
                    let next = finished.unwrap_or_else(|unfinished| {
                        // Who is told is outside of the body.
                        entered = None;
                        // As of a task: its function goes before anybody hears of its end.
                        if !goes_on_now || self.lock().ready == 0 {
                            drop_in_turn(function.take());
                        }
                        self.go_on(index, unfinished);
                        self.next_if(goes_on_now && goes_on())
                    });
                    if lifecycle.is_closing() {
                        entered = None;
                        lifecycle.handle_exit();
                    }
                    next
                }
            }
        }
    }

    fn next_if(&self, goes_on: bool) -> Next<T, F, A, Args> {
        if goes_on { self.lock().start() } else { Next::Nothing }
    }

    /// Puts the value of an item in and takes the next item, under one lock; or says what is to be done besides.
    fn finish(
        &self,
        index: usize,
        value: T,
        goes_on: bool,
        has_function: bool,
    ) -> Result<Next<T, F, A, Args>, Unfinished<T>> {
        let mut state = self.lock();
        let is_leaving = has_function && (!goes_on || state.ready == 0);
        let item = &mut state.items[index];
        if matches!(item.stage, Stage::Single(_)) {
            return Err(Unfinished::SingledOut(value));
        }
        if is_leaving {
            return Err(Unfinished::Left(value));
        }
        item.stage = Stage::Finished(Stored::Owned(value));
        if !state.watching.is_empty() {
            let told = state.ended(index, false);
            if !told.is_empty() {
                return Err(Unfinished::ToTell(told));
            }
        }
        Ok(if goes_on { state.start() } else { Next::Nothing })
    }

    #[cold]
    fn go_on(self: &Arc<Self>, index: usize, unfinished: Unfinished<T>) {
        match unfinished {
            Unfinished::SingledOut(value) => {
                let task = self.become_single(&mut self.lock(), index);
                self.end(index, task, Ok(value));
            }
            Unfinished::Left(value) => {
                if let Err(unfinished) = self.finish(index, value, false, false) {
                    self.go_on(index, unfinished);
                }
            }
            Unfinished::ToTell(told) => told.notify(&Ok(())),
            Unfinished::Failed(called) => self.fail(index, called),
        }
    }

    /// A failure goes the way of a task's, whose call is kept and whose error is told.
    fn fail(self: &Arc<Self>, index: usize, called: Called<T>) {
        let task = self.become_single(&mut self.lock(), index);
        let error = match called {
            Err(panic) => panic.into_error(task.key()),
            Ok(Err(error)) => error,
            Ok(Ok(Call::Returned(Err(source)))) => task.failed(source),
            Ok(Ok(Call::Returned(Ok(_)) | Call::Future(_))) => {
                unreachable!("a value is no failure, and an asynchronous task is no item")
            }
        };
        self.end(index, task, Err(error));
    }

    /// Ends the body of an item that has become a task meanwhile.
    fn end(self: &Arc<Self>, index: usize, task: Arc<Single<T, F, A, Args>>, result: Result<T, Error>) {
        leave_body(&(Arc::clone(&task) as Arc<dyn Node>));
        // The first attempt: one that is not over is not retried. And no run follows without options that say so.
        let again = task.end_run(0, result, None);
        debug_assert!(again.is_none(), "an item has no retries");
        self.lock().items[index].is_called = false;
        self.forget(index);
    }
}
