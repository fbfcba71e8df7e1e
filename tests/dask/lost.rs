//! Workers and clients that go away: A02, A03, A29, A44, A46, A49, A52.

use std::env;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anydask::runtime::Smol;
use anydask::{Client, Error, Status, Worker};

use crate::ground::{AnyOf, Ground, LIMIT, on_clusters};
use crate::tasks::{inc, kill_process, process_id, slow_add};

on_clusters! {
    a02_a_scheduler_that_starts_later_is_waited_for;
    a03_a_connect_that_times_out_is_an_error;
    a29_a_gather_of_what_was_lost_does_not_hang;
    a44_a_client_that_is_killed_leaves_nothing;
    a46_what_a_lost_worker_had_is_made_again;
    a49_a_task_that_ends_its_process_is_given_up;
    a52_a_worker_that_is_killed_twice_changes_no_result;
}

/// The scheduler that starts is a port that leads to the test's own: another one would take seconds.
async fn a02_a_scheduler_that_starts_later_is_waited_for<R: AnyOf>(on: Ground<R>) {
    let _worker = on.worker("a", 1).await;
    let port = free_port();
    let scheduler = on.cluster.port();
    let connecting = on.builder().connect(format!("tcp://127.0.0.1:{port}")).timeout(LIMIT);
    let start = Instant::now();
    let forwarder = thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        forward(port, scheduler);
    });
    let client = on.on.get(connecting).await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(700));
    assert_eq!(on.value(&client.submit(inc, 122)).await.unwrap(), 123);
    on.get(client.close()).await.unwrap();
    forwarder.join().unwrap();
}

async fn a03_a_connect_that_times_out_is_an_error<R: AnyOf>(on: Ground<R>) {
    let address = format!("tcp://127.0.0.1:{}", free_port());
    let start = Instant::now();
    let error = on.on.get(on.builder().connect(&address).timeout(Duration::from_millis(10))).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let error = on.on.get(on.builder().connect("no address at all").timeout(LIMIT)).await.unwrap_err();
    assert!(matches!(&error, Error::NotConnected { .. }), "{error:?}");
}

async fn a29_a_gather_of_what_was_lost_does_not_hang<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let x = on.get(client.scattering().workers(["a"]).scatter(1_i64)).await.unwrap();
    let y = client.task(inc, 3).workers(["b"]).submit();
    on.get(client.wait([&y])).await.unwrap();
    on.get(a.stop()).await.unwrap();
    let error = on.get(client.gather([&x, &y])).await.unwrap_err();
    assert!(matches!(&error, Error::Lost { key, .. } if *key == x.key()), "{error:?}");
    assert_eq!(x.status(), Status::Lost);
    assert_eq!(on.value(&y).await.unwrap(), 4);
    let results = on.get(client.gather_results([&x, &y])).await.unwrap();
    assert!(matches!(&results, [Err(Error::Lost { .. }), Ok(4)]), "{results:?}");
}

async fn a44_a_client_that_is_killed_leaves_nothing<R: AnyOf>(on: Ground<R>) {
    let _worker = on.worker("a", 1).await;
    let mut client = Program::start("client", on.cluster.address());
    on.until_look("[t.state for t in s.tasks.values()]", r#"["memory"]"#).await;
    assert_eq!(on.look("len(s.clients)"), "2");
    client.kill();
    on.until_look("[len(s.clients), len(s.tasks)]", "[1, 0]").await;
}

async fn a46_what_a_lost_worker_had_is_made_again<R: AnyOf>(on: Ground<R>) {
    let (client, _a, b) = on.two_workers().await;
    let many = client.map(inc, 0..20);
    on.get(client.wait(&many)).await.unwrap();
    assert_ne!(on.look("[len(w.has_what) for w in s.workers.values() if w.name == 'b']"), "[0]");
    on.get(b.stop()).await.unwrap();
    assert_eq!(on.get(client.gather(&many)).await.unwrap(), (1..=20).collect::<Vec<_>>());
}

async fn a49_a_task_that_ends_its_process_is_given_up<R: AnyOf>(on: Ground<R>) {
    on.look("setattr(s, 'allowed_failures', 1)");
    let client = on.client().await;
    let bad = client.task(kill_process, 1).key("bad").submit();
    let mut programs = Vec::new();
    // Each takes one worker along.
    for _ in 0..2 {
        programs.push(Program::start("worker", on.cluster.address()));
        on.until_look("s.tasks['bad'].suspicious", &programs.len().to_string()).await;
    }
    let error = on.error(&bad).await;
    let Error::Exception { key, class, message, .. } = &error else { panic!("{error:?}") };
    assert_eq!((key.as_str(), &**class), ("bad", "distributed.scheduler.KilledWorker"), "{error:?}");
    assert!(message.contains("bad") && message.contains("tcp://127.0.0.1:"), "{message}");
    assert_eq!(bad.status(), Status::Error);
    on.look("setattr(s, 'allowed_failures', 3)");
}

async fn a52_a_worker_that_is_killed_twice_changes_no_result<R: AnyOf>(on: Ground<R>) {
    on.look("setattr(s, 'allowed_failures', 1000)");
    let (client, _a, _b) = on.two_workers().await;
    let mut third = Program::start("worker", on.cluster.address());
    on.get(client.wait_for_workers(3)).await.unwrap();
    let mut level: Vec<_> = client.map(inc, 0..256);
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| client.submit(slow_add, (&pair[0], &pair[1], 4))).collect();
    }
    for _ in 0..2 {
        let busy = "any(w.name not in ('a', 'b') and len(w.has_what) > 3 for w in s.workers.values())";
        on.until_look(
            &format!("{busy} or not any(t.state in ('waiting', 'processing') for t in s.tasks.values())"),
            "true",
        )
        .await;
        third.kill();
        // Its name is free, and the scheduler knows nobody by it.
        on.until_look("len(s.workers)", "2").await;
        third = Program::start("worker", on.cluster.address());
        on.until_look("len(s.workers)", "3").await;
    }
    assert_eq!(on.value(&level[0]).await.unwrap(), 32_896);
    let elsewhere = client.task(process_id, 0).workers(["third"]).submit();
    assert_eq!(on.value(&elsewhere).await.unwrap(), third.id(), "the last one works");
    drop((client, level, elsewhere));
    third.kill();
    on.look("setattr(s, 'allowed_failures', 3)");
}

/// Nobody listens there.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Leads all connections of a port to another, until there is none left.
fn forward(from: u16, to: u16) {
    let listener = TcpListener::bind(("127.0.0.1", from)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut pipes: Vec<thread::JoinHandle<()>> = Vec::new();
    let start = Instant::now();
    while pipes.is_empty() || pipes.iter().any(|pipe| !pipe.is_finished()) {
        assert!(start.elapsed() < LIMIT, "nobody came, or nobody went");
        let Ok((near, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(2));
            continue;
        };
        near.set_nonblocking(false).unwrap();
        let far = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
        for (mut one, mut other) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
            pipes.push(thread::spawn(move || {
                let _ = std::io::copy(&mut one, &mut other);
                let _ = other.shutdown(std::net::Shutdown::Both);
            }));
        }
    }
}

/// This program again, as a client or a worker that can be killed.
struct Program(Child);

/// What it is to be, and for which scheduler.
const ROLE: &str = "ANYDASK_TEST_ROLE";
const SCHEDULER: &str = "ANYDASK_TEST_SCHEDULER";

impl Program {
    fn start(role: &str, scheduler: &str) -> Self {
        let program = env::current_exe().unwrap();
        let child = Command::new(program)
            .args(["lost::a_program_of_its_own", "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(SCHEDULER, scheduler)
            // Ends it, should this one end: nobody writes to it.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// At once, so that it says goodbye to nobody.
    fn kill(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What [`Program`] runs; in the test program itself it is nothing.
#[test]
fn a_program_of_its_own() {
    let (Ok(role), Ok(scheduler)) = (env::var(ROLE), env::var(SCHEDULER)) else { return };
    thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    if role == "worker" {
        return Worker::<Smol>::connect(scheduler).threads(1).name("third").run().wait().unwrap();
    }
    let client = Client::<Smol>::connect(scheduler).wait().unwrap();
    let future = client.submit(inc, 1);
    assert_eq!(future.wait().unwrap(), 2);
    loop {
        thread::park();
    }
}
