//! What every stream keeps, over TCP and over Unix sockets alike.

use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use futures_lite::future::{poll_once, zip};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Subject, in_task};
use super::streams::pairs;
use super::support::Signal;
use crate::{ByteStream, TimerExt};

const MEBIBYTE: usize = 1 << 20;

/// The test's data repeats itself after so many bytes. A prime, so that a lost buffer shows.
const PERIOD: usize = 251;

/// `length` bytes of the test's data, from `start` on.
fn bytes(start: usize, length: usize) -> Vec<u8> {
    let period: Vec<u8> = (0..=250).collect();
    let mut data = period.repeat(length / PERIOD + 2);
    data.drain(..start % PERIOD);
    data.truncate(length);
    data
}

/// N2. After `shutdown_write` the peer reads what was written and then the end; its answer can still be read.
pub fn an_answer_can_be_read_after_shutdown_write<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            pair.client.write_all(b"the question").await.unwrap();
            pair.client.shutdown_write().await.unwrap();
            let mut question = Vec::new();
            pair.server.read_to_end(&mut question).await.unwrap();
            assert_eq!(question, b"the question", "{}", pair.over);

            pair.server.write_all(b"the answer").await.unwrap();
            pair.server.shutdown_write().await.unwrap();
            let mut answer = Vec::new();
            pair.client.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, b"the answer", "{}", pair.over);
        }
    });
}

/// N2. Dropping a stream is the end for its peer.
pub fn dropping_a_stream_is_the_end_for_its_peer<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            pair.client.write_all(b"last words").await.unwrap();
            pair.client.flush().await.unwrap();
            drop(pair.client);
            let mut received = Vec::new();
            pair.server.read_to_end(&mut received).await.unwrap();
            assert_eq!(received, b"last words", "{}", pair.over);
        }
    });
}

/// N3. Reading after the end gives zero, again and again.
pub fn reading_after_the_end_gives_zero_again<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            pair.client.shutdown_write().await.unwrap();
            for _ in 0..3 {
                assert_eq!(pair.server.read(&mut [0; 8]).await.unwrap(), 0, "{}", pair.over);
            }
        }
    });
}

/// N4. Writing after `shutdown_write` is `BrokenPipe`.
pub fn writing_after_shutdown_write_is_a_broken_pipe<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            pair.client.shutdown_write().await.unwrap();
            let error = pair.client.write(b"x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{}", pair.over);
        }
    });
}

/// N14. Reading and writing one stream at the same time both go on, far beyond what the buffers hold.
pub fn reading_and_writing_at_once_both_go_on<R: Subject>(runtime: R) {
    async fn send<W: futures_io::AsyncWrite + Unpin>(mut half: W) {
        for start in (0..8 * MEBIBYTE).step_by(MEBIBYTE) {
            half.write_all(&bytes(start, MEBIBYTE)).await.unwrap();
        }
    }

    async fn receive<S: futures_io::AsyncRead + Unpin>(mut half: S) {
        let mut buffer = vec![0; MEBIBYTE];
        for start in (0..8 * MEBIBYTE).step_by(MEBIBYTE) {
            half.read_exact(&mut buffer).await.unwrap();
            assert!(buffer == bytes(start, MEBIBYTE), "other bytes than were sent");
        }
    }

    in_task(runtime, |runtime| async move {
        for pair in pairs(&runtime).await {
            // One side with a task for each half, the other with both halves in one task.
            let (read, write) = futures_lite::io::split(pair.client);
            let tasks = [runtime.spawn(send(write)), runtime.spawn(receive(read))];
            let (read, write) = futures_lite::io::split(pair.server);
            zip(send(write), receive(read)).await;
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

/// N15. A read that is dropped loses no bytes.
pub fn a_cancelled_read_loses_no_bytes<R: Subject>(runtime: R) {
    const CHUNK: usize = 7;
    const CHUNKS: usize = 50;

    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            let dribble = runtime.spawn({
                let (runtime, mut client) = (runtime.clone(), pair.client);
                async move {
                    for chunk in 0..CHUNKS {
                        client.write_all(&bytes(chunk * CHUNK, CHUNK)).await.unwrap();
                        runtime.sleep(Duration::from_micros(500)).await;
                    }
                    client
                }
            });
            let mut received = Vec::new();
            let mut cancelled = 0;
            while received.len() < CHUNK * CHUNKS {
                let mut buffer = [0; 5];
                let read = match poll_once(pair.server.read(&mut buffer)).await {
                    Some(read) => Ok(read),
                    None => runtime.timeout(Duration::from_micros(200), pair.server.read(&mut buffer)).await,
                };
                match read {
                    Ok(read) => received.extend_from_slice(&buffer[..read.unwrap()]),
                    Err(_) => cancelled += 1,
                }
            }
            assert!(received == bytes(0, CHUNK * CHUNKS), "{}", pair.over);
            assert!(cancelled > 0, "{}: nothing was cancelled, so nothing was tested", pair.over);
            dribble.await.unwrap();
        }
    });
}

/// N16. A writer waits while the peer does not read, and goes on when it does. A write that is dropped while it waits
/// has moved no bytes.
pub fn a_writer_waits_for_its_reader<R: Subject>(runtime: R) {
    // Far above the buffers of any system's loopback.
    const WRITTEN_MAX: usize = 256 * MEBIBYTE;

    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            let mut written = 0;
            loop {
                let chunk = bytes(written, MEBIBYTE / 4);
                match runtime.timeout(Duration::from_millis(50), pair.client.write(&chunk)).await {
                    Ok(count) => written += count.unwrap(),
                    Err(_) => break,
                }
                assert!(written < WRITTEN_MAX, "{}: the writer never waits", pair.over);
            }
            let waiting = Signal::default();
            let rest = runtime.spawn({
                let (mut client, waiting) = (pair.client, waiting.clone());
                async move {
                    let data = bytes(written, MEBIBYTE);
                    let mut write = client.write_all(&data);
                    // Reading starts only after this, so that reading is what wakes the writer.
                    assert!(poll_once(&mut write).await.is_none(), "there was room again");
                    waiting.raise();
                    write.await.unwrap();
                    client.shutdown_write().await.unwrap();
                    client
                }
            });
            waiting.raised().await;
            let mut received = Vec::new();
            pair.server.read_to_end(&mut received).await.unwrap();
            assert!(received == bytes(0, written + MEBIBYTE), "{}: other bytes than were sent", pair.over);
            rest.await.unwrap();
        }
    });
}

/// N17. A mebibyte in small reads, many of them of single bytes, arrives whole.
pub fn a_mebibyte_in_small_reads_arrives_whole<R: Subject>(runtime: R) {
    // As many as show a lost byte, and no more: each is a call of the operating system.
    const SINGLE_BYTES: usize = MEBIBYTE / 16;

    in_task(runtime, |runtime| async move {
        for pair in pairs(&runtime).await {
            let (mut client, mut server) = (pair.client, pair.server);
            let writer = runtime.spawn(async move {
                client.write_all(&bytes(0, MEBIBYTE)).await.unwrap();
                client.shutdown_write().await.unwrap();
                client
            });
            let mut received = Vec::with_capacity(MEBIBYTE);
            let mut buffer = [0; 257];
            loop {
                let size = if received.len() < SINGLE_BYTES { 1 } else { buffer.len() };
                match server.read(&mut buffer[..size]).await.unwrap() {
                    0 => break,
                    read => received.extend_from_slice(&buffer[..read]),
                }
            }
            assert!(received == bytes(0, MEBIBYTE), "{}: other bytes than were sent", pair.over);
            writer.await.unwrap();
        }
    });
}

/// N17. Vectored writes and reads keep the order of their parts.
pub fn vectored_writes_and_reads_keep_the_order<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            let data = bytes(0, 10_000);
            let mut written = 0;
            while written < data.len() {
                let parts: Vec<_> = data[written..].chunks(777).map(IoSlice::new).collect();
                written += pair.client.write_vectored(&parts).await.unwrap();
            }
            pair.client.shutdown_write().await.unwrap();

            let mut received = Vec::new();
            loop {
                let (mut first, mut second) = ([0; 100], [0; 333]);
                let mut parts = [std::io::IoSliceMut::new(&mut first), std::io::IoSliceMut::new(&mut second)];
                let read = pair.server.read_vectored(&mut parts).await.unwrap();
                if read == 0 {
                    break;
                }
                received.extend_from_slice(&first[..read.min(100)]);
                received.extend_from_slice(&second[..read.saturating_sub(100)]);
            }
            assert!(received == data, "{}", pair.over);
        }
    });
}

/// N17. Reading into no space and writing nothing give zero, and break nothing.
pub fn empty_reads_and_writes_break_nothing<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for mut pair in pairs(&runtime).await {
            assert_eq!(pair.client.write(&[]).await.unwrap(), 0, "{}", pair.over);
            pair.client.write_all(b"x").await.unwrap();
            let mut byte = [0];
            pair.server.read_exact(&mut byte).await.unwrap();
            assert_eq!(&byte, b"x", "{}", pair.over);
        }
    });
}
