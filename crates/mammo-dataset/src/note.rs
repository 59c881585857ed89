use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What kind of oddity a [`Note`] tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A cell for the density holds blanks or says that it is not known.
    BlankDensity,
    /// A row names no image: the blank and the totals row of a spreadsheet.
    EmptyRow,
    /// The name of a region has a typing error that is known.
    NameVariant,
    /// Points of a region lie outside of the picture and were moved to its border.
    PointsOutside,
    /// A finding has no position.
    NoPosition,
    /// The table's flag for a mass and the outlines disagree on an image.
    MassDisagreement,
    /// Files that are no part of the release: those of operating systems, montages, masks.
    Clutter,
    /// Data that cannot be used: another image type, a path that ends in a line break, swapped columns.
    Quirk,
    /// A file that a table names is not there.
    MissingFile,
    /// A folder of the layout is not there.
    MissingFolder,
    /// A file that no table names, or whose name is not one of the release.
    UnlistedFile,
    /// Two files or rows for one image.
    DuplicateImage,
    /// The name of a region is none of those known.
    UnknownName,
    /// A region declares another number of points than it has.
    PointCount,
    /// A region without points.
    EmptyRegion,
    /// Two places of the release say different things about an image.
    Disagreement,
}

impl NoteKind {
    /// Whether something was lost or changed by it, so that `cohort.json` counts it. Files that were passed over and names that
    /// were understood are told to the audit alone.
    pub(crate) fn is_counted(self) -> bool {
        !matches!(self, Self::Clutter | Self::NameVariant | Self::UnknownName | Self::MassDisagreement)
    }

    /// Whether it is no quirk that is known of a complete release, but something to look into.
    pub fn is_finding(self) -> bool {
        !matches!(
            self,
            Self::BlankDensity
                | Self::EmptyRow
                | Self::NameVariant
                | Self::PointsOutside
                | Self::NoPosition
                | Self::MassDisagreement
                | Self::Clutter
                | Self::Quirk
        )
    }
}

/// Something odd that was found in a release and dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The file, relative to the release's root.
    pub path: PathBuf,
    /// What kind of oddity it is.
    pub kind: NoteKind,
    /// What is odd about it, and what was done.
    pub text: String,
}

impl Note {
    pub(crate) fn new(kind: NoteKind, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), kind, text: text.into() }
    }
}
