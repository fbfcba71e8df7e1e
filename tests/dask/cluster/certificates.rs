//! Certificates as a cluster needs them, made by the test.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority that signs the certificates of one cluster.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM texts.
#[derive(Clone)]
pub struct Certificate {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = named("an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate that names no host, as those of Dask do not have to.
    pub fn sign(&self) -> Certificate {
        self.sign_with(|_| ())
    }

    /// A certificate with something special.
    pub fn sign_with(&self, edit: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = named("a member");
        edit(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Certificate { cert, key: key.serialize_pem() }
    }

    /// The authority's own certificate, as one that somebody shows.
    pub fn own(&self) -> Certificate {
        Certificate { cert: self.pem.clone(), key: self.issuer.key().serialize_pem() }
    }
}

/// The two names have to differ: OpenSSL takes a certificate that is named as its issuer for a self-signed one.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
