//! The file of a certificate: signed, read and verified. The main type is [`SignedCertificate`].
//!
//! Signed is the canonical form ([`super::canonical`]) of all that stands under `certificate`, members that this program does not know
//! included. What is acted on is read from those very bytes, after the signature was found to be right.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cutover_core::timestamp::Timestamp;
use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;
use super::keys::{KeyId, PublicKey, SigningKey};
use super::statement::{Certificate, SCHEMA_VERSION};
use crate::digest::Digest;

/// How far the clocks of two machines may be apart: a certificate that was issued no later than this from now is not from the future.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// Why a certificate is refused.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("cannot read the certificate {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no certificate, or not all of one.
    #[error("{} is no certificate, or not all of one", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
        /// What was made of it.
        source: serde_json::Error,
    },
    /// It was signed by somebody else.
    #[error("the certificate was signed by key {key}, which is none of those that are trusted here")]
    Untrusted {
        /// The key that it names.
        key: KeyId,
        /// Those that are trusted.
        trusted: Vec<KeyId>,
    },
    /// It does not say what was signed.
    #[error("the certificate was changed after it was signed: its signature by key {key} does not fit")]
    Tampered {
        /// The key that it names.
        key: KeyId,
    },
    /// It is of another form than this program knows.
    #[error("the certificate is of version {found}, and this program knows version {SCHEMA_VERSION} alone")]
    UnknownVersion {
        /// Its version.
        found: u64,
    },
    /// It lacks something, or has something that does not belong there.
    #[error("the certificate does not say what one of its version must say")]
    Malformed {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// It was issued later than now.
    #[error("the certificate is from the future: issued at {issued_at}, and it is {now} now")]
    FromTheFuture {
        /// When it was issued.
        issued_at: Timestamp,
        /// When it was looked at.
        now: Timestamp,
    },
    /// Its time is over.
    #[error("the certificate expired at {expires_at}, and it is {now} now")]
    Expired {
        /// When its time was over.
        expires_at: Timestamp,
        /// When it was looked at.
        now: Timestamp,
    },
}

impl CertificateError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "name a certificate that can be read; `cutover readiness` leaves one in its run folder, such as \
                 runs/latest/certificate.json"
            }
            Self::NoCertificate { .. } => {
                "name the certificate.json that a run left, and copy it whole; a new run leaves a new one"
            }
            Self::Untrusted { .. } => {
                "if you trust whoever signed it, name their public key with --trusted-key FILE.pub; a file from elsewhere is no proof \
                 that it is theirs"
            }
            Self::Tampered { .. } => {
                "take the certificate from the run folder again, or run `cutover readiness` anew; find out who changed this one"
            }
            Self::UnknownVersion { .. } => {
                "verify it with the version of cutover that issued it, or run `cutover readiness` anew"
            }
            Self::Malformed { .. } => "run `cutover readiness` anew with this version of cutover",
            Self::FromTheFuture { .. } => {
                "set the clocks of the two machines right, and run `cutover readiness` anew"
            }
            Self::Expired { .. } => {
                "run `cutover readiness` anew: what was found out then need not hold now; --valid-for says for how long it does"
            }
        }
    }

    /// Returns whether there was a certificate to judge at all.
    pub const fn is_about_a_certificate(&self) -> bool {
        !matches!(self, Self::Unreadable { .. } | Self::NoCertificate { .. })
    }
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    certificate: Value,
    key: KeyId,
    signature: Hexadecimal,
}

/// A signature, 64 bytes in hexadecimal.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Hexadecimal(Signature);

impl From<Hexadecimal> for String {
    fn from(Hexadecimal(signature): Hexadecimal) -> Self {
        signature.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Hexadecimal {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a signature is 64 bytes in hexadecimal";
        let digits = text.as_bytes();
        if digits.len() != 2 * Signature::BYTE_SIZE {
            return Err(WRONG);
        }
        let mut bytes = [0; Signature::BYTE_SIZE];
        for (byte, digits) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let mut value = 0;
            for digit in digits {
                let digit = char::from(*digit).to_digit(16).ok_or(WRONG)?;
                value = value << 4 | digit as u8;
            }
            *byte = value;
        }
        Ok(Self(Signature::from_bytes(&bytes)))
    }
}

/// A certificate with its signature, as it was issued or read. Nothing is said about whether it is genuine before
/// [`SignedCertificate::verify`].
#[derive(Debug, Clone)]
pub struct SignedCertificate {
    /// What is signed.
    bytes: Vec<u8>,
    content: Content,
    key: KeyId,
    signature: Signature,
}

/// What the signed bytes come to.
#[derive(Debug, Clone)]
enum Content {
    Certificate(Box<Certificate>),
    OtherVersion(u64),
    /// The bytes are read again for the error, which cannot be kept twice.
    Malformed,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Versioned {
            schema_version: u64,
        }
        match serde_json::from_slice::<Versioned>(bytes) {
            Ok(Versioned { schema_version }) if schema_version != u64::from(SCHEMA_VERSION) => {
                Self::OtherVersion(schema_version)
            }
            _ => serde_json::from_slice(bytes).map_or(Self::Malformed, Self::Certificate),
        }
    }
}

impl SignedCertificate {
    /// Signs a certificate.
    pub fn sign(certificate: Certificate, key: &SigningKey) -> Self {
        let bytes = canonical::to_bytes(&certificate);
        let signature = key.sign(&bytes);
        Self { bytes, content: Content::Certificate(certificate.into()), key: key.public().id(), signature }
    }

    /// Reads a certificate from a file.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Unreadable`] and [`CertificateError::NoCertificate`].
    pub fn read(file: &Path) -> Result<Self, CertificateError> {
        let json = fs::read(file)
            .map_err(|source| CertificateError::Unreadable { file: file.to_owned(), source })?;
        let envelope: Envelope = serde_json::from_slice(&json)
            .map_err(|source| CertificateError::NoCertificate { file: file.to_owned(), source })?;
        let bytes = canonical::to_bytes(&envelope.certificate);
        let content = Content::of(&bytes);
        Ok(Self { bytes, content, key: envelope.key, signature: envelope.signature.0 })
    }

    /// Returns the file's text: indented JSON that a person can read.
    pub fn to_json(&self) -> String {
        /// The members of a certificate in the order in which they are told of, not in that of their names.
        #[derive(Serialize)]
        struct Readable<'a> {
            certificate: &'a Certificate,
            key: &'a KeyId,
            signature: Hexadecimal,
        }
        let signature = Hexadecimal(self.signature);
        let json = match &self.content {
            Content::Certificate(certificate) => {
                serde_json::to_string_pretty(&Readable { certificate, key: &self.key, signature })
            }
            _ => serde_json::from_slice(&self.bytes).and_then(|certificate| {
                serde_json::to_string_pretty(&Envelope { certificate, key: self.key.clone(), signature })
            }),
        };
        json.expect("what was signed is JSON") + "\n"
    }

    /// Returns the digest of what is signed: the same as [`Certificate::digest`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Returns the key that it says it was signed by.
    pub const fn key(&self) -> &KeyId {
        &self.key
    }

    /// Returns what it says, whether that is genuine or not: for eyes alone.
    ///
    /// # Errors
    ///
    /// [`CertificateError::UnknownVersion`] and [`CertificateError::Malformed`] when this program cannot tell.
    pub fn unverified(&self) -> Result<&Certificate, CertificateError> {
        match &self.content {
            Content::Certificate(certificate) => Ok(certificate),
            Content::OtherVersion(found) => Err(CertificateError::UnknownVersion { found: *found }),
            Content::Malformed => {
                let source = serde_json::from_slice::<Certificate>(&self.bytes).expect_err("it is malformed");
                Err(CertificateError::Malformed { source })
            }
        }
    }

    /// Returns what it says, if that is genuine and its time has come and is not over. What its verdict is, is left to the caller.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] for the first reason not to believe it.
    pub fn verify(&self, trusted: &[PublicKey], now: Timestamp) -> Result<&Certificate, CertificateError> {
        let Some(key) = trusted.iter().find(|key| key.id() == self.key) else {
            let trusted = trusted.iter().map(PublicKey::id).collect();
            return Err(CertificateError::Untrusted { key: self.key.clone(), trusted });
        };
        if !key.has_signed(&self.bytes, &self.signature) {
            return Err(CertificateError::Tampered { key: self.key.clone() });
        }
        let certificate = self.unverified()?;
        let Certificate { issued_at, expires_at, .. } = *certificate;
        if issued_at.as_offset_date_time() > now.as_offset_date_time() + CLOCKS_APART {
            return Err(CertificateError::FromTheFuture { issued_at, now });
        }
        if now >= expires_at {
            return Err(CertificateError::Expired { expires_at, now });
        }
        Ok(certificate)
    }
}
