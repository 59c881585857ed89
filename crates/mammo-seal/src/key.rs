use crate::SealError;
use crate::folder::wrong;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use fs_err as fs;
use mammo_files::hex;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

/// What seals are made with. Keep it where the images are acquired and nowhere else.
pub struct SecretKey(SigningKey);

/// What seals are checked with. Give it to everybody, by a way that nobody can change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SecretKey {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// [`SealError::Key`] where the system gives none.
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| SealError::Key(format!("this machine gives no random numbers: {error}")))?;
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }

    /// The key that belongs to it.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> String {
        hex(&self.0.sign(message).to_bytes())
    }

    /// Writes a new key file that its owner alone can read.
    ///
    /// # Errors
    /// [`SealError::Path`] when the file is there already; [`SealError::Io`].
    pub fn write_new(&self, path: &Path) -> Result<(), SealError> {
        if path.exists() {
            return Err(wrong(path, "there is a file already; a key is never written over"));
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use fs_err::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(path)?;
        file.write_all(format!("{}\n", hex(&self.0.to_bytes())).as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`SealError::Key`] for a file that holds no key; [`SealError::Io`]. The file's content is in no message.
    pub fn read(path: &Path) -> Result<Self, SealError> {
        let text = fs::read_to_string(path)?;
        let bytes = unhex::<32>(text.trim());
        let bytes = bytes
            .ok_or_else(|| SealError::Key(format!("{}: this file holds no secret key", path.display())))?;
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }
}

impl PublicKey {
    pub(crate) fn holds(self, message: &[u8], signature: &str) -> bool {
        unhex::<64>(signature)
            .is_some_and(|bytes| self.0.verify_strict(message, &Signature::from_bytes(&bytes)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        unhex::<32>(text.trim())
            .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
            .map(Self)
            .ok_or_else(|| SealError::Key(format!("{text:?} is no public key; it has 64 hexadecimal digits")))
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, i) in bytes.iter_mut().zip((0..2 * N).step_by(2)) {
        *byte = u8::from_str_radix(&text[i..i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n").unwrap();
        let key = SecretKey::read(&path).unwrap();
        assert_eq!(
            key.public().to_string(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(
            signature,
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.public().holds(&[0x72], &signature) && !key.public().holds(&[0x73], &signature));
    }

    #[test]
    fn key_files_are_private_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = SecretKey::generate().unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
        assert!(SecretKey::generate().unwrap().write_new(&path).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(key.public().to_string().parse::<PublicKey>().unwrap(), key.public());
        for bad in ["", "zz", "3d4017c3"] {
            assert!(bad.parse::<PublicKey>().is_err());
        }
        fs::write(&path, "secret that is no key").unwrap();
        let message = SecretKey::read(&path).err().unwrap().to_string();
        assert!(!message.contains("secret that"), "{message}");
    }
}
