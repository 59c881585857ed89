//! One self-contained HTML page that shows what a run did: findings, tables, plots and pictures, without scripts and
//! without anything loaded from elsewhere.
//!
//! A page always says that it is research, that every picture is synthetic and that it is not for diagnosis; pictures
//! without a synthetic mark are refused. When readers were simulated, a banner says so.
//!
//! ```
//! use mammo_report::{Block, Report, Section, Table, estimate_text};
//!
//! let mut table = Table::new("Area under the ROC curve", ["Reader", "AUC (95 % CI)"]);
//! table.row(["1", &estimate_text(0.66, Some((0.51, 0.78)), 2)]);
//! let mut report = Report::new("Run 7", "mammo 0.1.0");
//! report.summary.push("Readers could not tell modified from original images.".to_owned());
//! report.sections.push(Section::new("readout", "Reader study").with(Block::Table(table)));
//!
//! let page = mammo_report::render(&report);
//! assert!(page.contains("0.66 (0.51 to 0.78)"));
//! assert!(page.contains("Not for diagnosis"));
//! ```

mod html;
mod model;
mod number;
mod page;
mod picture;
mod plot;

pub use model::{Align, Block, Plot, Reference, Report, Section, Table};
pub use number::{estimate_text, number_text};
pub use page::{render, write};
pub use picture::{Picture, PictureRow};
pub use plot::{Axis, LinePlot, Marker, RocCurve, RocPlot, Scale, Series, Stroke};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The bytes are not a PNG file.
    #[error("the picture {caption:?} is not a PNG")]
    NotPng {
        /// The picture's caption.
        caption: String,
    },
    /// The PNG does not say that it is synthetic.
    #[error("the picture {caption:?} carries no mark `Synthetic=YES`; write it with mammo-png")]
    NotMarked {
        /// The picture's caption.
        caption: String,
    },
    /// The page could not be written.
    #[error(transparent)]
    File(#[from] mammo_files::FileError),
}
