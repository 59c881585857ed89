//! Where a run's mammograms come from, and where it computes.

use mammo_dataset::{Source, ViewFilter};
use std::{fmt, str::FromStr};

/// Where the mammograms come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DataSource {
    /// Made on the spot.
    Phantom,
    /// A release on disk.
    Release(Source),
}

impl FromStr for DataSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "phantom" {
            return Ok(Self::Phantom);
        }
        text.parse().map(Self::Release).map_err(|_| {
            format!("{text:?} is not a source of images; use phantom, inbreast:DIR, mini-mias:DIR or another data set of mammo audit")
        })
    }
}

impl DataSource {
    /// The projections that experiment 1 is run on: the paper's, where the release has them.
    pub(crate) fn usual_views(&self) -> ViewFilter {
        match self {
            Self::Release(Source::MiniMias(_)) => ViewFilter::All,
            Self::Phantom | Self::Release(_) => ViewFilter::Cc,
        }
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phantom => f.write_str("phantom"),
            Self::Release(source) => source.fmt(f),
        }
    }
}
