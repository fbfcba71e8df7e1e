use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;

on_every_runtime! {
    async fn messages_of_all_sizes_arrive_unchanged_and_in_order(runtime) {
        let (mut here, mut there) = pair(&runtime).await;
        let sizes = [0, 1, 100, 4096, 5000, 16 << 10, 300_000, 20 << 20, 7];
        let sender = runtime.spawn(async move {
            for nbytes in sizes {
                here.write(&Value::List(vec![datum(nbytes), "then".into()])).await.unwrap();
            }
            here
        });
        for nbytes in sizes {
            assert_eq!(there.read().await.unwrap(), Value::List(vec![datum(nbytes), "then".into()]));
        }
        sender.await.unwrap();
    }

    async fn what_is_fed_goes_out_with_one_flush(runtime) {
        let (here, mut there) = pair(&runtime).await;
        let (_reader, mut writer) = here.split();
        for number in 0..1000_i64 {
            writer.feed(&number.into()).unwrap();
        }
        assert!(writer.queued_nbytes() > 25_000);
        writer.flush().await.unwrap();
        assert_eq!(writer.queued_nbytes(), 0);
        for number in 0..1000_i64 {
            assert_eq!(there.read().await.unwrap(), number.into());
        }
    }

    async fn both_halves_work_at_the_same_time(runtime) {
        // More than the sockets hold: a side that only wrote, or only read, would wait for ever.
        const COUNT: i64 = 200;
        let (here, there) = pair(&runtime).await;
        let mut tasks = Vec::new();
        for (mut reader, mut writer) in [here.split(), there.split()] {
            tasks.push(runtime.spawn(async move {
                for _ in 0..COUNT {
                    writer.write(&datum(100_000)).await.unwrap();
                }
            }));
            tasks.push(runtime.spawn(async move {
                for _ in 0..COUNT {
                    assert_eq!(reader.read().await.unwrap(), datum(100_000));
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn a_read_that_is_dropped_loses_nothing(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let connecting = runtime.clone();
        let connected = runtime.spawn(async move { plain(&connecting).await.connect(&address).await.unwrap() });
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&hello_bytes()).await.unwrap();
        let mut comm = connected.await.unwrap();

        let message = Value::List(vec![datum(100_000), "end".into()]);
        let mut given = None;
        for piece in bytes_of(&message).chunks(9_999) {
            assert!(given.is_none());
            stream.write_all(piece).await.unwrap();
            // Each piece meets a read of its own, which is dropped after it has read what there is.
            given = runtime.timeout(Duration::from_millis(5), comm.read()).await.ok();
        }
        let given = match given {
            Some(given) => given.unwrap(),
            None => comm.read().await.unwrap(),
        };
        assert_eq!(given, message);
    }

    async fn a_flush_that_is_dropped_loses_nothing(runtime) {
        let (mut here, mut there) = pair(&runtime).await;
        let large = datum(20 << 20);
        {
            let mut write = pin!(here.write(&large));
            // Polled once, so that it has begun, and cannot have ended: sockets do not hold as much.
            let polled = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_pending())).await;
            assert!(polled);
        }
        let sender = runtime.spawn(async move {
            here.write(&"next".into()).await.unwrap();
            here
        });
        assert_eq!(there.read().await.unwrap(), large);
        assert_eq!(there.read().await.unwrap(), "next".into());
        sender.await.unwrap();
    }

    async fn after_a_close_the_rest_is_read_and_answers_still_come(runtime) {
        let (here, mut there) = pair(&runtime).await;
        let (mut reader, mut writer) = here.split();
        writer.feed(&"last".into()).unwrap();
        writer.close().await.unwrap();
        assert_eq!(there.read().await.unwrap(), "last".into());
        assert!(matches!(there.read().await, Err(CommError::Closed { in_message: false, .. })));
        there.write(&"answer".into()).await.unwrap();
        assert_eq!(reader.read().await.unwrap(), "answer".into());
    }

    async fn an_end_within_a_message_is_told_from_one_between_two(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let _peer = runtime.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&hello_bytes()).await.unwrap();
            let bytes = bytes_of(&datum(100_000));
            stream.write_all(&bytes[..50_000]).await.unwrap();
            read_some(&mut stream).await;
        });
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        assert!(matches!(comm.read().await, Err(CommError::Closed { in_message: true, .. })));
    }

    async fn garbage_after_the_hello_ends_the_connection(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let _peer = runtime.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&hello_bytes()).await.unwrap();
            stream.write_all(&[0xff; 64]).await.unwrap();
            read_to_the_end(&mut stream).await;
        });
        let mut comm = plain(&runtime).await.connect(&address).await.unwrap();
        for _ in 0..2 {
            let error = comm.read().await.unwrap_err();
            assert!(matches!(error, CommError::Malformed { .. }), "{error:?}");
        }
    }

    async fn a_write_to_a_peer_that_is_gone_fails_and_goes_on_failing(runtime) {
        let (mut here, there) = pair(&runtime).await;
        drop(there);
        // The first writes may still find room in the socket.
        let error = loop {
            if let Err(error) = here.write(&datum(100_000)).await {
                break error;
            }
        };
        assert!(matches!(error, CommError::Closed { .. }), "{error:?}");
        assert!(here.write(&"more".into()).await.is_err());
    }
}

/// Waits until the other side closes.
async fn read_to_the_end(stream: &mut (impl futures_lite::AsyncRead + Unpin)) {
    while !read_some(stream).await.is_empty() {}
}
