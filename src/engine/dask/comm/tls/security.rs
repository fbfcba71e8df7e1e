use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The certificates with which a client or a worker takes part in an encrypted cluster: Dask's `Security`.
///
/// Both sides of a connection show a certificate, and each checks that the other's was signed by the cluster's authority
/// (`tls_ca_file`). Host names are not checked, as in Dask: who holds a certificate of the authority belongs to
/// the cluster. All files are in PEM format. In place of a path, each field also takes the PEM text itself.
///
/// With a `Security`, addresses must be `tls://`: nothing is sent unencrypted by mistake.
///
/// Certificates must be X.509 version 3 (that is, have extensions, as `openssl req -x509` and `openssl x509 -extfile`
/// write them), and one that is shown must not itself be a certificate authority: Python takes such, this library
/// does not. The key must not be encrypted.
///
/// # Examples
///
/// ```
/// use anydask::Security;
///
/// let security = Security::new()
///     .tls_ca_file("/etc/dask/ca.pem")
///     .tls_client_cert("/etc/dask/client.pem")
///     .tls_client_key("/etc/dask/client-key.pem");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Security {
    pub(super) ca_file: Option<Pem>,
    pub(super) client_cert: Option<Pem>,
    pub(super) client_key: Option<Pem>,
    pub(super) worker_cert: Option<Pem>,
    pub(super) worker_key: Option<Pem>,
}

impl Security {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The certificates of the authorities that sign the cluster's certificates.
    pub fn tls_ca_file(mut self, pem: impl AsRef<OsStr>) -> Self {
        self.ca_file = Some(Pem::new(pem.as_ref()));
        self
    }

    /// The certificate that a client shows, followed by those between it and the authority, if there are any.
    pub fn tls_client_cert(mut self, pem: impl AsRef<OsStr>) -> Self {
        self.client_cert = Some(Pem::new(pem.as_ref()));
        self
    }

    /// The private key of the client's certificate.
    pub fn tls_client_key(mut self, pem: impl AsRef<OsStr>) -> Self {
        self.client_key = Some(Pem::new(pem.as_ref()));
        self
    }

    /// The certificate that a worker shows, to the scheduler and to who connects to it.
    pub fn tls_worker_cert(mut self, pem: impl AsRef<OsStr>) -> Self {
        self.worker_cert = Some(Pem::new(pem.as_ref()));
        self
    }

    /// The private key of the worker's certificate.
    pub fn tls_worker_key(mut self, pem: impl AsRef<OsStr>) -> Self {
        self.worker_key = Some(Pem::new(pem.as_ref()));
        self
    }
}

/// A file in PEM format, or its text.
#[derive(Clone)]
pub(super) enum Pem {
    File(PathBuf),
    Text(Arc<str>),
}

impl Pem {
    /// No path has that mark in it; Dask tells the two apart in the same way.
    fn new(given: &OsStr) -> Self {
        match given.to_str() {
            Some(text) if text.contains("-----BEGIN") => Self::Text(text.into()),
            _ => Self::File(given.into()),
        }
    }
}

/// Without the text, which may be a private key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("\"(PEM text)\""),
        }
    }
}
