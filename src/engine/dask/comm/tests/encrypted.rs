use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::certificates::{Authority, Certificate};
use super::listening::Echo;
use super::*;
use crate::runtime::TaskHandle;

fn security(authority: &str, shown: &Certificate) -> Security {
    let security = Security::new().tls_ca_file(authority);
    let security = security.tls_client_cert(&shown.cert).tls_client_key(&shown.key);
    security.tls_worker_cert(&shown.cert).tls_worker_key(&shown.key)
}

async fn connector<R: Runtime>(runtime: &R, security: &Security) -> Connector<R> {
    Connector::new(runtime.clone(), Some(security), Role::Client).await.unwrap()
}

/// A server that shows a certificate.
async fn serve<R: Runtime>(runtime: &R, security: &Security) -> Address {
    let tls = Tls::load(security, Role::Worker).unwrap();
    let listener = Listener::bind(runtime.clone(), ([127, 0, 0, 1], 0).into(), Some(tls)).await.unwrap();
    let address = listener.address().clone();
    runtime.spawn(listener.serve(Echo::default())).detach();
    address
}

/// What a client is told by a server that shows `shown`, where both trust `authority`.
async fn told<R: Runtime>(runtime: &R, authority: &Authority, shown: &Certificate) -> TlsError {
    let address = serve(runtime, &security(authority.pem(), shown)).await;
    let connector = connector(runtime, &security(authority.pem(), &authority.sign())).await;
    match connector.connect(&address).await.unwrap_err() {
        CommError::Tls { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

on_every_runtime! {
    async fn requests_large_and_small_go_through_tls(runtime) {
        let authority = Authority::new();
        let security = security(authority.pem(), &authority.sign());
        let address = serve(&runtime, &security).await;
        assert!(address.is_tls());
        let pool = Pool::new(connector(&runtime, &security).await);
        for nbytes in [1, 100_000, 5 << 20, 0] {
            let echoed = pool.call(&address, &request("echo", [("data", datum(nbytes))])).await.unwrap();
            assert_eq!(echoed, datum(nbytes));
        }
        pool.close().await;
    }

    async fn both_halves_work_at_the_same_time_in_tls(runtime) {
        let authority = Authority::new();
        let security = security(authority.pem(), &authority.sign());
        let tls = Tls::load(&security, Role::Worker).unwrap();
        let (mut listener, address) = played(&runtime).await;
        let address: Address = address.to_string().replace("tcp", "tls").parse().unwrap();
        let connecting = connector(&runtime, &security).await;
        let connected = runtime.spawn(async move { connecting.connect(&address).await.unwrap() });
        let (stream, _) = listener.accept().await.unwrap();
        let there = Comm::accept(stream, Some(&tls), &"tls://127.0.0.1:1".parse().unwrap()).await.unwrap();
        let here = connected.await.unwrap();
        let mut tasks = Vec::new();
        for (mut reader, mut writer) in [here.split(), there.split()] {
            tasks.push(runtime.spawn(async move {
                for _ in 0..50 {
                    writer.write(&datum(300_000)).await.unwrap();
                }
                writer.close().await.unwrap();
            }));
            tasks.push(runtime.spawn(async move {
                for _ in 0..50 {
                    assert_eq!(reader.read().await.unwrap(), datum(300_000));
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn tls_to_a_peer_without_it_says_so(runtime) {
        let authority = Authority::new();
        let (plain_address, _) = listening::serve(&runtime).await;
        let address = plain_address.to_string().replace("tcp", "tls").parse().unwrap();
        let connector = connector(&runtime, &security(authority.pem(), &authority.sign())).await;
        let error = connector.connect(&address).await.unwrap_err();
        assert!(matches!(error, CommError::Tls { source: TlsError::PlainPeer, .. }), "{error:?}");
    }

    async fn plain_to_a_peer_with_tls_says_so(runtime) {
        let authority = Authority::new();
        let address = serve(&runtime, &security(authority.pem(), &authority.sign())).await;
        let address = address.to_string().replace("tls", "tcp").parse().unwrap();
        let error = plain(&runtime).await.connect(&address).await.unwrap_err();
        assert!(matches!(error, CommError::NotDask { found: Found::Tls, .. }), "{error:?}");
    }

    async fn nothing_goes_out_unencrypted_when_there_are_certificates(runtime) {
        let authority = Authority::new();
        let connector = connector(&runtime, &security(authority.pem(), &authority.sign())).await;
        let error = connector.connect(&"tcp://127.0.0.1:1".parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, CommError::EncryptionRequired { .. }), "{error:?}");
    }

    async fn a_peer_of_another_authority_is_refused(runtime) {
        let (ours, theirs) = (Authority::new(), Authority::new());
        assert!(matches!(told(&runtime, &ours, &theirs.sign()).await, TlsError::UnknownIssuer));
    }

    async fn a_peer_that_refuses_our_certificate_says_so(runtime) {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let address = serve(&runtime, &security(theirs.pem(), &theirs.sign())).await;
        let connector = connector(&runtime, &security(theirs.pem(), &ours.sign())).await;
        let error = connector.connect(&address).await.unwrap_err();
        assert!(matches!(error, CommError::Tls { source: TlsError::Refused { .. }, .. }), "{error:?}");
    }

    async fn a_certificate_that_has_expired_is_refused(runtime) {
        let authority = Authority::new();
        let expired = authority.sign_with(|params| params.not_after = date_time_ymd(2001, 1, 1));
        assert!(matches!(told(&runtime, &authority, &expired).await, TlsError::NotNow));
    }

    async fn the_certificate_of_an_authority_is_none_to_show(runtime) {
        let authority = Authority::new();
        let error = told(&runtime, &authority, &authority.own()).await;
        assert!(error.to_string().contains("`CA:FALSE`"), "{error:?}");
    }

    async fn a_certificate_for_another_purpose_is_refused(runtime) {
        let authority = Authority::new();
        let other = authority.sign_with(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        });
        assert!(matches!(told(&runtime, &authority, &other).await, TlsError::OtherPurpose));
    }

    async fn a_certificate_that_names_another_host_is_taken(runtime) {
        let authority = Authority::new();
        let named = authority.sign_with(|params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName("dask-internal".try_into().unwrap())];
        });
        let address = serve(&runtime, &security(authority.pem(), &named)).await;
        connector(&runtime, &security(authority.pem(), &named)).await.connect(&address).await.unwrap();
    }
}
