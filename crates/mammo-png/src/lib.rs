//! Grey planes and colour pictures as PNG files that say they are synthetic.
//!
//! The mark is part of every file and cannot be left out: text chunks inside the PNG, and a side-car
//! `<name>.png.json` with the digest of the picture that it belongs to.
//!
//! ```
//! use mammo_core::Plane;
//! use mammo_png::{Mark, read_mark, write_gray8};
//!
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("fake_b.png");
//! let plane = Plane::from_fn(8, 8, |x, y| (x + y) as f32 / 14.0);
//! write_gray8(&path, &plane, &Mark::new("mammo 0.1.0", "healthy to cancer, step 400"))?;
//!
//! let mark = read_mark(&path)?;
//! assert_eq!(mark.description(), "healthy to cancer, step 400");
//! assert!(dir.path().join("fake_b.png.json").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canvas;
mod color;
mod encode;
mod font;
mod mark;
mod sheet;
mod write;

pub use canvas::Canvas;
pub use color::{Rgb, diverging};
pub use encode::{decode_gray, encode_gray8, encode_gray16, encode_gray16_stored, encode_rgb};
pub use mark::{Mark, NOTICE, decode_mark, read_mark};
pub use sheet::{Sheet, SheetRow, Tile};
pub use write::{SideCar, write_canvas, write_gray8, write_gray16, write_png, write_rgb};

use std::path::PathBuf;

/// Why a picture could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The colour values do not fit the size.
    #[error("{width} x {height} colour pixels need {} bytes, but there are {len}", 3 * width * height)]
    WrongLength {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes given.
        len: usize,
    },
    /// The size is beyond what a PNG can hold.
    #[error("{width} x {height} pixels do not fit a PNG; each side must be 1 to {}", u32::MAX >> 1)]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A picture in colour or with transparency where grey is needed.
    #[error("the picture is not plain grey; give a grey PNG of 8 or 16 bits")]
    NotGrey,
    /// The encoder failed.
    #[error("the picture could not be encoded as PNG: {0}")]
    Encode(#[from] png::EncodingError),
    /// The bytes are not a PNG.
    #[error("{}: not a readable PNG: {source}", path.display())]
    Decode {
        /// The file, or an empty path for bytes in memory.
        path: PathBuf,
        /// What the decoder found.
        source: png::DecodingError,
    },
    /// The PNG does not say that it is synthetic.
    #[error("{}: carries no mark of a synthetic picture; only pictures written by this software do", path.display())]
    NotMarked {
        /// The file, or an empty path for bytes in memory.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] mammo_files::FileError),
}
