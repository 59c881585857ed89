use std::path::PathBuf;

/// Why a folder could not be sealed or a seal not be checked.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no such folder or file, or it is a link.
    #[error("{}: {what}", path.display())]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        what: String,
    },
    /// A key that is none.
    #[error("{0}")]
    Key(String),
    /// The seal was not made with this key, or was changed.
    #[error(
        "the seal does not fit the key: it was changed, or made with another one; nothing it says can be trusted"
    )]
    Signature,
    /// A seal of another version.
    #[error("a seal of the form {0:?}; this version reads {expected:?}", expected = crate::Seal::SCHEMA)]
    Schema(String),
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] mammo_files::FileError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
