//! What all experiments share: a folder that explains itself, images from a release, training that can be watched.

mod folder;
mod images;
mod manifest;
mod progress;
mod source;

pub(crate) use folder::{RunFolder, Settings};
pub(crate) use images::{Selection, StudyImage, make_phantom, parallel};
pub(crate) use manifest::write_manifest;
pub(crate) use progress::TrainingProgress;
pub(crate) use source::DataSource;

/// Who made a picture, for its mark.
pub(crate) const MADE_BY: &str = concat!("mammo ", env!("CARGO_PKG_VERSION"));

/// Spectra and grid scores need this many pixels each way.
pub(crate) const SMALLEST_PX: usize = 48;

/// The name of a preset's file without its folder and ending.
pub(crate) fn file_stem(preset: &str) -> String {
    std::path::Path::new(preset).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
