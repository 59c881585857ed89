use std::path::PathBuf;

/// Why a study could not be made, read or served.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// A design that cannot be carried out.
    #[error("{0}")]
    Plan(String),
    /// Something is wrong with a file of the study.
    #[error("{}: {what}", path.display())]
    Study {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        what: String,
    },
    /// A reader's account cannot be made or used.
    #[error("{0}")]
    Account(String),
    /// The log was changed, or does not go with the answers.
    #[error("{}: {what}", path.display())]
    Log {
        /// The database.
        path: PathBuf,
        /// Where the chain breaks.
        what: String,
    },
    /// An answer that the study does not ask for, or of another form.
    #[error("{0}")]
    Answer(String),
    /// The study could not be drawn.
    #[error(transparent)]
    Draw(#[from] mammo_reader::DesignError),
    /// A picture could not be read or written.
    #[error(transparent)]
    Picture(#[from] mammo_png::PngError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] mammo_files::FileError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The database failed.
    #[error(
        "the database of the study: {0}; is the disk full, or the study on a drive that cannot lock files?"
    )]
    Database(#[from] rusqlite::Error),
    /// A record is not in its form.
    #[error("a record of the study is not in its form: {0}")]
    Json(#[from] serde_json::Error),
    /// The server's answer to a simulated reader.
    #[error("the reading room said: {0}")]
    Room(String),
}
