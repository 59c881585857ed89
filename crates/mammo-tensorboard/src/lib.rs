//! Event files for [TensorBoard](https://www.tensorflow.org/tensorboard): numbers and marked pictures over the steps of
//! a training, which people watch while it runs by `tensorboard --logdir DIR`. Neither TensorFlow nor a compiler of
//! protocol buffers is needed, and nothing here listens on a network: this crate writes files, and TensorBoard reads them.
//!
//! The time of day that TensorBoard shows beside each number comes from a clock that the caller hands in. A training
//! that goes on after a kill opens another [`EventFile`] in the same folder, which tells TensorBoard to drop what the
//! killed one had written beyond the step where it goes on.
//!
//! ```
//! use mammo_tensorboard::{EventFile, read_scalars};
//! use std::time::SystemTime;
//!
//! # let dir = tempfile::tempdir()?;
//! # let folder = dir.path().join("tensorboard");
//! let mut events = EventFile::create(&folder, 1, SystemTime::now)?;
//! for step in 1..=3 {
//!     events.scalars(step, &[("loss/cycle_a", 0.5 / step as f32), ("loss/cycle_b", 0.25)])?;
//! }
//! events.sync()?;
//!
//! let scalars = read_scalars(events.path())?;
//! assert_eq!(scalars.len(), 6);
//! assert_eq!((scalars[2].step, scalars[2].tag.as_str(), scalars[2].value), (2, "loss/cycle_a", 0.25));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The form of the files, from the inside out: protocol buffers after `tensorflow/core/util/event.proto` and
//! `tensorflow/core/framework/summary.proto`; records after `tensorflow/core/lib/io/record_writer.h`; CRC-32C after
//! RFC 3720.

mod crc32c;
mod message;
mod reader;
mod record;
mod writer;

pub use reader::{Scalar, read_scalars};
pub use writer::EventFile;

use std::path::PathBuf;

/// Why an event file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The operating system refused; its message names the path.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What should be shown as a picture is no PNG that says that it is synthetic.
    #[error(
        "the picture {tag:?} for TensorBoard is no PNG with the mark of a synthetic picture; encode it with mammo-png"
    )]
    NotMarked {
        /// The name under which it was to be shown.
        tag: String,
        /// What is wrong with it.
        source: mammo_png::PngError,
    },
    /// The file holds something else than was written to it, or is no event file.
    #[error("{}: damaged, or no event file of TensorBoard: {what} at byte {offset}; delete it, or restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins that cannot be right, in bytes from the beginning of the file.
        offset: usize,
        /// What is wrong with the record.
        what: &'static str,
    },
}
