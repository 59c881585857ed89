//! Seeded rotation, scaling and contrast shift of mammograms, with the breast kept at the left edge and the
//! background kept black.
//!
//! ```
//! use mammo_augment::Augmentation;
//! use mammo_core::{Plane, Seed};
//!
//! // A half disc at the left edge stands for a breast.
//! let plane = Plane::from_fn(32, 32, |x, y| if x * x + (y + 1).abs_diff(16).pow(2) < 200 { 0.5 } else { 0.0 });
//! let augmentation = Augmentation::default();
//! augmentation.check()?;
//!
//! let transform = augmentation.draw(&mut Seed(7).stream_at("augment", 0));
//! let changed = transform.apply(&plane);
//! assert_eq!(changed.get(31, 0), 0.0);
//! # Ok::<(), mammo_augment::AugmentError>(())
//! ```
//!
//! # Where the published recipes went wrong
//! The replication augmented images that were already in `[-1, 1]`: corners were filled with 0, a mid-grey, and the
//! contrast factor turned the background from black to grey. The original code augmented before a min-max
//! normalisation, which divided its contrast factor out again. Here a [`Transform`] takes planes in `[0, 1]` whose
//! background is exactly 0, and what it returns is again in `[0, 1]` with the background exactly 0; the map to
//! `[-1, 1]` that follows is fixed and cancels nothing.

mod config;
mod transform;

pub use config::{AugmentError, Augmentation};
pub use transform::Transform;
