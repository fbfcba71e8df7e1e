use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};

/// What is wrong with the certificates, ours or the peer's, or with the TLS of a peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub(crate) enum TlsError {
    // --- the caller's ---
    /// A field of `Security` is not set.
    Missing { field: &'static str },
    /// A file cannot be read.
    File { field: &'static str, path: PathBuf, source: Arc<io::Error> },
    /// The text is not what it should be.
    Pem { field: &'static str, found: PemFault },
    /// The key belongs to another certificate.
    OtherKey { cert: &'static str, key: &'static str },
    /// rustls does not take the certificate or the key.
    Unusable { field: &'static str, source: rustls::Error },
    // --- the peer's ---
    /// The peer answers, but not in TLS.
    PlainPeer,
    /// The peer's certificate is not of our authority.
    UnknownIssuer,
    /// The peer's certificate has expired, or is not valid yet.
    NotNow,
    /// The peer's certificate is of X.509 version 1 or 2.
    OldCertificate,
    /// The peer shows the certificate of an authority as its own.
    AuthorityAsLeaf,
    /// The peer's certificate is not for this side of a connection.
    OtherPurpose,
    /// The peer does not take our certificate.
    Refused { alert: AlertDescription },
    /// The peer wants us to show a certificate, and got none; or shows none itself.
    NoCertificate,
    /// The two have no version or no cipher in common.
    NothingInCommon,
    /// All else.
    Other(rustls::Error),
}

/// What a PEM text has in place of what was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PemFault {
    NoCertificate,
    NoKey,
    EncryptedKey,
    Broken,
}

impl TlsError {
    /// What an I/O error of a TLS stream is about. `None` where it is no error of TLS.
    pub(crate) fn of_io(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(Self::of_rustls(error))
    }

    fn of_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::UnknownProtocolVersion,
            ) => Self::PlainPeer,
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::PeerIncompatible(_) => Self::NothingInCommon,
            rustls::Error::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired | AlertDescription::NoCertificate => Self::NoCertificate,
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                // Of an authority that has the name of the peer's, and is another.
                | AlertDescription::DecryptError
                | AlertDescription::AccessDenied => Self::Refused { alert: *alert },
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity => Self::NothingInCommon,
                _ => Self::Other(error.clone()),
            },
            _ => Self::Other(error.clone()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::NotNow,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::OtherPurpose,
            // These two have no case of their own in rustls; the type inside is of another crate, and its name is all
            // that is needed. Tests hold both.
            CertificateError::Other(other) => match format!("{other:?}") {
                text if text.contains("UnsupportedCertVersion") => Self::OldCertificate,
                text if text.contains("CaUsedAsEndEntity") => Self::AuthorityAsLeaf,
                _ => Self::Other(CertificateError::Other(other.clone()).into()),
            },
            other => Self::Other(other.clone().into()),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { field } => write!(f, "`{field}` of `Security` is not set; give it the path of a PEM file"),
            Self::File { field, path, .. } => write!(f, "cannot read `{}`, which is `{field}`", path.display()),
            Self::Pem { field, found } => write!(f, "`{field}` {found}"),
            Self::OtherKey { cert, key } => write!(f, "the key in `{key}` is not that of the certificate in `{cert}`"),
            Self::Unusable { field, .. } => write!(f, "`{field}` cannot be used"),
            Self::PlainPeer => f.write_str(
                "the peer does not speak TLS; write `tcp://` if its cluster is not encrypted, or give it certificates",
            ),
            Self::UnknownIssuer => f.write_str(
                "the peer's certificate was not signed by the authority in `tls_ca_file`; use the authority of its cluster",
            ),
            Self::NotNow => f.write_str(
                "the peer's certificate has expired or is not valid yet; renew it, and look at the clocks of both sides",
            ),
            Self::OldCertificate => f.write_str(
                "the peer's certificate is of X.509 version 1, which Python takes and this library does not; make one of \
                 version 3 (`openssl x509 -req` writes one when it is given an `-extfile`)",
            ),
            Self::AuthorityAsLeaf => f.write_str(
                "the peer shows the certificate of an authority (`CA:TRUE`) as its own, which Python takes and this library \
                 does not; sign one with `CA:FALSE` by it, and leave the authority's in `tls_ca_file`",
            ),
            Self::OtherPurpose => f.write_str(
                "the peer's certificate is not for this side of a connection; give it both purposes, `serverAuth` and \
                 `clientAuth`, or no extended key usage at all",
            ),
            Self::Refused { alert } => write!(
                f,
                "the peer refuses our certificate ({alert:?}); use one that the authority of its cluster has signed"
            ),
            Self::NoCertificate => f.write_str("a certificate was asked for and none was shown: both sides need one"),
            Self::NothingInCommon => {
                f.write_str("the peer has no TLS version or cipher in common with this library, which speaks TLS 1.2 and 1.3")
            }
            Self::Other(_) => f.write_str("TLS failed"),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Unusable { source, .. } | Self::Other(source) => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for PemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "holds no certificate; it has to have a part `-----BEGIN CERTIFICATE-----`",
            Self::NoKey => "holds no private key; it has to have a part `-----BEGIN PRIVATE KEY-----`",
            Self::EncryptedKey => "holds an encrypted key; write it without a password (`openssl pkey -in .. -out ..`)",
            Self::Broken => "is no valid PEM text",
        })
    }
}
