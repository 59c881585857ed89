//! What works against tampering today: a seal over a folder of images, made at acquisition, that shows every file that
//! was changed, taken away or added since; and a look for the marks that synthetic pictures carry.
//!
//! A [`Seal`] holds the SHA-256 of every file, and of the pixels of DICOM files, under one Ed25519 signature (RFC 8032).
//! Whoever has the public key can [`verify`] it; nobody without the secret key can make another. It does not say that the
//! images were true when they were sealed, and it does not keep anybody from changing them.
//!
//! ```
//! use mammo_seal::{SecretKey, Verdict, seal, verify};
//!
//! # let dir = tempfile::tempdir()?;
//! let study = dir.path().join("study");
//! std::fs::create_dir(&study)?;
//! std::fs::write(study.join("a.dcm"), b"as acquired")?;
//! let key = SecretKey::generate()?;
//! let sealed = seal(&study, &key, "mammo 0.1.0", 1_764_000_000_000)?;
//! assert!(verify(&study, &sealed, &key.public())?.is_whole());
//!
//! std::fs::write(study.join("a.dcm"), b"changed")?;
//! let found = verify(&study, &sealed, &key.public())?;
//! assert_eq!(found.files[0].verdict, Verdict::Changed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod folder;
mod key;
mod marks;
mod seal;

pub use error::SealError;
pub use key::{PublicKey, SecretKey};
pub use marks::{MarkFinding, MarkState, check_marks};
pub use seal::{FileFinding, Findings, Seal, SealedFile, Verdict, seal, verify};
