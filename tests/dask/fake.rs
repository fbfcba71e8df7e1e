//! A scheduler that the test plays: it says hello, and answers as it is told.
//!
//! Messages are written by hand, so that wrong ones can be.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Something that listens, and does the same with each connection. It goes on until the test program ends.
pub struct Fake {
    address: SocketAddr,
}

impl Fake {
    /// Connections are handed over as they come.
    pub fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address }
    }

    /// Says these bytes to whoever has said something.
    pub fn saying(bytes: &'static [u8]) -> Self {
        Self::raw(move |mut stream| {
            // What is not read would turn a close into a reset.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
            let _ = io::copy(&mut stream, &mut io::sink());
        })
    }

    /// Says hello, and answers each message by its `op`. The connection ends when there is no answer.
    pub fn dask(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::raw(move |mut stream| {
            let hello = map(&[("compression", NIL.into()), ("pickle-protocol", int(5))]);
            let _ = stream.write_all(&framed(&hello));
            let mut answering = || -> io::Result<()> {
                read_message(&mut stream)?;
                loop {
                    let op = op(&read_message(&mut stream)?);
                    let Some(bytes) = answer(&op) else { return Ok(()) };
                    stream.write_all(&bytes)?;
                }
            };
            // It ends with its peer.
            let _ = answering();
        })
    }

    pub fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

/// The answers of a scheduler of this version, and to nobody's tasks.
pub fn usual(version: &str, op: &str) -> Option<Vec<u8>> {
    let answer = match op {
        "versions" => map(&[("packages", map(&[("distributed", text(version))]))]),
        "register-client" => list(&[map(&[("op", text("stream-start"))])]),
        "register-worker" => map(&[("status", text("OK")), ("heartbeat-interval", int(1))]),
        "heartbeat_worker" => map(&[("status", text("OK")), ("heartbeat-interval", int(1))]),
        "identity" => map(&[("workers", map(&[]))]),
        // Of a stream, whose messages have no answers.
        "heartbeat-client" | "close-client" | "close-stream" | "" => return Some(Vec::new()),
        // The goodbye of a connection for requests.
        "close" => return None,
        other => panic!("`{other}` was not foreseen"),
    };
    Some(framed(&answer))
}

/// A message of one frame.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = message.len() as u64;
    [&(16 + length).to_le_bytes(), &1_u64.to_le_bytes(), &length.to_le_bytes(), message].concat()
}

// --- msgpack -------------------------------------------------------------------------------------------------------

pub const NIL: [u8; 1] = [0xc0];

pub fn int(number: u8) -> Vec<u8> {
    vec![0xcc, number]
}

pub fn text(text: &str) -> Vec<u8> {
    [&[0xd9, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

pub fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [vec![0x90 | u8::try_from(items.len()).unwrap()], items.concat()].concat()
}

pub fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [vec![0x80 | u8::try_from(entries.len()).unwrap()], entries.concat()].concat()
}

/// All frames of a message.
fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// The first `op` in a message, whose keys and words are short.
fn op(message: &[u8]) -> String {
    let found = message.windows(3).position(|window| window == b"\xa2op");
    let Some(rest) = found.map(|at| &message[at + 3..]) else { return String::new() };
    let nbytes = usize::from(rest[0] & 0x1f);
    String::from_utf8(rest[1..=nbytes].to_vec()).unwrap()
}
