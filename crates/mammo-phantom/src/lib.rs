//! Procedural mammograms with counterfactual twins, written as an INbreast release.
//!
//! A phantom is a breast that never existed: outline and thickness, fat and glandular tissue with the power-law texture of
//! real mammograms, Cooper's ligaments, skin, nipple, pectoral muscle, noise, and at will a lesion. Every breast with a
//! lesion can be rendered without it from the same random numbers: the two images differ where the lesion is and nowhere
//! else, which gives injection and removal a ground truth that no real data set has.
//!
//! ```
//! use mammo_core::{AcrDensity, Laterality, Seed, ViewPosition};
//! use mammo_phantom::{LesionKind, LesionSpec, Phantom, PhantomSpec};
//!
//! let spec = PhantomSpec {
//!     seed: Seed(7),
//!     width_px: 160,
//!     height_px: 208,
//!     view: ViewPosition::Cc,
//!     laterality: Laterality::Left,
//!     density: AcrDensity::new(2)?,
//!     lesion: Some(LesionSpec { kind: LesionKind::Spiculated, radius: 0.05, contrast: 0.22 }),
//! };
//! let phantom = Phantom::new(&spec)?;
//! let (with, without) = (phantom.render(true), phantom.render(false));
//! let changed = with.data().iter().zip(without.data()).filter(|(a, b)| a != b).count();
//! assert!(changed > 0 && changed < with.data().len() / 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod breast;
mod config;
mod error;
mod lesion;
mod manifest;
mod noise;
mod outline;
mod plan;
mod release;
mod roi_xml;
mod tissue;

pub use breast::{Phantom, PhantomSpec};
pub use config::PhantomConfig;
pub use error::PhantomError;
pub use lesion::{Lesion, LesionKind, LesionSpec};
pub use manifest::{Manifest, ManifestImage, is_complete, read_manifest};
pub use release::{ReleaseSummary, write_release};
