//! Encryption of connections: TLS 1.2 and 1.3 by rustls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use helios_base::{Error, Result};
use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use sha2::{Digest, Sha256};

/// Where the server's certificate and key are, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that sign it up to the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The server's certificate and key as they were last read.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<Identity>>,
}

/// One certificate with its key.
#[derive(Debug)]
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
    /// What the channel is bound to by `tls-server-end-point` (RFC 5929).
    end_point: Option<[u8; 32]>,
}

impl Tls {
    /// Reads the certificate and the key.
    ///
    /// # Errors
    /// `58030` a file cannot be read; `F0000` it holds nothing of use, or the key is another
    /// certificate's.
    pub fn open(files: TlsFiles) -> Result<Self> {
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, current })
    }

    /// Reads both again, for new connections. After an error all stays as it was.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub fn reload(&self) -> Result<()> {
        let new = Arc::new(read(&self.files)?);
        *self.current.write() = new;
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<Identity> {
        self.current.read().clone()
    }
}

impl Identity {
    /// The server's side of a new connection.
    ///
    /// # Errors
    /// When the library refuses its own configuration.
    pub(crate) fn accept(&self) -> io::Result<ServerConnection> {
        ServerConnection::new(self.config.clone()).map_err(io::Error::other)
    }

    /// The bytes for channel binding, if the certificate's signature has a usable digest.
    pub(crate) const fn end_point(&self) -> Option<[u8; 32]> {
        self.end_point
    }
}

fn read(files: &TlsFiles) -> Result<Identity> {
    let bad = |path: &std::path::Path, what: &dyn std::fmt::Display| {
        Error::new(
            helios_base::SqlState::new(b"F0000"),
            format!("could not use \"{}\" for TLS: {what}", path.display()),
        )
    };
    let text = |path: &std::path::Path| {
        std::fs::read(path)
            .map_err(|error| Error::io(format!("read \"{}\"", path.display()), error))
    };
    let pem = text(&files.certificate)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(&files.certificate, &error))?;
    let Some(leaf) = chain.first() else {
        return Err(bad(&files.certificate, &"it holds no certificate"));
    };
    let end_point = is_sha256(leaf).then(|| Sha256::digest(leaf.as_ref()).into());
    let pem = text(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| bad(&files.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&files.certificate, &error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| bad(&files.key, &error))?;
    Ok(Identity {
        config: Arc::new(config),
        end_point,
    })
}

/// Whether a certificate is signed with SHA-256, or with the MD5 or SHA-1 that RFC 5929 replaces by
/// it: its signature algorithm, in DER, is one of these.
fn is_sha256(certificate: &CertificateDer<'_>) -> bool {
    /// `sha256WithRSAEncryption`, `ecdsa-with-SHA256`, `sha1WithRSAEncryption`, `ecdsa-with-SHA1`.
    const ALGORITHMS: [&[u8]; 4] = [
        &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b],
        &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
        &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
        &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1],
    ];
    signature_algorithm(certificate)
        .is_some_and(|algorithm| ALGORITHMS.iter().any(|known| algorithm.starts_with(known)))
}

/// The content of the `AlgorithmIdentifier` after the signed part of a certificate.
fn signature_algorithm<'c>(certificate: &'c CertificateDer<'_>) -> Option<&'c [u8]> {
    let (outer, _) = element(certificate.as_ref())?;
    let (_, rest) = element(outer)?;
    element(rest).map(|(algorithm, _)| algorithm)
}

/// The content of a DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = (*der.get(1)?, der.get(2..)?);
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0, |all, byte| all << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_elements_end_where_they_say() {
        assert_eq!(element(&[0x30, 2, 1, 2, 3]), Some((&[1, 2][..], &[3][..])));
        assert_eq!(element(&[0x30, 0x81, 1, 9]), Some((&[9][..], &[][..])));
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 5, 1],
            &[0x30, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(element(bad), None, "{bad:?}");
        }
    }
}
