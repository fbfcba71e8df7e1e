//! The examples for clusters, as their documentation says to run them.

use std::process::Command;

use crate::cluster::{Cluster, Version};
use crate::programs::Program;

#[test]
fn a_client_a_worker_and_a_scheduler_in_three_terminals() {
    let cluster = Cluster::start(Version::Newest);
    let environment = [("DASK_SCHEDULER_ADDRESS", cluster.address())];
    // In either order: the client waits.
    let client = Program::start("dask_cluster", &environment);
    assert_eq!(client.line().as_deref(), Some("connected; waiting for a worker"));
    let worker = Program::start("dask_worker", &environment);
    let address = worker.line().unwrap();
    let address = address.strip_prefix("a worker at ").unwrap();

    let (lines, status) = client.end();
    assert!(status.success(), "it ended with {status} after {lines:#?}");
    assert_eq!(lines[0], format!("  {address} with 2 threads"));
    let (coldest, warmest) = (&lines[1], &lines[2]);
    let mean = |line: &str| line.split_whitespace().nth_back(1).unwrap().parse::<f64>().unwrap();
    assert!(coldest.starts_with("coldest: ") && warmest.starts_with("warmest: "), "{lines:#?}");
    assert!(mean(coldest) < mean(warmest), "{lines:#?}");
    assert!(lines[3].ends_with("failed: nothing was measured in 1960"), "{lines:#?}");
    assert_eq!(lines.len(), 4, "{lines:#?}");

    interrupt(&worker);
    let (lines, status) = worker.end();
    assert!(status.success(), "it ended with {status} after {lines:#?}");
    assert_eq!(lines, ["leaving: what runs ends, and what only this worker has goes to others", "left"]);
}

#[test]
fn without_a_scheduler_they_say_how_to_start_one() {
    // A port that nobody has.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = Command::new(crate::programs::path("dask_cluster")).env("DASK_SCHEDULER_ADDRESS", &address).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nothing listens there") && said.contains("`dask scheduler`"), "{said}");
}

#[cfg(feature = "array")]
#[test]
fn rust_and_python_work_on_one_graph() {
    let mut cluster = Cluster::start(Version::Newest);
    cluster.python_worker("python");
    let environment = [("DASK_SCHEDULER_ADDRESS", cluster.address())];
    let worker = Program::start_with("dask_mixed", &["worker"], &environment);
    assert!(worker.line().unwrap().starts_with("a worker at tcp://"));
    let (lines, status) = Program::start("dask_mixed", &environment).end();
    assert!(status.success(), "it ended with {status} after {lines:#?}");
    assert_eq!(lines[0], "connected; waiting for a worker in Rust and one in Python");
    let station = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(station(&lines[1]), ["station", "power", "heat", "noise"]);
    for (line, name) in [(2, "north"), (3, "east"), (5, "south")] {
        let fields = station(&lines[line]);
        assert_eq!((&*fields[0], fields.len()), (name, 10), "{lines:#?}");
        let middle: f64 = fields[1].parse().unwrap();
        assert!((30.0..50.0).contains(&middle), "{lines:#?}");
    }
    assert!(
        lines[4].starts_with("harbour") && lines[4].contains("line 118: `offline`: invalid float literal"),
        "{lines:#?}"
    );
    assert!(lines[6].starts_with("power and heat go together: 0.9"), "{lines:#?}");
    assert_eq!(lines.len(), 7, "{lines:#?}");
}

/// What Ctrl-C sends.
fn interrupt(program: &Program) {
    let status = Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap();
    assert!(status.success());
}
