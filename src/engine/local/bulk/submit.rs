//! Maps: how items come in.

use std::panic::Location;
use std::sync::{Arc, Mutex};

use crate::engine::local::bulk::item::Item;
use crate::engine::local::bulk::{AnyBulk, Bulk, ITEM_NBYTES_MAX, ITEMS_MAX, ITEMS_MIN, State};
use crate::engine::local::clients::ClientState;
use crate::engine::local::close::cancel;
use crate::engine::local::job::Job;
use crate::engine::local::parking::lock;
use crate::engine::local::trace::Trace;
use crate::task::{Arguments, Each, IntoArgs, TaskFn, TaskFuture, TypedItems};

/// What a map over `I` keeps the arguments of a call as.
type ArgumentsOf<I, Args> = <<I as Iterator>::Item as IntoArgs<Args>>::Arguments;

/// The items of a map of `F` over `I`.
type ItemOf<F, I, Args> = Item<<F as TaskFn<Args>>::Output, F, ArgumentsOf<I, Args>, Args>;

impl ClientState {
    /// Submits a call for each item, without options.
    ///
    /// Each is submitted when it has been read, but for those of an iterator that knows its length: of these, as many are
    /// read at once as have been submitted, up to [`ITEMS_MAX`], and become a bulk if they can.
    pub(crate) fn map<F, I, Args>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        function: F,
        items: I,
    ) -> Vec<TaskFuture<F::Output>>
    where
        F: TaskFn<Args> + Sync,
        I: Iterator,
        I::Item: IntoArgs<Args>,
        Args: 'static,
    {
        let mut items = items;
        let (least, most) = items.size_hint();
        let is_bulk = most == Some(least) && can_be_bulk::<F, I, Args>();
        // One that is refused is told by each future.
        #[cfg(feature = "dask")]
        let is_bulk = is_bulk && function.refusal().is_none();
        let function = Arc::new(function);
        let mut futures = Vec::with_capacity(least);
        loop {
            let portion = futures.len().min(least.saturating_sub(futures.len())).min(ITEMS_MAX);
            if !is_bulk || portion < ITEMS_MIN || self.refuses() {
                let Some(item) = items.next() else { return futures };
                let (each, arguments) = (Each::new(&function), item.into_args());
                futures.push(self.submit_from(location, "map", each, arguments, None, None));
                continue;
            }
            let mut read = Vec::with_capacity(portion);
            read.extend(items.by_ref().take(portion).map(|item| Item::ready(item.into_args())));
            if read.is_empty() {
                return futures;
            }
            self.enter_bulk(location, &function, read.into_boxed_slice(), &mut futures);
        }
    }

    fn enter_bulk<T, F, A, Args>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        function: &Arc<F>,
        items: Box<[Item<T, F, A, Args>]>,
        futures: &mut Vec<TaskFuture<T>>,
    ) where
        T: Send + Sync + 'static,
        F: TaskFn<Args, Output = T> + Sync,
        A: Arguments<Args>,
        Args: 'static,
    {
        let count = items.len();
        let (lease, engine) = (self.lease_for(count as u64), self.engine());
        let bulk = Arc::<Bulk<T, F, A, Args>>::new_cyclic(|me| Bulk {
            me: me.clone(),
            lease,
            location,
            row: lock(&engine.bulks.0).insert(me.clone()),
            state: Mutex::new(State {
                items,
                next: 0,
                ready: count,
                function: Some(Arc::clone(function)),
                watching: Vec::new(),
            }),
        });
        let item = |index| TaskFuture::of_item(Arc::clone(&bulk) as Arc<dyn TypedItems<T>>, index as u32);
        futures.extend((0..count).map(item));
        engine.queue_plain(Job::Bulk(Arc::clone(&bulk) as Arc<dyn AnyBulk>));
        // As one that is submitted: whoever closes says so first and looks second.
        if self.refuses() {
            let reason = self.lifecycle.reason().into();
            bulk.single_out_all(true);
            for index in 0..count {
                let task = bulk.become_single(&mut bulk.lock(), index);
                // Without the lock: arguments are dropped with it.
                cancel(task, &reason);
            }
        }
    }
}

/// Whether the items need nothing that only a task by itself has.
fn can_be_bulk<F, I, Args>() -> bool
where
    F: TaskFn<Args>,
    I: Iterator,
    I::Item: IntoArgs<Args>,
{
    !F::ASYNCHRONOUS
        && <ArgumentsOf<I, Args> as Arguments<Args>>::ARE_PLAIN
        // Arguments that are nothing are kept for a retry.
        && size_of::<ArgumentsOf<I, Args>>() > 0
        && size_of::<ItemOf<F, I, Args>>() <= ITEM_NBYTES_MAX
        && !Trace::is_wanted()
}
