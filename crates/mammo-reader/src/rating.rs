use mammo_core::{Label, UnknownWord};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whether a reader was shown an image as it was taken or as a network altered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// As taken.
    Original,
    /// Altered by a network.
    Modified,
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Original => "original",
            Self::Modified => "modified",
        })
    }
}

impl FromStr for Arm {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "original" => Ok(Self::Original),
            "modified" => Ok(Self::Modified),
            _ => Err(UnknownWord { field: "arm", value: text.to_owned(), expected: "original or modified" }),
        }
    }
}

/// What a reader was asked about an image. Becker et al. asked both about every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How likely the image shows cancer.
    Malignancy,
    /// How likely the image was altered.
    Tampering,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malignancy => "malignancy",
            Self::Tampering => "tampering",
        })
    }
}

impl FromStr for Question {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "malignancy" => Ok(Self::Malignancy),
            "tampering" => Ok(Self::Tampering),
            _ => Err(UnknownWord {
                field: "question",
                value: text.to_owned(),
                expected: "malignancy or tampering",
            }),
        }
    }
}

/// One answer of one reader about one image, with what is true of the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// Who answered.
    pub reader: String,
    /// The image, by the opaque name under which it was shown.
    pub case: String,
    /// Whether the image was altered; always agrees with `truth_modified`.
    pub arm: Arm,
    /// Label of the source image, before any alteration.
    pub truth_label: Label,
    /// Whether the image was altered.
    pub truth_modified: bool,
    /// Label that the alteration aimed at; for originals their own.
    pub intended_label: Label,
    /// Name of the source image where the study shows both its original and its altered form.
    pub pair: Option<String>,
    /// What was asked.
    pub question: Question,
    /// The answer; higher is more likely. 1 to 5 for people; any finite number is legal.
    pub rating: f64,
    /// Whether a program answered.
    pub simulated: bool,
}

impl Rating {
    /// The cluster that the image belongs to: twins share their source, any other image is its own.
    pub fn cluster(&self) -> &str {
        self.pair.as_deref().unwrap_or(&self.case)
    }
}
