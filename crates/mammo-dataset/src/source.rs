use crate::DatasetError;
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// The data sets that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dataset {
    /// INbreast (Moreira et al., Acad Radiol 2012;19:236), or a phantom release in its layout.
    Inbreast,
    /// mini-MIAS (Suckling et al., Excerpta Medica ICS 1994;1069:375).
    MiniMias,
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbreast => "inbreast",
            Self::MiniMias => "mini-mias",
        })
    }
}

/// A release on disk: which data set it is and where it lies. Written `inbreast:DIR` or `mini-mias:DIR`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The folder `INbreast Release 1.0`, or the one that holds it.
    Inbreast(PathBuf),
    /// The folder with `Info.txt` and the `mdbNNN.pgm` files.
    MiniMias(PathBuf),
}

impl FromStr for Source {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        match text.split_once(':') {
            Some(("inbreast", dir)) if !dir.is_empty() => Ok(Self::Inbreast(dir.into())),
            Some(("mini-mias", dir)) if !dir.is_empty() => Ok(Self::MiniMias(dir.into())),
            _ => Err(DatasetError::Source { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbreast(dir) => write!(f, "{}:{}", Dataset::Inbreast, dir.display()),
            Self::MiniMias(dir) => write!(f, "{}:{}", Dataset::MiniMias, dir.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_parse_back_and_others_are_refused() {
        for text in ["inbreast:a/b c", "mini-mias:x:y"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        for text in ["", "inbreast", "inbreast:", "bcdr:x"] {
            assert!(text.parse::<Source>().unwrap_err().to_string().contains("inbreast:DIR"));
        }
    }
}
