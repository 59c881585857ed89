//! One mammography DICOM file: read its header, stored values and values to look at; write an image that the system
//! made, or made from another one, marked as synthetic.
//!
//! ```
//! use mammo_core::Laterality;
//! use mammo_dicom::{Mammogram, SyntheticImage, write_synthetic};
//!
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("phantom.dcm");
//! let pixels: Vec<u16> = (0..12).map(|i| 100 * i).collect();
//! write_synthetic(&path, &SyntheticImage {
//!     pixels: &pixels,
//!     width: 4,
//!     height: 3,
//!     bits_stored: 14,
//!     laterality: Laterality::Left,
//!     view: None,
//!     patient_id: "phantom-0001",
//!     series_description: "phantom",
//!     derivation: "procedural phantom, seed 7",
//!     uid_seed: "phantom/7/0001",
//!     spacing_mm: Some(0.07),
//! })?;
//!
//! let mammogram = Mammogram::open(&path)?;
//! assert!(mammogram.header().synthetic);
//! assert_eq!(mammogram.display_plane().get(3, 2), 1100.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deflate;
mod derived;
mod error;
mod fragments;
mod header;
mod jpeg;
#[cfg(feature = "jpeg2000")]
mod jpeg2000;
mod layout;
mod read;
mod rle;
mod source;
mod transfer_syntax;
mod values;
mod write;

pub use derived::{Derivation, write_derived};
pub use error::DicomError;
pub use header::{Header, Intensity, Photometric, Window};
pub use read::{Mammogram, read_header};
pub use source::SourceImage;
pub use values::{Look, UnknownLook, VoiFunction};
pub use write::{NOTICE, SyntheticImage, write_synthetic};

#[cfg(test)]
mod tests;
