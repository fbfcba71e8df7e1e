use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use crate::erased::BoxFuture;
use crate::erased::spawner::{AnyValue, DynTask};
use crate::erased::transport::{DynListener, DynStream};
use crate::{BlockOn, Endpoint, Instant, NestedBlockOn, Runtime, Shutdown, ShutdownReport};

/// The traits of a runtime without what an object cannot have: type parameters and associated types.
pub(crate) trait Mirror: Debug + Send + Sync {
    fn spawn(&self, future: BoxFuture<'static, AnyValue>) -> Box<dyn DynTask>;
    fn spawn_blocking(&self, work: Box<dyn FnOnce() -> AnyValue + Send>) -> Box<dyn DynTask>;
    fn now(&self) -> Instant;
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn DynStream>>>;
    fn bind<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn DynListener>>>;
    fn name(&self) -> &'static str;
    fn in_async_context(&self) -> bool;
    fn block_on(&self, future: Pin<&mut dyn Future<Output = ()>>) -> Result<(), NestedBlockOn>;
    fn shutdown(&self, grace: Duration) -> BoxFuture<'_, ShutdownReport>;
}

impl<R: Runtime + BlockOn + Shutdown> Mirror for R {
    fn spawn(&self, future: BoxFuture<'static, AnyValue>) -> Box<dyn DynTask> {
        Box::new(self.spawn(future))
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() -> AnyValue + Send>) -> Box<dyn DynTask> {
        Box::new(self.spawn_blocking(work))
    }

    fn now(&self) -> Instant {
        self.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep_until(deadline))
    }

    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn DynStream>>> {
        Box::pin(async move { Ok(Box::new(self.connect(endpoint).await?) as Box<dyn DynStream>) })
    }

    fn bind<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn DynListener>>> {
        Box::pin(async move { Ok(Box::new(self.bind(endpoint).await?) as Box<dyn DynListener>) })
    }

    fn name(&self) -> &'static str {
        self.name()
    }

    fn in_async_context(&self) -> bool {
        self.in_async_context()
    }

    fn block_on(&self, future: Pin<&mut dyn Future<Output = ()>>) -> Result<(), NestedBlockOn> {
        self.block_on(future)
    }

    fn shutdown(&self, grace: Duration) -> BoxFuture<'_, ShutdownReport> {
        Box::pin(self.shutdown(grace))
    }
}
