//! The web service of `examples/web_backend`, over HTTP.
//!
//! It has one thread for CPU work and is asked for pictures that take it seconds.

#![cfg(all(unix, feature = "tokio"))]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

#[path = "support/program.rs"]
mod program;

use program::{DEADLINE, Program};

/// Side of a picture that takes the engine's only thread seconds, and its bands.
const LARGE: (&str, u64) = ("/mandelbrot/4096", 256);
/// Pictures that are rendered at once.
const RENDERS_MAX: u64 = 8;
/// How long an answer may take that waits for nothing: much less than one large picture, much more than the machine
/// needs when it is busy.
const AT_ONCE: Duration = Duration::from_secs(2);

#[test]
fn a_picture_is_answered_whole() {
    let service = Service::start(&[]);
    let answer = service.get("/mandelbrot/100");
    assert_eq!(answer.status, 200);
    let pixels = answer.body.strip_prefix(b"P5\n100 100\n255\n").expect("a picture in the PGM format");
    assert_eq!(pixels.len(), 100 * 100);
    assert_eq!(pixels[50 * 100 + 75], 0, "the middle belongs to the set");
    assert_ne!(pixels[0], 0, "the corner does not");
    assert_eq!(service.metric("bands_rendered_total"), 7);
}

#[test]
fn what_cannot_be_rendered_is_refused() {
    let service = Service::start(&[]);
    for path in
        ["/mandelbrot/0", "/mandelbrot/4097", "/mandelbrot/-1", "/mandelbrot/ten", "/mandelbrot/99999999999999999999"]
    {
        assert_eq!(service.get(path).status, 400, "{path}");
    }
    assert_eq!(service.get("/nowhere").status, 404);
    assert_eq!(service.metric("bands_rendered_total"), 0);
}

#[test]
fn a_busy_engine_keeps_nobody_waiting_but_those_who_ask_for_pictures() {
    let service = Service::start(&[]);
    let _pictures: Vec<_> = (0..RENDERS_MAX).map(|_| service.ask(LARGE.0)).collect();
    service.until("renders_in_flight", |renders| renders == RENDERS_MAX);
    for _ in 0..20 {
        let start = Instant::now();
        let answer = service.get("/health");
        assert_eq!((answer.status, &*answer.body), (200, &b"ok\n"[..]));
        assert!(start.elapsed() < AT_ONCE, "/health took {:?}", start.elapsed());
    }
    let refused = service.get(LARGE.0);
    assert_eq!(refused.status, 503);
    assert!(refused.head.to_lowercase().contains("\r\nretry-after: 1"), "{}", refused.head);
    assert_eq!(service.metric("renders_in_flight"), RENDERS_MAX, "the engine was busy all the time");
}

#[test]
fn a_closed_connection_cancels_what_is_queued() {
    let service = Service::start(&[]);
    let pictures: Vec<_> = (0..3).map(|_| service.ask(LARGE.0)).collect();
    service.until("renders_in_flight", |renders| renders == 3);
    service.until("bands_rendered_total", |bands| bands > 0);
    drop(pictures);
    service.until("renders_in_flight", |renders| renders == 0);
    // Bands are rendered in the order in which they are asked for: this one comes after all that are left.
    assert_eq!(service.get("/mandelbrot/16").status, 200);
    let bands = service.metric("bands_rendered_total");
    assert!(bands < LARGE.1, "{bands} bands were rendered for pictures that nobody waits for");
}

#[test]
fn a_service_that_is_told_to_end_finishes_what_it_has_begun() {
    let service = Service::start(&[]);
    let picture = service.ask("/mandelbrot/1024");
    service.until("bands_rendered_total", |bands| bands > 0);
    service.tell_to_end();
    let answer = Answer::read(picture);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.len(), "P5\n1024 1024\n255\n".len() + 1024 * 1024);
    service.assert_closed();
}

#[test]
fn a_service_that_is_told_to_end_waits_no_longer_than_its_grace() {
    let service = Service::start(&[("GRACE_S", "0")]);
    let picture = service.ask(LARGE.0);
    service.until("bands_rendered_total", |bands| bands > 0);
    service.tell_to_end();
    let answer = Answer::read(picture);
    assert_eq!(answer.status, 503, "{}", String::from_utf8_lossy(&answer.body));
    service.assert_closed();
}

/// The service, on a port of its own.
struct Service {
    program: Program,
    address: SocketAddr,
}

impl Service {
    fn start(environment: &[(&str, &str)]) -> Self {
        let environment = [&[("ADDRESS", "127.0.0.1:0"), ("THREADS", "1")], environment].concat();
        let program = Program::start("web_backend", &environment);
        let line = program.line().expect("the service tells its address");
        let address = line.strip_prefix("listening on http://").expect("the address of the service");
        Self { address: address.parse().expect("an address"), program }
    }

    /// Asks for a path and leaves the answer to be read.
    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("the service accepts");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline for reads");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)
            .expect("the service reads");
        stream
    }

    fn get(&self, path: &str) -> Answer {
        Answer::read(self.ask(path))
    }

    fn metric(&self, name: &str) -> u64 {
        let body = String::from_utf8(self.get("/metrics").body).expect("metrics are text");
        let value = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no `{name}` in {body}"))
    }

    /// Looks at a metric until it is as it should be.
    fn until(&self, name: &str, is_reached: impl Fn(u64) -> bool) {
        let start = Instant::now();
        loop {
            let value = self.metric(name);
            if is_reached(value) {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "`{name}` is still {value}");
            // The service has nothing that tells of a change.
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn tell_to_end(&self) {
        // The shell's own `kill`: not every machine has the program.
        let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.program.id())]).status();
        assert!(status.expect("a shell").success(), "the service was there to be told");
    }

    /// Waits for the end, which must be a good one.
    fn assert_closed(self) {
        let (lines, status) = self.program.end();
        assert_eq!(lines, ["closed"]);
        assert!(status.success(), "the service ended with {status}");
        TcpStream::connect(self.address).expect_err("nobody listens any more");
    }
}

/// An answer over HTTP.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// Reads until the service closes the connection.
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the service answers");
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head and a body");
        let body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).expect("a head is text");
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status line");
        Self { status, head, body }
    }
}
