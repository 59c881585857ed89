//! Plots as SVG documents that stand alone: ROC curves with bands, readers side by side, differences as a forest, power.
//!
//! Series differ by colour and by dash or shape; colours are those of Okabe and Ito, which most colour-blind people tell
//! apart.
//!
//! ```
//! use mammo_readout::plot::{PowerCurve, power_plot};
//!
//! let points = vec![(20.0, 0.3), (60.0, 0.7), (120.0, 0.9)];
//! let svg = power_plot("cases", &[PowerCurve { name: "5 readers".into(), points }]);
//! assert!(svg.starts_with("<svg") && svg.contains("5 readers"));
//! ```

mod canvas;
mod forest;
mod power;
mod readers;
mod roc;

pub use forest::forest_plot;
pub use power::{PowerCurve, power_plot};
pub use readers::reader_plot;
pub use roc::roc_plot;

#[cfg(test)]
mod tests;
