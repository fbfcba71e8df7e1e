use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::client::Resumption;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::pki_types::pem::{self, PemObject};
use futures_rustls::rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName};
use futures_rustls::rustls::server::WebPkiClientVerifier;
use futures_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::security::{Pem, Security};
use super::verifier::DangerAnyName;
use crate::engine::dask::comm::tls::TlsError;
use crate::engine::dask::comm::tls::error::PemFault;

/// Whose certificate is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Worker,
}

/// Certificates that have been read, ready to connect and to accept with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Tls {
    /// Reads the files of `security`. Blocks on the disk.
    pub(crate) fn load(security: &Security, role: Role) -> Result<Self, TlsError> {
        let (cert_field, cert, key_field, key) = match role {
            Role::Client => ("tls_client_cert", &security.client_cert, "tls_client_key", &security.client_key),
            Role::Worker => ("tls_worker_cert", &security.worker_cert, "tls_worker_key", &security.worker_key),
        };
        let roots = Arc::new(roots("tls_ca_file", &security.ca_file)?);
        let chain = certificates(cert_field, cert)?;
        let key = private_key(key_field, key)?;

        let provider = Arc::new(ring::default_provider());
        let unusable = |error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::OtherKey { cert: cert_field, key: key_field },
            source => TlsError::Unusable { field: cert_field, source },
        };
        let client = client_config(&roots, &provider, chain.clone(), key.clone_key()).map_err(unusable)?;
        let server = server_config(&roots, &provider, chain, key).map_err(unusable)?;
        Ok(Self { client: Arc::new(client), server: Arc::new(server) })
    }

    /// Makes the connecting side of a TLS stream.
    pub(crate) async fn connect<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Nobody looks at it, but the call wants one. An IP address is not sent to the peer.
        let name = ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        TlsConnector::from(Arc::clone(&self.client)).connect(name, stream).await.map(TlsStream::Client)
    }

    /// Makes the accepting side of a TLS stream.
    pub(crate) async fn accept<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(Arc::clone(&self.server)).accept(stream).await.map(TlsStream::Server)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn client_config(
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = DangerAnyName::new(Arc::clone(roots), Arc::clone(provider));
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(chain, key)?;
    // All peers go by one name, see `connect`: a session of one must not be offered to another.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server_config(
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
}

fn roots(field: &'static str, pem: &Option<Pem>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(field, pem)? {
        roots.add(certificate).map_err(|source| TlsError::Unusable { field, source })?;
    }
    Ok(roots)
}

fn certificates(field: &'static str, pem: &Option<Pem>) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(field, pem)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::Pem { field, found: PemFault::NoCertificate }),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(TlsError::Pem { field, found: PemFault::Broken }),
    }
}

fn private_key(field: &'static str, pem: &Option<Pem>) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(field, pem)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let is_encrypted = bytes.windows(9).any(|letters| letters == b"ENCRYPTED");
        let found = match error {
            _ if is_encrypted => PemFault::EncryptedKey,
            pem::Error::NoItemsFound => PemFault::NoKey,
            _ => PemFault::Broken,
        };
        TlsError::Pem { field, found }
    })
}

fn read(field: &'static str, pem: &Option<Pem>) -> Result<Vec<u8>, TlsError> {
    match pem {
        None => Err(TlsError::Missing { field }),
        Some(Pem::Text(text)) => Ok(text.as_bytes().to_vec()),
        Some(Pem::File(path)) => {
            fs::read(path).map_err(|source| TlsError::File { field, path: path.clone(), source: Arc::new(source) })
        }
    }
}
