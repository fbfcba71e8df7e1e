//! The page's example, on a cluster.

use std::time::Duration;

use anydask::runtime::{Current, Runtime, Smol, Tokio};
use anydask::{Client, Error, Worker, python, task};

use crate::cluster::{Cluster, Version};

#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

#[task]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task]
fn total(all: Vec<i64>) -> i64 {
    all.iter().sum()
}

#[task]
fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

#[task]
fn boom(x: i64) -> i64 {
    assert!(x > 100, "x is small");
    x
}

#[task]
async fn later(x: i64) -> i64 {
    x * 2
}

fn run<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::Newest);
    cluster.python_worker("py");
    let address = cluster.address().to_owned();
    let worker =
        Worker::<R>::connect(&address).threads(2).name("rust").start().timeout(Duration::from_secs(20)).wait().unwrap();
    let client = Client::<R>::connect(&address).timeout(Duration::from_secs(20)).wait().unwrap();
    client.wait_for_workers(2).timeout(Duration::from_secs(20)).wait().unwrap();
    eprintln!("{:?}", client.workers().wait().unwrap());
    let limit = Duration::from_secs(20);
    let a = client.submit(inc, 10);
    assert_eq!(a.timeout(limit).wait().unwrap(), 11);
    let b = client.submit(add, (&a, 5));
    let c = client.submit(total, vec![a.clone(), b.clone()]);
    assert_eq!(c.timeout(limit).wait().unwrap(), 27);
    assert_eq!(client.submit(later, &c).timeout(limit).wait().unwrap(), 54);
    let many = client.map(inc, 0..100);
    let sum = client.submit(total, &many);
    assert_eq!(sum.timeout(limit).wait().unwrap(), 5050);
    assert_eq!(client.gather(&many).timeout(limit).wait().unwrap(), (1..=100).collect::<Vec<_>>());
    let y = client.submit(python::<i64>("operator:add"), (&a, 5));
    assert_eq!(y.timeout(limit).wait().unwrap(), 16);
    let z = client.submit(inc, &y);
    assert_eq!(z.timeout(limit).wait().unwrap(), 17);
    let error = client.submit(parse, "x".to_owned()).timeout(limit).wait().unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    eprintln!("{error}: {}", std::error::Error::source(&error).unwrap());
    let error = client.submit(boom, 1).timeout(limit).wait().unwrap_err();
    assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    eprintln!("{error}");
    let error = client.submit(python::<i64>("operator:truediv"), (1, 0)).timeout(limit).wait().unwrap_err();
    eprintln!("{error} {error:?}");
    let error = client.submit(|x: i64| x, 1).timeout(limit).wait().unwrap_err();
    eprintln!("{error}");
    eprintln!("{:?}", client.who_has(&a).wait());
    worker.leave().timeout(limit).wait().unwrap();
    client.close().wait().unwrap();
}

#[test]
fn first_on_smol() {
    run::<Smol>();
}

#[test]
fn first_on_tokio() {
    run::<Tokio>();
}
