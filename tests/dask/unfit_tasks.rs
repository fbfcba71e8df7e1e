//! Tasks that a worker cannot run, and results that are none of the type that was asked for. The worker is another program,
//! `examples/dask_worker.rs`, whose tasks have names of this program's, and other types.

use anydask::runtime::{Current, Runtime};
use anydask::{Client, Error, Worker, python, task};
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, DEADLINE, Version};
use crate::everywhere::{chain, everywhere, says};
use crate::programs::Program;

#[task]
fn only_here(x: i64) -> i64 {
    x
}

/// There it takes a `u32`.
#[task(name = "weather::measure")]
fn measure_takes_another(year: String) -> Vec<i64> {
    vec![year.len() as i64]
}

/// There it gives a `Result<Summary, String>`.
#[task(name = "weather::summarize")]
fn summarize_gives_another(year: Year) -> String {
    format!("{}", year.year)
}

#[derive(Serialize, Deserialize)]
struct Year {
    year: u32,
    days: Vec<i32>,
}

#[task]
fn double(x: i64) -> i64 {
    2 * x
}

fn a_worker_of_another_program_says_what_it_does_not_know<R: Current + Runtime>() {
    let cluster = Cluster::start(Version::on::<R>());
    let worker = Program::start("dask_worker", &[("DASK_SCHEDULER_ADDRESS", cluster.address())]);
    assert!(worker.line().unwrap().starts_with("a worker at tcp://127.0.0.1:"));
    let client = Client::<R>::connect(cluster.address()).timeout(DEADLINE).wait().unwrap();

    // The task errs, and names the function and what to do.
    let unknown = client.submit(only_here, 1);
    let dependent = client.submit(double, &unknown);
    for error in [unknown.timeout(DEADLINE).wait().unwrap_err(), dependent.timeout(DEADLINE).wait().unwrap_err()] {
        assert!(matches!(&error, Error::Failed { key, .. } if key.starts_with("only_here")), "{error:?}");
        says(&error, &["does not know the task `", "only_here`", "build its program with the crate that defines it"]);
    }

    // Arguments that are no arguments of that function there.
    let error = client.submit(measure_takes_another, "x".repeat(300)).timeout(DEADLINE).wait().unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    says(&error, &["argument 1 does not give a `u32`", "build the client and the workers from the same code"]);

    // A result that is none of what its future wants.
    let year = Year { year: 300, days: vec![1, 2, 3] };
    let error = client.submit(summarize_gives_another, year).timeout(DEADLINE).wait().unwrap_err();
    assert!(matches!(error, Error::NotDecoded { .. }), "{error:?}");
    says(&error, &["String"]);

    // The worker has taken no harm.
    let error = client.submit(only_here, 2).timeout(DEADLINE).wait().unwrap_err();
    says(&error, &["only_here"]);
    assert_eq!(client.workers().timeout(DEADLINE).wait().unwrap().len(), 1);
    client.close().wait().unwrap();
}

fn a_result_of_the_wrong_type_tells_both<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    cluster.python_worker("py");
    let worker = Worker::<R>::connect(cluster.address()).threads(1).start().timeout(DEADLINE).wait().unwrap();
    let client = Client::<R>::connect(cluster.address()).timeout(DEADLINE).wait().unwrap();
    client.wait_for_workers(2).timeout(DEADLINE).wait().unwrap();

    let text = client.submit(python::<i64>("builtins:str"), (41,));
    let error = text.timeout(DEADLINE).wait().unwrap_err();
    assert!(matches!(error, Error::NotDecoded { .. }), "{error:?}");
    says(&error, &["expected i64, Python gave the text \"41\"", "ask for the type that the task gives"]);
    // Awaited again, it says the same.
    assert_eq!(chain(&text.timeout(DEADLINE).wait().unwrap_err()), chain(&error));

    // On a worker, the task that takes it errs.
    let error = client.submit(double, &text).timeout(DEADLINE).wait().unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    says(&error, &["expected i64, Python gave the text \"41\""]);

    // Other kinds, each with its own word.
    let none = client.submit(python::<i64>("builtins:print"), ()).timeout(DEADLINE).wait().unwrap_err();
    says(&none, &["i64", "None"]);
    let list = client.submit(python::<String>("builtins:list"), ("ab",)).timeout(DEADLINE).wait().unwrap_err();
    says(&list, &["expected a text, Python gave a list of 2"]);
    let big = client.submit(python::<u8>("builtins:int"), (300,)).timeout(DEADLINE).wait().unwrap_err();
    says(&big, &["u8", "300"]);
    // What is no plain data at all.
    let object = client.submit(python::<i64>("decimal:Decimal"), ("1.5",)).timeout(DEADLINE).wait().unwrap_err();
    assert!(matches!(object, Error::NotDecoded { .. }), "{object:?}");
    says(&object, &["Decimal"]);

    // All goes on.
    assert_eq!(client.submit(double, 21).timeout(DEADLINE).wait().unwrap(), 42);
    worker.stop().timeout(DEADLINE).wait().unwrap();
    client.close().wait().unwrap();
}

everywhere! {
    a_worker_of_another_program_says_what_it_does_not_know,
    a_result_of_the_wrong_type_tells_both,
}
