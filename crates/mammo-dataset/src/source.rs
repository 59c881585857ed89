use crate::DatasetError;
use mammo_core::UnknownWord;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The data sets that are understood. The packs of BCDR are data sets of their own: they differ in technique and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dataset {
    /// INbreast (Moreira et al., Acad Radiol 2012;19:236), or a phantom release in its layout.
    Inbreast,
    /// mini-MIAS (Suckling et al., Excerpta Medica ICS 1994;1069:375).
    MiniMias,
    /// BCDR-F01: digitised films with biopsied lesions.
    BcdrF01,
    /// BCDR-F02: digitised films.
    BcdrF02,
    /// BCDR-F03: digitised films, masses.
    BcdrF03,
    /// BCDR-D01: full-field digital mammograms with biopsied lesions.
    BcdrD01,
    /// BCDR-D02: full-field digital mammograms.
    BcdrD02,
    /// BCDR-DN01: full-field digital mammograms without findings.
    BcdrDn01,
    /// CBIS-DDSM (Lee et al., Sci Data 2017;4:170177).
    CbisDdsm,
    /// VinDr-Mammo (Nguyen et al., Sci Data 2023;10:277).
    VindrMammo,
    /// CMMD, the Chinese Mammography Database (Cui et al., TCIA 2021).
    Cmmd,
    /// Images that a table of the user's own describes.
    Manifest,
}

impl Dataset {
    /// Every data set.
    pub const ALL: [Self; 12] = [
        Self::Inbreast,
        Self::MiniMias,
        Self::BcdrF01,
        Self::BcdrF02,
        Self::BcdrF03,
        Self::BcdrD01,
        Self::BcdrD02,
        Self::BcdrDn01,
        Self::CbisDdsm,
        Self::VindrMammo,
        Self::Cmmd,
        Self::Manifest,
    ];

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbreast => "inbreast",
            Self::MiniMias => "mini-mias",
            Self::BcdrF01 => "bcdr-f01",
            Self::BcdrF02 => "bcdr-f02",
            Self::BcdrF03 => "bcdr-f03",
            Self::BcdrD01 => "bcdr-d01",
            Self::BcdrD02 => "bcdr-d02",
            Self::BcdrDn01 => "bcdr-dn01",
            Self::CbisDdsm => "cbis-ddsm",
            Self::VindrMammo => "vindr-mammo",
            Self::Cmmd => "cmmd",
            Self::Manifest => "manifest",
        }
    }

    /// Data sets that share a family may show the same people: the packs of BCDR number their patients alike, and nothing
    /// released says whether patient 7 of one pack is patient 7 of another. Splits keep them together.
    pub fn family(self) -> &'static str {
        let name = self.name();
        if name.starts_with("bcdr-") { "bcdr" } else { name }
    }
}

impl FromStr for Dataset {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|dataset| dataset.name() == name).ok_or_else(|| UnknownWord {
            field: "data set",
            value: text.to_owned(),
            expected: "inbreast, mini-mias, bcdr-f01, bcdr-f02, bcdr-f03, bcdr-d01, bcdr-d02, bcdr-dn01, cbis-ddsm, \
                       vindr-mammo, cmmd or manifest",
        })
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an image was made, which decides how the breast is found in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// A full-field digital mammogram: the air is exactly 0, the chest wall is at the edge of the picture.
    Digital,
    /// A digitised film: labels, tape, bright strips; the chest wall lies somewhere inside of the picture.
    Film,
}

/// A release on disk: which data set it is and where it lies. Written `inbreast:DIR`, `mini-mias:DIR`, and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The folder `INbreast Release 1.0`, or the one that holds it.
    Inbreast(PathBuf),
    /// The folder with `Info.txt` and the `mdbNNN.pgm` files.
    MiniMias(PathBuf),
    /// The folder that holds one or more packs such as `BCDR-D01_dataset`, or one pack.
    Bcdr(PathBuf),
    /// The folder with the four `*_case_description_*_set.csv` and the pictures.
    CbisDdsm(PathBuf),
    /// The folder with `breast-level_annotations.csv` and `images`.
    VindrMammo(PathBuf),
    /// The folder with `CMMD_clinicaldata_revision.xlsx` and the patients' folders.
    Cmmd(PathBuf),
    /// The folder with `manifest.csv` or `manifest.jsonl`, or such a file.
    Manifest(PathBuf),
}

impl Source {
    /// The words before the colon.
    pub const PREFIXES: [&str; 7] =
        ["inbreast", "mini-mias", "bcdr", "cbis-ddsm", "vindr-mammo", "cmmd", "manifest"];

    /// The word before the colon.
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Inbreast(_) => "inbreast",
            Self::MiniMias(_) => "mini-mias",
            Self::Bcdr(_) => "bcdr",
            Self::CbisDdsm(_) => "cbis-ddsm",
            Self::VindrMammo(_) => "vindr-mammo",
            Self::Cmmd(_) => "cmmd",
            Self::Manifest(_) => "manifest",
        }
    }

    /// The folder or file that was given.
    pub fn path(&self) -> &Path {
        match self {
            Self::Inbreast(path)
            | Self::MiniMias(path)
            | Self::Bcdr(path)
            | Self::CbisDdsm(path)
            | Self::VindrMammo(path)
            | Self::Cmmd(path)
            | Self::Manifest(path) => path,
        }
    }
}

impl FromStr for Source {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let refused = || DatasetError::Source { text: text.to_owned() };
        let (prefix, dir) = text.split_once(':').filter(|(_, dir)| !dir.is_empty()).ok_or_else(refused)?;
        let dir = PathBuf::from(dir);
        Ok(match prefix {
            "inbreast" => Self::Inbreast(dir),
            "mini-mias" => Self::MiniMias(dir),
            "bcdr" => Self::Bcdr(dir),
            "cbis-ddsm" => Self::CbisDdsm(dir),
            "vindr-mammo" => Self::VindrMammo(dir),
            "cmmd" => Self::Cmmd(dir),
            "manifest" => Self::Manifest(dir),
            _ => return Err(refused()),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.prefix(), self.path().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_parse_back_and_others_are_refused() {
        for prefix in Source::PREFIXES {
            let text = format!("{prefix}:a/b c:d");
            let source: Source = text.parse().unwrap();
            assert_eq!((source.to_string(), source.prefix()), (text, prefix));
        }
        for text in ["", "inbreast", "inbreast:", "ddsm:x"] {
            assert!(text.parse::<Source>().unwrap_err().to_string().contains("inbreast:DIR"));
        }
    }

    #[test]
    fn data_sets_have_one_name_in_every_place() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name().parse(), Ok(dataset));
            assert_eq!(serde_json::to_value(dataset).unwrap(), dataset.name());
        }
        assert_eq!(Dataset::BcdrD01.family(), Dataset::BcdrF03.family());
        assert_ne!(Dataset::Inbreast.family(), Dataset::BcdrD01.family());
    }
}
