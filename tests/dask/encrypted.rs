//! Clusters with TLS: our client and workers among Dask's, and those whose certificates do not fit.

use anydask::runtime::{Current, Runtime};
use anydask::{Client, ConnectProblem, Error, Security, Worker, python, task};

use crate::cluster::certificates::{Authority, Certificate};
use crate::cluster::{Certificates, Cluster, DEADLINE, Version};
use crate::everywhere::{SOON, everywhere, says};

#[task]
fn make_block(seed: u64) -> Vec<f64> {
    (0..1000).map(|index| (seed * 1000 + index) as f64).collect()
}

#[task]
fn add_up(blocks: Vec<Vec<f64>>) -> f64 {
    blocks.iter().flatten().sum()
}

#[task]
fn scale(block: Vec<f64>, by: f64) -> Vec<f64> {
    block.iter().map(|number| number * by).collect()
}

fn of_files(files: &Certificates) -> Security {
    let security = Security::new().tls_ca_file(&files.ca_file);
    let security = security.tls_client_cert(&files.cert).tls_client_key(&files.key);
    security.tls_worker_cert(&files.cert).tls_worker_key(&files.key)
}

fn of_texts(authority: &str, own: &Certificate) -> Security {
    let security = Security::new().tls_ca_file(authority);
    let security = security.tls_client_cert(&own.cert).tls_client_key(&own.key);
    security.tls_worker_cert(&own.cert).tls_worker_key(&own.key)
}

/// 40 blocks, scaled where they are not, summed by fours, of which Python makes one number.
fn a_graph_goes_through_an_encrypted_cluster_of_both_languages<R: Current + Runtime>() {
    let mut cluster = Cluster::start_tls(Version::on::<R>());
    let address = cluster.address().to_owned();
    assert!(address.starts_with("tls://"), "{address}");
    let security = of_files(cluster.certificates());
    cluster.python_worker("py");
    let worker = |name: &str| {
        let worker = Worker::<R>::connect(&address).security(security.clone()).threads(1).name(name);
        worker.start().timeout(DEADLINE).wait().unwrap()
    };
    let (anna, bert) = (worker("anna"), worker("bert"));
    assert!(anna.address().starts_with("tls://127.0.0.1:"), "{}", anna.address());
    for is_direct in [true, false] {
        let builder = Client::<R>::builder().security(security.clone()).direct_to_workers(is_direct);
        let client = builder.connect(&address).timeout(DEADLINE).wait().unwrap();
        client.wait_for_workers(3).timeout(DEADLINE).wait().unwrap();

        let on = |name: &str, seed: u64| client.task(make_block, seed).workers([name]).submit();
        let blocks: Vec<_> = (0..40).map(|seed| on(if seed % 2 == 0 { "anna" } else { "bert" }, seed)).collect();
        // Each of these takes what the other worker has.
        let scaled = blocks.iter().enumerate().map(|(index, block)| {
            let elsewhere = if index % 2 == 0 { "bert" } else { "anna" };
            client.task(scale, (block, 2.0)).workers([elsewhere]).submit()
        });
        let scaled: Vec<_> = scaled.collect();
        let sums: Vec<_> = scaled.chunks(4).map(|chunk| client.submit(add_up, chunk)).collect();
        let in_python = client.submit(python::<Vec<f64>>("builtins:sorted"), (&scaled[39],));
        let total = client.submit(python::<f64>("math:fsum"), (&client.submit(scale, (&in_python, 1.0)),));

        let expected = |from: u64, to: u64| (from..to).sum::<u64>() as f64 * 2.0;
        let sums = client.gather(&sums).timeout(DEADLINE).wait().unwrap();
        assert_eq!(sums.iter().sum::<f64>(), expected(0, 40_000));
        assert_eq!(total.timeout(DEADLINE).wait().unwrap(), expected(39_000, 40_000));
        assert_eq!(blocks[7].timeout(DEADLINE).wait().unwrap()[1], 7001.0);
        client.close().timeout(DEADLINE).wait().unwrap();
    }
    // A Python client sees them as it sees its own.
    let printed = cluster.run_python(
        "from distributed import Client\nwith Client() as client:\n    print(sorted(w['name'] for w in client.scheduler_info()['workers'].values()))",
    );
    assert_eq!(printed.trim(), "['anna', 'bert', 'py']");
    anna.leave().timeout(DEADLINE).wait().unwrap();
    bert.leave().timeout(DEADLINE).wait().unwrap();
}

/// The errors of a client and of a worker.
#[track_caller]
fn refused<R: Current + Runtime>(address: &str, security: Option<&Security>) -> [Error; 2] {
    let (mut client, mut worker) = (Client::<R>::builder(), Worker::<R>::connect(address).threads(1));
    if let Some(security) = security {
        (client, worker) = (client.security(security.clone()), worker.security(security.clone()));
    }
    let client = client.connect(address).timeout(DEADLINE).wait().unwrap_err();
    [client, worker.start().timeout(DEADLINE).wait().unwrap_err()]
}

#[track_caller]
fn both_say(errors: &[Error; 2], wanted: &[&str]) {
    for error in errors {
        says(error, wanted);
        assert_eq!(error.connect_problem(), Some(ConnectProblem::Security), "{error:?}");
    }
}

fn who_does_not_fit_an_encrypted_cluster_is_told_why<R: Current + Runtime>() {
    let cluster = Cluster::start_tls(Version::on::<R>());
    let files = cluster.certificates();
    let address = cluster.address();
    let plain = address.replace("tls://", "tcp://");

    both_say(&refused::<R>(address, None), &["needs certificates", "give them by `Security`"]);
    both_say(&refused::<R>(&plain, Some(&of_files(files))), &["is not encrypted", "write `tls://`"]);

    // Without TLS where there is: Dask closes the connection without a word.
    for error in refused::<R>(&plain, None) {
        says(&error, &["may want TLS", "write `tls://`"]);
        assert_eq!(error.connect_problem(), Some(ConnectProblem::NotDask));
    }

    let ca = std::fs::read_to_string(&files.ca_file).unwrap();
    let other = Authority::new();
    both_say(
        &refused::<R>(address, Some(&of_texts(other.pem(), &other.sign()))),
        &[
            "no encrypted connection with",
            "was not signed by the authority in `tls_ca_file`; use the authority of its cluster",
        ],
    );
    both_say(
        &refused::<R>(address, Some(&of_texts(&ca, &other.sign()))),
        &["refuses our certificate", "use one that the authority of its cluster has signed"],
    );
}

fn certificates_that_cannot_be_read_are_named<R: Current + Runtime>() {
    let authority = Authority::new();
    let (own, another) = (authority.sign(), authority.sign());
    let broken = Certificate { cert: own.cert.clone(), key: another.key };
    let no_key = Security::new().tls_ca_file(authority.pem());
    let address = "tls://127.0.0.1:1";
    both_say(&refused::<R>(address, Some(&of_texts("/nowhere/ca.pem", &own))), &["/nowhere/ca.pem", "`tls_ca_file`"]);
    both_say(&refused::<R>(address, Some(&of_texts(authority.pem(), &broken))), &["is not that of the certificate"]);
    both_say(&refused::<R>(address, Some(&no_key)), &["is not set; give it the path of a PEM file"]);
}

fn certificates_do_not_help_against_a_cluster_without_them<R: Current + Runtime>() {
    let cluster = Cluster::start(Version::on::<R>());
    let authority = Authority::new();
    let security = of_texts(authority.pem(), &authority.sign());
    both_say(&refused::<R>(cluster.address(), Some(&security)), &["is not encrypted, and a `Security` was given"]);
    let encrypted = cluster.address().replace("tcp://", "tls://");
    both_say(&refused::<R>(&encrypted, Some(&security)), &["does not speak TLS", "write `tcp://`"]);
    // It harms nobody.
    let client = Client::<R>::connect(cluster.address()).timeout(SOON).wait().unwrap();
    assert_eq!(client.workers().timeout(SOON).wait().unwrap(), []);
}

everywhere! {
    a_graph_goes_through_an_encrypted_cluster_of_both_languages,
    who_does_not_fit_an_encrypted_cluster_is_told_why,
    certificates_that_cannot_be_read_are_named,
    certificates_do_not_help_against_a_cluster_without_them,
}
