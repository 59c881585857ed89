use crate::UnknownWord;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The side of the body that a breast is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Laterality {
    /// Left breast.
    #[serde(rename = "L")]
    Left,
    /// Right breast.
    #[serde(rename = "R")]
    Right,
}

impl FromStr for Laterality {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text.trim() {
            "L" | "l" | "LEFT" | "Left" | "left" => Ok(Self::Left),
            "R" | "r" | "RIGHT" | "Right" | "right" => Ok(Self::Right),
            other => Err(UnknownWord { field: "laterality", value: other.to_owned(), expected: "L or R" }),
        }
    }
}

impl fmt::Display for Laterality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "L",
            Self::Right => "R",
        })
    }
}

/// The projection of a mammogram (DICOM View Position, 0018,5101).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ViewPosition {
    /// Cranio-caudal.
    #[serde(rename = "CC")]
    Cc,
    /// Medio-lateral oblique. INbreast file names spell it `ML`.
    #[serde(rename = "MLO")]
    Mlo,
    /// Caudo-cranial, "from below"; one image of INbreast.
    #[serde(rename = "FB")]
    Fb,
}

impl FromStr for ViewPosition {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text.trim().to_ascii_uppercase().as_str() {
            "CC" => Ok(Self::Cc),
            "MLO" | "ML" | "O" => Ok(Self::Mlo),
            "FB" => Ok(Self::Fb),
            _ => Err(UnknownWord {
                field: "view position",
                value: text.trim().to_owned(),
                expected: "CC, MLO (also ML, O) or FB",
            }),
        }
    }
}

impl fmt::Display for ViewPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cc => "CC",
            Self::Mlo => "MLO",
            Self::Fb => "FB",
        })
    }
}
