use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::listening::serve;
use super::*;

fn echo(number: i64) -> Value {
    request("echo", [("data", number.into())])
}

on_every_runtime! {
    async fn many_requests_go_over_one_connection(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::new(plain(&runtime).await);
        for number in 0..1000 {
            assert_eq!(pool.call(&address, &echo(number)).await.unwrap(), number.into());
        }
        assert_eq!(handler.peers(), 1);
    }

    async fn requests_at_the_same_time_have_a_connection_each_and_no_more_than_allowed(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::with_max(plain(&runtime).await, 3);
        let calls: Vec<_> = (0..50)
            .map(|number| {
                let (pool, address) = (pool.clone(), address.clone());
                runtime.spawn(async move { pool.call(&address, &echo(number)).await.unwrap() })
            })
            .collect();
        for (number, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap(), Value::Int(number));
        }
        assert!(handler.peers() <= 3, "{}", handler.peers());
    }

    async fn idle_connections_make_room_for_other_peers(runtime) {
        let pool = Pool::with_max(plain(&runtime).await, 2);
        let mut served = Vec::new();
        for _ in 0..4 {
            served.push(serve(&runtime).await);
        }
        for round in 0..3 {
            for (address, _) in &served {
                assert_eq!(pool.call(address, &echo(round)).await.unwrap(), round.into());
            }
        }
    }

    async fn a_request_dropped_half_way_costs_its_connection_and_no_answer_is_mixed_up(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::new(plain(&runtime).await);
        assert_eq!(pool.call(&address, &echo(1)).await.unwrap(), Value::Int(1));
        let never = request("never", []);
        {
            let dropped = pin!(pool.call(&address, &never));
            assert!(runtime.timeout(Duration::from_millis(50), dropped).await.is_err());
        }
        assert_eq!(pool.call(&address, &echo(2)).await.unwrap(), Value::Int(2));
        assert_eq!(handler.peers(), 2);

        let mut lent = pool.lend(&address).await.unwrap();
        assert!(runtime.timeout(Duration::from_millis(50), lent.call(&never)).await.is_err());
        assert!(matches!(lent.call(&echo(3)).await, Err(CommError::HalfWay { .. })));
    }

    async fn an_exception_of_the_peer_is_typed_and_the_connection_goes_on(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::new(plain(&runtime).await);
        let error = pool.call(&address, &request("fail", [])).await.unwrap_err();
        let CommError::Remote(remote) = &error else { panic!("{error:?}") };
        assert_eq!((&*remote.op, &*remote.exception_text), ("fail", "ValueError('no')"));
        assert!(error.to_string().contains("`fail` failed at tcp://127.0.0.1"), "{error}");
        assert_eq!(pool.call(&address, &echo(2)).await.unwrap(), Value::Int(2));
        assert_eq!(handler.peers(), 1);
    }

    async fn an_idle_connection_that_the_peer_has_closed_is_not_used(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let (closed, is_closed) = async_channel::bounded(1);
        let peer = runtime.spawn(async move {
            for round in 0..2_i64 {
                let (stream, from) = listener.accept().await.unwrap();
                let from = "tcp://127.0.0.1:1".parse().unwrap_or_else(|_| panic!("{from}"));
                let mut comm = Comm::accept(stream, None, &from).await.unwrap();
                comm.read().await.unwrap();
                comm.write(&round.into()).await.unwrap();
                drop(comm);
                let _ = closed.send(()).await;
            }
        });
        let pool = Pool::new(plain(&runtime).await);
        assert_eq!(pool.call(&address, &echo(0)).await.unwrap(), Value::Int(0));
        is_closed.recv().await.unwrap();
        // The loopback interface has delivered the end; the runtime may have yet to hear of it.
        runtime.sleep(Duration::from_millis(20)).await;
        assert_eq!(pool.call(&address, &echo(1)).await.unwrap(), Value::Int(1));
        peer.await.unwrap();
    }

    async fn a_pool_takes_leave_and_then_lends_nothing(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::new(plain(&runtime).await);
        assert_eq!(pool.call(&address, &echo(1)).await.unwrap(), Value::Int(1));
        let lent = pool.lend(&address).await.unwrap();
        drop(lent);
        pool.close().await;
        assert!(matches!(pool.call(&address, &echo(2)).await, Err(CommError::PoolClosed)));
        assert_eq!(handler.peers(), 1);
    }

    async fn a_connect_that_fails_gives_its_place_back(runtime) {
        let (listener, nobody) = played(&runtime).await;
        drop(listener);
        let (address, _handler) = serve(&runtime).await;
        let pool = Pool::with_max(plain(&runtime).await.with_limit(Duration::from_millis(30)), 1);
        for _ in 0..3 {
            assert!(pool.call(&nobody, &echo(1)).await.is_err());
        }
        assert_eq!(pool.call(&address, &echo(2)).await.unwrap(), Value::Int(2));
    }

    async fn data_is_held_until_it_is_acknowledged(runtime) {
        let (address, handler) = serve(&runtime).await;
        let pool = Pool::new(plain(&runtime).await);
        let mut lent = pool.lend(&address).await.unwrap();
        assert_eq!(lent.call(&request("get_data", [])).await.unwrap(), datum(1_000_000));
        assert_eq!(handler.held(), 1);
        lent.send(&"OK".into()).await.unwrap();
        assert_eq!(lent.call(&echo(2)).await.unwrap(), Value::Int(2));
        assert_eq!(handler.held(), 0);
    }
}

/// Counts what is alive.
pub(super) struct Held(pub(super) Arc<AtomicUsize>);

impl Held {
    pub(super) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
