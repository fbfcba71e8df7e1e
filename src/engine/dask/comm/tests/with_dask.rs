//! Against a real scheduler, on every runtime.

use super::cluster::{Cluster, Version};
use super::*;

async fn answers<R: Runtime>(runtime: R, cluster: &Cluster, security: Option<Security>) {
    let connector = Connector::new(runtime, security.as_ref(), Role::Client).await.unwrap();
    let pool = Pool::new(connector);
    let address: Address = cluster.address().parse().unwrap();
    let versions = pool.call(&address, &request("versions", [])).await.unwrap();
    let distributed = versions.get("packages").and_then(|packages| packages.get("distributed"));
    assert_eq!(distributed.and_then(Value::as_str), Some(cluster.version().name()), "{versions:?}");
    let identity = pool.call(&address, &request("identity", [("n_workers", Value::Int(0))])).await.unwrap();
    assert_eq!(identity.get("address").and_then(Value::as_str), Some(cluster.address()));
    assert_eq!(identity.get("type").and_then(Value::as_str), Some("Scheduler"));
    // An unknown operation is answered by nothing, a wrong field by an exception.
    assert_eq!(pool.call(&address, &request("no-such-thing", [])).await.unwrap(), Value::Nil);
    let error = pool.call(&address, &request("gather", [("no_such_field", Value::Int(1))])).await.unwrap_err();
    let CommError::Remote(remote) = &error else { panic!("{error:?}") };
    assert!(remote.exception_text.contains("TypeError"), "{remote:?}");
    pool.close().await;
}

/// The same on every runtime, over one cluster: it takes a second to start.
fn answers_everywhere(cluster: &Cluster, security: Option<Security>) {
    use crate::runtime::{AsyncStd, Current, Smol, Tokio};
    run(Smol::new(), async |runtime| answers(runtime, cluster, security.clone()).await);
    run(Tokio::start().unwrap(), async |runtime| answers(runtime, cluster, security.clone()).await);
    run(AsyncStd::start().unwrap(), async |runtime| answers(runtime, cluster, security.clone()).await);
    let erased = Tokio::start().unwrap().erased();
    run(erased, async |runtime| answers(runtime, cluster, security).await);
}

fn security_of(cluster: &Cluster) -> Security {
    let files = cluster.certificates();
    Security::new().tls_ca_file(&files.ca_file).tls_client_cert(&files.cert).tls_client_key(&files.key)
}

#[test]
fn a_scheduler_of_the_newest_version_answers() {
    answers_everywhere(&Cluster::start(Version::Newest), None);
}

#[test]
fn a_scheduler_of_the_oldest_version_answers() {
    answers_everywhere(&Cluster::start(Version::Oldest), None);
}

#[test]
fn an_encrypted_scheduler_answers_and_says_what_it_wants() {
    let cluster = Cluster::start_tls(Version::Newest);
    let security = security_of(&cluster);
    answers_everywhere(&cluster, Some(security.clone()));
    run(crate::runtime::Smol::new(), async |runtime| {
        let unencrypted = cluster.address().replace("tls", "tcp").parse().unwrap();
        let error = plain(&runtime).await.connect(&unencrypted).await.unwrap_err();
        assert!(matches!(error, CommError::NotDask { .. }), "{error:?}");
        assert!(error.to_string().contains("`tls://`"), "{error}");

        let stranger = certificates::Authority::new().sign();
        let security = security.tls_client_cert(&stranger.cert).tls_client_key(&stranger.key);
        let connector = Connector::new(runtime, Some(&security), Role::Client).await.unwrap();
        let error = connector.connect(&cluster.address().parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, CommError::Tls { source: TlsError::Refused { .. }, .. }), "{error:?}");
    });
}

#[test]
fn an_unencrypted_scheduler_is_told_from_an_encrypted_one() {
    let cluster = Cluster::start(Version::Newest);
    let authority = certificates::Authority::new();
    let shown = authority.sign();
    let security = Security::new().tls_ca_file(authority.pem()).tls_client_cert(&shown.cert).tls_client_key(&shown.key);
    run(crate::runtime::Smol::new(), async |runtime| {
        let connector = Connector::new(runtime, Some(&security), Role::Client).await.unwrap();
        let address = cluster.address().replace("tcp", "tls").parse().unwrap();
        let error = connector.connect(&address).await.unwrap_err();
        assert!(matches!(error, CommError::Tls { source: TlsError::PlainPeer, .. }), "{error:?}");
    });
}

#[test]
fn the_port_of_the_scheduler_s_web_pages_is_told_from_its_own() {
    let mut cluster = Cluster::start(Version::Newest);
    let line = cluster.scheduler().wait_for_line("dashboard at:");
    let port = line.trim_end_matches("/status").rsplit_once(':').unwrap().1;
    let address = format!("tcp://127.0.0.1:{port}").parse().unwrap();
    run(crate::runtime::Smol::new(), async |runtime| {
        let connector = plain(&runtime).await.with_limit(Duration::from_secs(1));
        let error = connector.connect(&address).await.unwrap_err();
        assert!(error.to_string().contains("dashboard"), "{error}");
    });
}

#[test]
fn a_scheduler_that_comes_back_is_connected_to_again() {
    let mut cluster = Cluster::start(Version::Newest);
    let address: Address = cluster.address().parse().unwrap();
    run(crate::runtime::Smol::new(), async |runtime| {
        let pool = Pool::new(plain(&runtime).await);
        let ping = request("identity", [("n_workers", Value::Int(0))]);
        let first = pool.call(&address, &ping).await.unwrap();
        cluster.kill_scheduler();
        let call = {
            let (pool, address, ping) = (pool.clone(), address.clone(), ping.clone());
            runtime.spawn(async move { pool.call(&address, &ping).await })
        };
        cluster.start_scheduler_again();
        let second = call.await.unwrap().unwrap();
        assert_ne!(first.get("id"), second.get("id"));
    });
}
