//! The connection with a real scheduler and a Python worker, for those who have them at hand:
//!
//! ```text
//! dask scheduler --port 8786 & dask worker tcp://127.0.0.1:8786 --nworkers 1 --nthreads 2 &
//! ANYDASK_TEST_SCHEDULER=127.0.0.1:8786 cargo test --lib --features dask live -- --ignored --nocapture
//! ```

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;

use super::driver::{data, keys, task};
use crate::engine::dask::client::{
    Action, Argument, Broadcast, ClientState, Config, Event, OnLost, Outcome, Scatter, Submission, TaskOptions,
    Through, Work,
};
use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::{Decoder, Limits, TaskKey, Value, decode_message, encode_message};
use crate::runtime::Instant;

/// Longer than anything takes here.
const DEADLINE: Duration = Duration::from_secs(20);

struct Socket {
    stream: TcpStream,
    decoder: Decoder,
    rest: Vec<u8>,
}

impl Socket {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address.trim_start_matches("tcp://")).expect("a peer");
        stream.set_nodelay(true).expect("nodelay");
        stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a timeout");
        let mut socket = Self { stream, decoder: Decoder::new(Limits::default()), rest: Vec::new() };
        let hello =
            [("compression", Value::Nil), ("python", texts_of(&[3, 11, 0])), ("pickle-protocol", Value::Int(4))];
        socket.send(&Value::map(hello));
        socket.wait();
        socket
    }

    fn send(&mut self, message: &Value) {
        let mut bytes = Vec::new();
        encode_message(message).expect("a message").append_to(&mut bytes);
        self.stream.write_all(&bytes).expect("written");
    }

    fn poll(&mut self) -> Option<Value> {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Some(Value::map([("op", "stream-closed".into())])),
            Ok(nbytes) => self.rest.extend_from_slice(&buffer[..nbytes]),
            Err(_) => {}
        }
        let mut rest = &self.rest[..];
        let frames = self.decoder.handle_bytes(&mut rest).expect("frames");
        self.rest = rest.to_vec();
        frames.map(|frames| decode_message(frames, &Limits::default()).expect("a value"))
    }

    fn wait(&mut self) -> Value {
        let start = StdInstant::now();
        loop {
            if let Some(message) = self.poll() {
                return message;
            }
            assert!(start.elapsed() < DEADLINE, "no message");
        }
    }
}

fn texts_of(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|number| Value::Int(*number)).collect())
}

struct Shell {
    client: ClientState,
    stream: Socket,
    address: String,
    told: Vec<Action>,
}

impl Shell {
    fn connect(address: &str, gather: Through, client_id: &str) -> Self {
        let client = ClientState::new(Config { gather, on_lost: OnLost::Resubmit });
        let stream = Socket::connect(address);
        let mut shell = Self { client, stream, address: address.to_owned(), told: Vec::new() };
        shell.handle(Event::Connected { client_id: client_id.into() });
        shell.until("registered", |action| matches!(action, Action::Registered { .. }));
        shell
    }

    fn reconnect(&mut self, client_id: &str) {
        self.stream = Socket::connect(&self.address);
        self.handle(Event::ConnectionLost);
        self.handle(Event::Connected { client_id: client_id.into() });
    }

    fn now() -> Instant {
        Instant::from_std(StdInstant::now())
    }

    fn handle(&mut self, event: Event) {
        self.client.handle(Self::now(), event);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(action) = self.client.poll_action() {
            let (id, address, message, confirm) = match action {
                Action::SchedulerRpc { id, message } => (id, self.address.clone(), message, false),
                Action::WorkerRpc { id, address, message, confirm } => (id, address.to_string(), message, confirm),
                Action::SetTimer { .. } => continue,
                other => {
                    println!("{other:?}");
                    self.told.push(other);
                    continue;
                }
            };
            let mut socket = Socket::connect(&address);
            socket.send(&message);
            let reply = socket.wait();
            if confirm {
                socket.send(&"OK".into());
            }
            self.client.handle(Self::now(), Event::RpcReply { id, reply });
        }
    }

    fn turn(&mut self) {
        self.handle(Event::Timer);
        if self.client.wants_flush() {
            if let Some(message) = self.client.poll_flush(Self::now()) {
                self.stream.send(&message);
            }
            self.carry_out();
        }
        if let Some(message) = self.stream.poll() {
            self.handle(Event::Stream(message));
        }
    }

    fn until(&mut self, what: &str, is_it: impl Fn(&Action) -> bool) -> Action {
        let start = StdInstant::now();
        loop {
            if let Some(index) = self.told.iter().position(&is_it) {
                return self.told.remove(index);
            }
            assert!(start.elapsed() < DEADLINE, "never {what}: {:?}", self.told);
            self.turn();
        }
    }

    fn until_resolved(&mut self, key: &str) -> Outcome {
        let key = TaskKey::from(key);
        match self.until("resolved", |action| matches!(action, Action::Resolve { key: told, .. } if *told == key)) {
            Action::Resolve { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn value(&mut self, key: &str) -> Bytes {
        self.handle(Event::Want(keys(&[key])));
        let key = TaskKey::from(key);
        match self.until("delivered", |action| matches!(action, Action::Deliver { key: told, .. } if *told == key)) {
            Action::Deliver { data, .. } => data.frames[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    fn until_idle(&mut self) {
        let start = StdInstant::now();
        while !self.client.is_idle() {
            assert!(start.elapsed() < DEADLINE, "never idle");
            self.turn();
        }
    }
}

fn call(key: &str, function: &str, arguments: Vec<Argument>, held: bool) -> Submission {
    let work = Work::Python { function: function.into(), arguments, keywords: Vec::new() };
    Submission { key: key.into(), work: Arc::new(work), options: TaskOptions::default(), held }
}

fn int(number: i64) -> Argument {
    Argument::Value(Pickle::Int(number))
}

fn of(key: &str) -> Argument {
    Argument::Result(key.into())
}

#[test]
#[ignore = "needs a scheduler and a Python worker: see the module"]
fn a_real_scheduler_takes_what_is_encoded() {
    let address = std::env::var("ANYDASK_TEST_SCHEDULER").expect("the address of a scheduler");
    for (gather, name) in [(Through::Scheduler, "s"), (Through::Workers, "w")] {
        let mut shell = Shell::connect(&address, gather, &format!("Client-anydask-live-{name}"));
        let key = |text: &str| format!("{text}-{name}");
        let (add, total, bad, after) = (key("add"), key("total"), key("bad"), key("after"));

        // A graph with an inner task, nested results, keywords of options, and a task of ours that no worker can run.
        let nested =
            Argument::List(vec![of(&add), Argument::Tuple(vec![of(&add), int(3)]), Argument::List(vec![int(1)])]);
        let mut last = call(&total, "builtins:repr", vec![nested], true);
        (last.options.retries, last.options.priority) = (2, 5);
        let ours = task(&key("ours"), &[&add]);
        shell.handle(Event::Submit(vec![call(&add, "operator:add", vec![int(1), int(2)], false), last, ours]));
        assert!(matches!(shell.until_resolved(&total), Outcome::Finished));
        assert_eq!(&shell.value(&total)[..], b"\xb0[3, (3, 3), [1]]");

        // Errors, with the blame, and a retry.
        let submissions = [
            call(&bad, "operator:truediv", vec![int(1), int(0)], true),
            call(&after, "operator:neg", vec![of(&bad)], true),
        ];
        shell.handle(Event::Submit(submissions.into()));
        for name in [&bad, &after] {
            let Outcome::Erred { blamed, .. } = shell.until_resolved(name) else { panic!("no error") };
            assert_eq!(blamed, TaskKey::from(&*bad));
        }
        shell.handle(Event::Retry(keys(&[&after])));
        shell.until("reset", |action| *action == Action::Reset { key: (&*after).into() });
        assert!(matches!(shell.until_resolved(&after), Outcome::Erred { .. }));

        // Scattered values, each way, and a task that was submitted before they are there.
        let (x, y) = (key("x"), key("y"));
        for (key, through) in [(&x, Through::Scheduler), (&y, Through::Workers)] {
            let values = vec![((&**key).into(), data(b"\x0b"))];
            shell.handle(Event::Scatter(Scatter { values, workers: Vec::new(), broadcast: Broadcast::One, through }));
        }
        let sum = key("sum");
        shell.handle(Event::Submit(vec![call(&sum, "operator:add", vec![of(&x), of(&y)], true)]));
        shell.handle(Event::Release(keys(&[&x, &y])));
        assert!(matches!(shell.until_resolved(&sum), Outcome::Finished));
        assert_eq!(&shell.value(&sum)[..], b"\x16");

        // Cancels, also forced, also of what is inner; the connection outlives them.
        let (slow, inner, top) = (key("slow"), key("inner"), key("top"));
        for force in [false, true] {
            let slow_call = call(&slow, "time:sleep", vec![Argument::Value(Pickle::Float(0.3))], true);
            let batch = vec![
                slow_call,
                call(&inner, "builtins:repr", vec![of(&slow)], false),
                call(&top, "builtins:len", vec![of(&inner)], true),
            ];
            shell.handle(Event::Submit(batch));
            while shell.client.wants_flush() {
                shell.turn();
            }
            shell.handle(Event::Cancel { keys: keys(&[&slow]), reason: "live".into(), force });
            for name in [&slow, &top] {
                assert!(matches!(shell.until_resolved(name), Outcome::Cancelled { .. }));
            }
        }
        // The same keys once more, at once.
        let batch = vec![call(&slow, "builtins:abs", vec![int(-7)], true)];
        shell.handle(Event::Submit(batch));
        assert!(matches!(shell.until_resolved(&slow), Outcome::Finished));

        // A new connection: what is held is made again.
        shell.reconnect(&format!("Client-anydask-live-{name}-again"));
        assert!(matches!(shell.until_resolved(&slow), Outcome::Finished));
        assert_eq!(&shell.value(&slow)[..], b"\x07");
        assert!(matches!(shell.until_resolved(&sum), Outcome::Lost(_)));
        assert!(matches!(shell.until_resolved(&total), Outcome::Finished));

        shell.handle(Event::Release(keys(&[&total, &key("ours"), &bad, &after, &slow])));
        shell.until_idle();
        shell.handle(Event::Close);
        shell.until("closed", |action| *action == Action::Closed);
    }
}
