use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::requests::Held;
use super::*;
use crate::runtime::TaskHandle;

/// Answers with what it is told.
#[derive(Clone, Default)]
pub(super) struct Echo {
    peers: Arc<Mutex<BTreeSet<Address>>>,
    held: Arc<AtomicUsize>,
}

impl Echo {
    /// How many connections have sent requests.
    pub(super) fn peers(&self) -> usize {
        self.peers.lock().unwrap().len()
    }

    /// How many data are not acknowledged.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

impl Handler for Echo {
    async fn handle(&self, peer: &Address, request: Value) -> Answer {
        self.peers.lock().unwrap().insert(peer.clone());
        match request.get("op").and_then(Value::as_str) {
            Some("echo") => Answer::Reply(request.get("data").cloned().unwrap_or(Value::Nil)),
            Some("never") => std::future::pending().await,
            Some("panic") => panic!("as it was told"),
            Some("terminate") => Answer::ReplyAndClose("OK".into()),
            Some("get_data") => Answer::Data { reply: datum(1_000_000), held: Box::new(Held::new(&self.held)) },
            Some("fail") => Answer::Reply(Value::map([
                ("status", "uncaught-error".into()),
                ("exception_text", "ValueError('no')".into()),
                ("traceback_text", "".into()),
            ])),
            _ => Answer::Reply(Value::Nil),
        }
    }
}

/// Serves for as long as the process lives: the tests' runtimes are lent or end with it.
pub(super) async fn serve<R: Runtime>(runtime: &R) -> (Address, Echo) {
    let handler = Echo::default();
    let listener = Listener::bind(runtime.clone(), ([127, 0, 0, 1], 0).into(), None).await.unwrap();
    let address = listener.address().clone();
    runtime.spawn(listener.serve(handler.clone())).detach();
    (address, handler)
}

on_every_runtime! {
    async fn a_request_that_wants_no_reply_gets_none(runtime) {
        let (address, _) = serve(&runtime).await;
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        let silent = Value::map([("op", "echo".into()), ("reply", false.into()), ("data", Value::Int(1))]);
        comm.write(&silent).await.unwrap();
        comm.write(&request("echo", [("data", Value::Int(2))])).await.unwrap();
        assert_eq!(comm.read().await.unwrap(), Value::Int(2));
    }

    async fn a_connection_ends_when_a_request_or_its_answer_says_so(runtime) {
        let (address, _) = serve(&runtime).await;
        let connector = plain(&runtime).await;
        let closes = request("echo", [("data", Value::Int(1)), ("close", true.into())]);
        for (message, reply) in [(closes, Value::Int(1)), (request("terminate", []), "OK".into())] {
            let mut comm = connector.connect(&address).await.unwrap();
            comm.write(&message).await.unwrap();
            assert_eq!(comm.read().await.unwrap(), reply);
            assert!(matches!(comm.read().await, Err(CommError::Closed { .. })));
        }
        let mut comm = connector.connect(&address).await.unwrap();
        comm.write(&Value::map([("op", "close".into()), ("reply", false.into())])).await.unwrap();
        assert!(matches!(comm.read().await, Err(CommError::Closed { .. })));
    }

    async fn what_is_no_request_ends_its_connection_and_no_other(runtime) {
        let (address, _) = serve(&runtime).await;
        let connector = plain(&runtime).await;
        let mut other = connector.connect(&address).await.unwrap();
        for message in [Value::Nil, "what".into(), Value::List(vec![Value::Int(1)]), Value::map([("op", Value::Int(1))])] {
            let mut comm = connector.connect(&address).await.unwrap();
            comm.write(&message).await.unwrap();
            assert!(matches!(comm.read().await, Err(CommError::Closed { .. })));
        }
        let mut stranger = runtime.connect(&address.to_tcp().parse().unwrap()).await.unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        while !read_some(&mut stranger).await.is_empty() {}
        other.write(&request("echo", [("data", Value::Int(1))])).await.unwrap();
        assert_eq!(other.read().await.unwrap(), Value::Int(1));
    }

    async fn a_handler_that_panics_costs_one_connection(runtime) {
        let (address, _) = serve(&runtime).await;
        let connector = plain(&runtime).await;
        let mut comm = connector.connect(&address).await.unwrap();
        comm.write(&request("panic", [])).await.unwrap();
        assert!(matches!(comm.read().await, Err(CommError::Closed { .. })));
        let mut comm = connector.connect(&address).await.unwrap();
        comm.write(&request("echo", [("data", Value::Int(1))])).await.unwrap();
        assert_eq!(comm.read().await.unwrap(), Value::Int(1));
    }

    async fn strangers_who_say_nothing_are_dropped_and_keep_nobody_out(runtime) {
        let listener = Listener::bind(runtime.clone(), ([127, 0, 0, 1], 0).into(), None).await.unwrap();
        let listener = listener.with_hello_limit(Duration::from_millis(200));
        let address = listener.address().clone();
        let _server = runtime.spawn(listener.serve(Echo::default()));
        let endpoint = address.to_tcp().parse().unwrap();
        let mut strangers = Vec::new();
        // More than may wait at once.
        for _ in 0..100 {
            strangers.push(runtime.connect(&endpoint).await.unwrap());
        }
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        comm.write(&request("echo", [("data", Value::Int(1))])).await.unwrap();
        assert_eq!(comm.read().await.unwrap(), Value::Int(1));
        for mut stranger in strangers {
            while !read_some(&mut stranger).await.is_empty() {}
        }
    }

    async fn a_connection_that_rests_for_too_long_is_closed(runtime) {
        let listener = Listener::bind(runtime.clone(), ([127, 0, 0, 1], 0).into(), None).await.unwrap();
        let listener = listener.with_idle_limit(Duration::from_millis(200));
        let address = listener.address().clone();
        let _server = runtime.spawn(listener.serve(Echo::default()));
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        comm.write(&request("echo", [("data", Value::Int(1))])).await.unwrap();
        assert_eq!(comm.read().await.unwrap(), Value::Int(1));
        assert!(matches!(comm.read().await, Err(CommError::Closed { .. })));
    }

    async fn dropping_the_server_closes_its_connections(runtime) {
        let listener = Listener::bind(runtime.clone(), ([127, 0, 0, 1], 0).into(), None).await.unwrap();
        let address = listener.address().clone();
        let server = runtime.spawn(listener.serve(Echo::default()));
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        drop(server);
        assert!(comm.read().await.is_err());
    }
}
