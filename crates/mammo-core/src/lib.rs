//! The words of the domain, shared by every crate that looks at a mammogram: views, laterality, BI-RADS,
//! labels and label rules, regions of interest, grey image planes and named streams of random numbers.
//!
//! Nothing here reads or writes files, prints, or draws a random number that it was not handed.
//!
//! ```
//! use mammo_core::{Assessment, BiRads, Label, LabelRule, Plane, Seed};
//!
//! let assessment = Assessment { birads: Some("4a".parse::<BiRads>()?), ..Assessment::default() };
//! assert_eq!(LabelRule::BiradsGe3.apply(&assessment), Some(Label::Cancer));
//!
//! let plane = Plane::from_fn(4, 2, |x, y| (x + y) as f32);
//! assert_eq!(plane.mirrored().get(0, 0), 3.0);
//!
//! // The same seed and name give the same numbers on every machine.
//! use rand::Rng;
//! let (a, b): (f64, f64) = (Seed(7).stream("noise").random(), Seed(7).stream("noise").random());
//! assert_eq!(a, b);
//! # Ok::<(), mammo_core::UnknownWord>(())
//! ```

mod assessment;
mod id;
mod label;
mod plane;
mod region;
mod resample;
mod seed;
mod view;

pub use assessment::{AcrDensity, Assessment, BiRads};
pub use id::{ImageId, PatientId};
pub use label::{Label, LabelRule};
pub use plane::{Mask, Plane, PlaneError};
pub use region::{Finding, Point, Roi, Shape};
pub use resample::Fit;
pub use seed::{Seed, Stream};
pub use view::{Laterality, ViewPosition};

/// A text that is not one of the words a field allows, such as a BI-RADS category of `9`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {field}; expected {expected}")]
pub struct UnknownWord {
    /// What the text should have been, for people: "BI-RADS category".
    pub field: &'static str,
    /// The text as it was found.
    pub value: String,
    /// The words that are allowed.
    pub expected: &'static str,
}
