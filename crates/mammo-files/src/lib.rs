//! Files that are whole or absent: every file is written aside and renamed when it is complete, so that a file
//! that is there can be trusted. Digests are SHA-256 in lower-case hexadecimal.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("answer.json");
//! mammo_files::write_json(&path, &serde_json::json!({ "answer": 42 }))?;
//! let back: serde_json::Value = mammo_files::read_json(&path)?;
//! assert_eq!(back["answer"], 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
mod digest;
mod json;

pub use atomic::{create_dir, write, write_with};
pub use digest::{hex, sha256, sha256_file};
pub use json::{JsonLines, read_json, read_json_lines, write_json};

use std::path::PathBuf;

/// Why a file could not be read or written. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused; its message names the path.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The content is not the JSON that was expected.
    #[error("{}: not the JSON that was expected: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: serde_json::Error,
    },
}
