//! What is wrong with the files of a `Security` is said with the name of the field.

use std::fs;
use std::io;
use std::sync::Arc;

use futures_rustls::rustls::RootCertStore;
use futures_rustls::rustls::client::danger::ServerCertVerifier;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::verifier::DangerAnyName;
use super::{Role, Security, Tls, TlsError};
use crate::engine::dask::comm::tests::certificates::{Authority, Certificate};

fn security() -> (Authority, Certificate, Security) {
    let authority = Authority::new();
    let shown = authority.sign();
    let security = Security::new().tls_ca_file(authority.pem()).tls_client_cert(&shown.cert).tls_client_key(&shown.key);
    (authority, shown, security)
}

fn error(security: &Security) -> TlsError {
    Tls::load(security, Role::Client).unwrap_err()
}

#[test]
fn paths_and_texts_are_both_taken() {
    let (authority, shown, security) = security();
    Tls::load(&security, Role::Client).unwrap();
    let folder = std::env::temp_dir().join(format!("anydask-security-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let security = Security::new()
        .tls_ca_file(write("ca.pem", authority.pem()))
        .tls_client_cert(write("cert.pem", &shown.cert))
        .tls_client_key(write("key.pem", &shown.key));
    Tls::load(&security, Role::Client).unwrap();
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_missing_is_named() {
    let (_, _, security) = security();
    let error = Tls::load(&security, Role::Worker).unwrap_err();
    assert!(error.to_string().contains("`tls_worker_cert`"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (_, _, security) = security();
    let error = error(&security.tls_ca_file("/no/such/ca.pem"));
    assert_eq!(error.to_string(), "cannot read `/no/such/ca.pem`, which is `tls_ca_file`");
}

#[test]
fn certificate_and_key_may_not_be_exchanged() {
    let (_, shown, security) = security();
    let wrong = error(&security.clone().tls_client_cert(&shown.key));
    assert!(wrong.to_string().contains("`tls_client_cert` holds no certificate"), "{wrong}");
    let wrong = error(&security.tls_client_key(&shown.cert));
    assert!(wrong.to_string().contains("`tls_client_key` holds no private key"), "{wrong}");
}

#[test]
fn a_key_of_another_certificate_is_found_out() {
    let (authority, _, security) = security();
    let wrong = error(&security.tls_client_key(&authority.sign().key));
    assert!(matches!(wrong, TlsError::OtherKey { .. }), "{wrong:?}");
}

#[test]
fn an_encrypted_key_says_what_to_do() {
    let (_, shown, security) = security();
    let encrypted = shown.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(error(&security.tls_client_key(&encrypted)).to_string().contains("without a password"));
}

#[test]
fn broken_text_is_refused() {
    let (_, shown, security) = security();
    let broken = shown.cert.replace("-----END", "-----AND");
    assert!(error(&security.tls_client_cert(&broken)).to_string().contains("no valid PEM"));
}

#[test]
fn a_key_given_as_text_is_not_shown() {
    let (_, shown, security) = security();
    let line = shown.key.lines().nth(1).unwrap();
    assert!(!format!("{security:?}").contains(line));
}

#[test]
fn a_certificate_of_version_1_is_refused_in_words() {
    // Nothing that is used here makes such certificates any more. This one is `openssl`'s, and good until 2126.
    let certificate = CertificateDer::from_pem_slice(include_bytes!("version-1.pem")).unwrap();
    let verifier = DangerAnyName::new(Arc::new(RootCertStore::empty()), Arc::new(ring::default_provider()));
    let name = ServerName::try_from("any").unwrap();
    let error = verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).unwrap_err();
    let error = TlsError::of_io(&io::Error::new(io::ErrorKind::InvalidData, error)).unwrap();
    assert!(error.to_string().contains("of X.509 version 1"), "{error:?}");
}
