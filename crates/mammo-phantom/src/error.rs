use mammo_dicom::DicomError;
use mammo_files::FileError;
use std::path::PathBuf;

/// Why a phantom or a release of phantoms could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PhantomError {
    /// A number that makes no phantom.
    #[error("phantom configuration: {0}")]
    Config(String),
    /// The folder holds something else.
    #[error("{}: the folder holds other files; choose an empty one", .0.display())]
    Occupied(PathBuf),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A DICOM file could not be written.
    #[error(transparent)]
    Dicom(#[from] DicomError),
    /// The outline of a lesion could not be written as a property list.
    #[error("{}: {reason}", path.display())]
    Xml {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
}

impl From<std::io::Error> for PhantomError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.into())
    }
}
