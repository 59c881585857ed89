//! Reader studies in and out of files.
//!
//! | format | name | what it holds |
//! |---|---|---|
//! | long table | `csv` | one reading a row: `reader,treatment,case,truth,rating`; other columns are kept |
//! | iMRMC | `imrmc` | truth rows and readings after `BEGIN DATA:` |
//! | LABMRMC and OR-DBM MRMC | `lrc` | readers in blocks, negatives before positives; complete studies only |
//! | JAFROC workbook | `xlsx` | sheets TRUTH, TP and FP (feature `xlsx`) |
//!
//! An error names the file, the line or row, the value and what to change.
//!
//! ```
//! use mammo_readout::formats::{ReadOptions, read_long_csv, write_imrmc};
//!
//! let text = "reader,treatment,case,truth,rating\nr1,film,a,1,4\nr1,film,b,0,2\n";
//! let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
//! assert_eq!(data.study.rating(0, 0, 0), Some(4.0));
//! assert!(write_imrmc(&data.study).unwrap().contains("r1,b,film,2"));
//!
//! let wrong = text.replace(",2\n", ",two\n");
//! let error = read_long_csv(&wrong, "ratings.csv", &ReadOptions::default()).unwrap_err();
//! assert!(error.to_string().starts_with("ratings.csv, line 3: the rating is \"two\""));
//! # Ok::<(), mammo_readout::formats::FormatError>(())
//! ```

mod error;
mod imrmc;
mod long_csv;
mod lrc;
mod number;
#[cfg(feature = "xlsx")]
mod xlsx;

use crate::mrmc::Study;
pub use error::FormatError;
pub use imrmc::{read_imrmc, write_imrmc};
pub use long_csv::{read_long_csv, write_long_csv};
pub use lrc::{read_lrc, write_lrc};
use std::{collections::BTreeMap, path::Path};
#[cfg(feature = "xlsx")]
pub use xlsx::{read_xlsx, write_xlsx};

/// A study with what its file held besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The readings.
    pub study: Study,
    /// Columns that the analysis does not need.
    pub extra: ExtraColumns,
}

impl From<Study> for Dataset {
    fn from(study: Study) -> Self {
        Self { study, extra: ExtraColumns::default() }
    }
}

/// Columns of a long table beyond the five, by reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraColumns {
    /// Their names, in order.
    pub names: Vec<String>,
    /// Their values, at (treatment, reader, case) as the study counts them.
    pub values: BTreeMap<(usize, usize, usize), Vec<String>>,
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Long table.
    Csv,
    /// iMRMC.
    Imrmc,
    /// LABMRMC and OR-DBM MRMC.
    Lrc,
    /// JAFROC workbook.
    Xlsx,
}

impl Format {
    /// The format of a name such as `csv`, or none.
    ///
    /// ```
    /// use mammo_readout::formats::Format;
    /// assert_eq!(Format::from_name("iMRMC"), Some(Format::Imrmc));
    /// assert_eq!(Format::from_name("sav"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "imrmc" => Some(Self::Imrmc),
            "lrc" => Some(Self::Lrc),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// The format that the ending of a file name stands for.
    ///
    /// # Errors
    /// [`FormatError`] for another ending.
    ///
    /// ```
    /// use mammo_readout::formats::Format;
    /// assert_eq!(Format::of_path("study.lrc".as_ref())?, Format::Lrc);
    /// assert!(Format::of_path("study.sav".as_ref()).is_err());
    /// # Ok::<(), mammo_readout::formats::FormatError>(())
    /// ```
    pub fn of_path(path: &Path) -> Result<Self, FormatError> {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        Self::from_name(ending).ok_or_else(|| FormatError {
            file: path.display().to_string(),
            line: None,
            problem: format!("the ending {ending:?} is not that of a known format"),
            remedy: "use .csv, .imrmc, .lrc or .xlsx, or name the format".to_owned(),
        })
    }
}

/// How to read a long table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Names of the five columns: reader, treatment, case, truth, rating.
    pub columns: [String; 5],
    /// Only rows in which these columns have these values.
    pub filter: Vec<(String, String)>,
    /// The column that names the cluster of each case, such as its patient or the source of an altered image; see
    /// [`Study::with_clusters`].
    pub cluster: Option<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let columns = ["reader", "treatment", "case", "truth", "rating"].map(str::to_owned);
        Self { columns, filter: Vec::new(), cluster: None }
    }
}

/// Reads a file of any of the formats.
///
/// # Errors
/// [`FormatError`] when the file cannot be read or does not hold a study.
///
/// ```
/// use mammo_readout::formats::{Format, ReadOptions, read};
/// let error = read("no-such-file.csv".as_ref(), Format::Csv, &ReadOptions::default()).unwrap_err();
/// assert!(error.to_string().starts_with("no-such-file.csv: "));
/// ```
pub fn read(path: &Path, format: Format, options: &ReadOptions) -> Result<Dataset, FormatError> {
    let file = path.display().to_string();
    if format == Format::Xlsx {
        #[cfg(feature = "xlsx")]
        return Ok(read_xlsx(path)?.into());
        #[cfg(not(feature = "xlsx"))]
        return Err(no_workbooks(file));
    }
    let text = std::fs::read_to_string(path).map_err(|e| FormatError::unreadable(&file, &e))?;
    match format {
        Format::Csv => read_long_csv(&text, &file, options),
        Format::Imrmc => read_imrmc(&text, &file).map(Dataset::from),
        Format::Lrc | Format::Xlsx => read_lrc(&text, &file).map(Dataset::from),
    }
}

/// Writes a file of any of the formats. Only `csv` keeps further columns.
///
/// # Errors
/// [`FormatError`] when the format cannot hold the study or the file cannot be written.
///
/// ```
/// use mammo_readout::formats::{Format, ReadOptions, read, read_long_csv, write};
/// let text = "reader,treatment,case,truth,rating\nr1,film,a,1,4\nr1,film,b,0,2\n";
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
/// let path = std::env::temp_dir().join(format!("mammo-readout-{}.imrmc", std::process::id()));
/// write(&data, &path, Format::Imrmc)?;
/// assert_eq!(read(&path, Format::Imrmc, &ReadOptions::default())?.study.missing(), 0);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn write(data: &Dataset, path: &Path, format: Format) -> Result<(), FormatError> {
    let file = path.display().to_string();
    let text = match format {
        Format::Csv => write_long_csv(data)?,
        Format::Imrmc => write_imrmc(&data.study)?,
        Format::Lrc => write_lrc(&data.study)?,
        #[cfg(feature = "xlsx")]
        Format::Xlsx => return write_xlsx(&data.study, path),
        #[cfg(not(feature = "xlsx"))]
        Format::Xlsx => return Err(no_workbooks(file)),
    };
    write_whole(path, text.as_bytes()).map_err(|e| FormatError::unreadable(&file, &e))
}

/// Writes beside the place and renames: a file that looks whole is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = beside(path);
    std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        // What is left of a failed write is of no use; that it cannot be removed is no news.
        let _ = std::fs::remove_file(&beside);
    })
}

fn beside(path: &Path) -> std::path::PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(not(feature = "xlsx"))]
fn no_workbooks(file: String) -> FormatError {
    FormatError {
        file,
        line: None,
        problem: "this build cannot read or write workbooks".to_owned(),
        remedy: "build with the feature xlsx, or convert to csv".to_owned(),
    }
}

#[cfg(test)]
mod tests;
