//! Ed25519 keys, and their files: PEM as every tool has it (PKCS #8, SPKI), the private one for its owner's eyes alone.
//!
//! A key is the one thing that no seed decides: who knows the seed of a run must not know its key.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, DecodePrivateKey, DecodePublicKey, EncodePublicKey, KeypairBytes, spki};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The file of the user's own key within the configuration folder.
const OWN_KEY: &str = "signing-key.pem";

/// What is wrong with a key. Shows nothing of a private one.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no folder for the user's own key.
    #[error("there is no folder for a signing key: neither XDG_CONFIG_HOME nor HOME is set")]
    NoConfigFolder,
    /// The file cannot be read.
    #[error("cannot read the key {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A key is never overwritten.
    #[error("{} is there already", file.display())]
    AlreadyThere {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write the key {}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds no private key of the kind that signs.
    #[error("{} holds no private Ed25519 key in PEM", file.display())]
    NoPrivateKey {
        /// The file.
        file: PathBuf,
        /// What was made of it.
        source: pkcs8::Error,
    },
    /// The file holds no public key of that kind.
    #[error("{} holds no public Ed25519 key in PEM", file.display())]
    NoPublicKey {
        /// The file.
        file: PathBuf,
        /// What was made of it.
        source: spki::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness for a key")]
    NoRandomness {
        /// Why not.
        source: io::Error,
    },
}

impl KeyError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoConfigFolder => {
                "name a key with --signing-key, or with CUTOVER_SIGNING_KEY; `cutover certificate new-key FILE` makes one"
            }
            Self::Unreadable { .. } => {
                "name a file that can be read; `cutover certificate new-key FILE` makes a key, and FILE.pub beside it, for --trusted-key"
            }
            Self::AlreadyThere { .. } => {
                "name a file that is not there yet: what was signed by a key that is overwritten is believed by nobody"
            }
            Self::Unwritable { .. } => "name a file in a folder that can be written to",
            Self::NoPrivateKey { .. } => {
                "name the private key, and not FILE.pub; `cutover certificate new-key FILE` makes one"
            }
            Self::NoPublicKey { .. } => "name the public key, FILE.pub beside the private one",
            Self::NoRandomness { .. } => "see what the operating system says",
        }
    }
}

/// The name of a key: the first 16 bytes of the BLAKE3 hash of the public one, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that tells whether its private counterpart signed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key from its file.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it cannot be read, or holds no such key.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let pem = read(file)?;
        match VerifyingKey::from_public_key_pem(&pem) {
            Ok(key) => Ok(Self(key)),
            Err(source) => Err(KeyError::NoPublicKey { file: file.to_owned(), source }),
        }
    }

    /// Returns its name.
    pub fn id(&self) -> KeyId {
        let hash = blake3::hash(self.0.as_bytes());
        KeyId(hash.to_hex()[..32].to_owned())
    }

    /// Returns the key as PEM.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a key has a form in PEM")
    }

    /// Returns whether its private counterpart signed these bytes.
    pub(super) fn has_signed(&self, bytes: &[u8], signature: &Signature) -> bool {
        // Strictly: of weak keys, and of signatures that others take for valid too, none is taken.
        self.0.verify_strict(bytes, signature).is_ok()
    }
}

/// A key that signs. No form of printing shows it, and its memory is wiped when it goes.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

impl SigningKey {
    /// Takes a key of 32 bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Draws a key from the operating system.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`] when it gives none.
    pub fn draw() -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|source| KeyError::NoRandomness { source: source.into() })?;
        Ok(Self::from_bytes(&secret))
    }

    /// Reads a key from its file.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it cannot be read, or holds no such key.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let pem = read(file)?;
        match ed25519_dalek::SigningKey::from_pkcs8_pem(&pem) {
            Ok(key) => Ok(Self(key)),
            Err(source) => Err(KeyError::NoPrivateKey { file: file.to_owned(), source }),
        }
    }

    /// Reads the user's own key from the configuration folder, and makes it when it is not there. Returns whether it was made, too.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is there and is none, or can neither be read nor made.
    pub fn own(folder: &Path) -> Result<(Self, bool), KeyError> {
        let file = own_key_file(folder);
        if !file.exists() {
            fs::create_dir_all(folder)
                .map_err(|source| KeyError::Unwritable { file: folder.to_owned(), source })?;
            let key = Self::draw()?;
            match key.keep(&file) {
                Ok(()) => return Ok((key, true)),
                // Another run was faster: its key is as good as ours.
                Err(KeyError::AlreadyThere { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((Self::read(&file)?, false))
    }

    /// Returns its public counterpart.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Writes the key into a file that is not there yet, for its owner's eyes alone, and its public counterpart beside it
    /// ([`public_file`]).
    ///
    /// # Errors
    ///
    /// [`KeyError`] when one of the two is there, or cannot be written.
    pub fn keep(&self, file: &Path) -> Result<(), KeyError> {
        let public = public_file(file);
        if public.exists() {
            return Err(KeyError::AlreadyThere { file: public });
        }
        // Without the public key in it: then every tool reads it.
        let pem = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem =
            pkcs8::EncodePrivateKey::to_pkcs8_pem(&pem, LineEnding::LF).expect("a key has a form in PEM");
        create(file, pem.as_bytes(), false)?;
        create(&public, self.public().to_pem().as_bytes(), true)
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Signature {
        self.0.sign(bytes)
    }
}

/// Returns the file of the public key that belongs to a private one: `FILE.pub`.
pub fn public_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Returns the file of the user's own key.
pub fn own_key_file(folder: &Path) -> PathBuf {
    folder.join(OWN_KEY)
}

impl PublicKey {
    /// Reads the public counterpart of the user's own key from the configuration folder.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when there is none.
    pub fn own(folder: &Path) -> Result<Self, KeyError> {
        Self::read(&public_file(&own_key_file(folder)))
    }
}

/// Returns the folder in which this program keeps what belongs to the user.
///
/// # Errors
///
/// [`KeyError::NoConfigFolder`] when the environment names none.
pub fn config_folder(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, KeyError> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CONFIG_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("cutover"))
        .ok_or(KeyError::NoConfigFolder)
}

fn read(file: &Path) -> Result<String, KeyError> {
    fs::read_to_string(file).map_err(|source| KeyError::Unreadable { file: file.to_owned(), source })
}

/// Writes a file whole or not at all, and never over another one.
fn create(file: &Path, bytes: &[u8], may_all_read: bool) -> Result<(), KeyError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = (|| {
        // Only its owner may read it, from the first moment on.
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(bytes)?;
        if may_all_read {
            let_all_read(draft.as_file())?;
        }
        draft.as_file().sync_all()?;
        draft.persist_noclobber(file).map_err(|error| error.error)?;
        Ok(())
    })();
    written.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::AlreadyThere { file: file.to_owned() },
        _ => KeyError::Unwritable { file: file.to_owned(), source },
    })
}

#[cfg(unix)]
fn let_all_read(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn let_all_read(_: &fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn a_key_is_read_as_it_was_kept_and_so_is_the_public_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.pem");
        key().keep(&file).expect("a key");
        assert_eq!(SigningKey::read(&file).expect("the key").public(), key().public());
        assert_eq!(PublicKey::read(&public_file(&file)).expect("the public key"), key().public());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_its_owner_reads_a_private_key() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.pem");
        key().keep(&file).expect("a key");
        let mode = |file: &Path| fs::metadata(file).expect("a file").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&public_file(&file))), (0o600, 0o644));
    }

    #[test]
    fn a_key_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.pem");
        key().keep(&file).expect("a key");
        let refused = SigningKey::from_bytes(&[8; 32]).keep(&file).expect_err("there is one");
        assert!(matches!(refused, KeyError::AlreadyThere { .. }), "{refused:?}");
        assert_eq!(SigningKey::read(&file).expect("the key").public(), key().public());
        // A public key without its private one would be another's in the end.
        fs::remove_file(&file).expect("a file that goes");
        let refused = key().keep(&file).expect_err("the public one is there");
        assert!(matches!(refused, KeyError::AlreadyThere { .. }) && !file.exists(), "{refused:?}");
    }

    #[test]
    fn the_users_own_key_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("a/b");
        let (made, is_new) = SigningKey::own(&folder).expect("a key");
        let (read, is_new_again) = SigningKey::own(&folder).expect("the key");
        assert_eq!((is_new, is_new_again), (true, false));
        assert_eq!(made.public(), read.public());
        assert_eq!(PublicKey::own(&folder).expect("the public key"), made.public());
    }

    #[test]
    fn a_public_key_in_the_place_of_a_private_one_is_told_from_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.pem");
        key().keep(&file).expect("a key");
        let refused = SigningKey::read(&public_file(&file)).expect_err("it is the public one");
        assert!(matches!(refused, KeyError::NoPrivateKey { .. }), "{refused:?}");
        let refused = PublicKey::read(&file).expect_err("it is the private one");
        assert!(matches!(refused, KeyError::NoPublicKey { .. }), "{refused:?}");
    }

    #[test]
    fn a_key_is_printed_by_its_name_alone() {
        let text = format!("{:?}", key());
        assert_eq!(text, format!("SigningKey({})", key().public().id()));
    }

    #[test]
    fn the_configuration_folder_is_where_the_environment_says() {
        let folder = |set: &'static str| config_folder(move |name| (name == set).then(|| "/x".into()));
        assert_eq!(folder("XDG_CONFIG_HOME").expect("a folder"), PathBuf::from("/x/cutover"));
        assert_eq!(folder("HOME").expect("a folder"), PathBuf::from("/x/.config/cutover"));
        assert!(matches!(folder("TMP"), Err(KeyError::NoConfigFolder)));
    }
}
