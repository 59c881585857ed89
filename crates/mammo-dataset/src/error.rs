use crate::{Labelling, ViewFilter};
use mammo_core::UnknownWord;
use std::path::PathBuf;

/// Why a release, a cohort or an image could not be used. Every message names the file or the value, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    File(#[from] mammo_files::FileError),
    /// A DICOM file could not be read.
    #[error(transparent)]
    Dicom(#[from] mammo_dicom::DicomError),
    /// A window or LUT is asked for that the file does not have.
    #[error("{}: has no {look}; use --look range, which every file has, or --skip-bad", path.display())]
    Look {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        look: mammo_dicom::Look,
    },
    /// A text that is no source.
    #[error(
        "{text:?} is not a source; expected inbreast:DIR, mini-mias:DIR, bcdr:DIR, cbis-ddsm:DIR, vindr-mammo:DIR, \
         cmmd:DIR or manifest:FILE"
    )]
    Source {
        /// The text as it was given.
        text: String,
    },
    /// A size that a network cannot work at.
    #[error(
        "{text:?} is not an image size; expected 128 or HEIGHTxWIDTH such as 512x408, each divisible by 4 and from 32 to 8192"
    )]
    Size {
        /// The text as it was given.
        text: String,
    },
    /// A file or folder of the release's layout is absent.
    #[error("{}: missing; {expected}", path.display())]
    MissingPath {
        /// What is missing.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A table without a column that is needed.
    #[error("{}: column {column:?} is missing; found {found}", path.display())]
    MissingColumn {
        /// The table.
        path: PathBuf,
        /// The column's name, trimmed and in lower case.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A line of a table that cannot be understood.
    #[error("{}: line {line}: {reason}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of a table that is none of the words allowed.
    #[error("{}: line {line}: {source}", path.display())]
    Word {
        /// The table.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// The word.
        source: UnknownWord,
    },
    /// Regions of interest that cannot be read.
    #[error("{}: unreadable regions of interest ({reason}); fetch the file again", path.display())]
    Outline {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// A spreadsheet that cannot be read.
    #[error("{}: unreadable spreadsheet ({reason}); fetch the file again", path.display())]
    Spreadsheet {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// A file without content.
    #[error("{}: the file is empty, so it is not a DICOM file or a picture; fetch it again", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// A file that a table names and that is not there.
    #[error("{}: the file is missing, but {table} lists it", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
        /// The table that names it.
        table: String,
    },
    /// A link or a path that leads out of the release.
    #[error("{}: leads out of the folder of the data set; put the file itself there", path.display())]
    Outside {
        /// The file or link.
        path: PathBuf,
    },
    /// A picture whose breast hangs on the other edge than the side that the release gives.
    #[error(
        "{}: the breast is on the other side than {laterality} says; the file may have been swapped with another one",
        path.display()
    )]
    OtherSide {
        /// The file.
        path: PathBuf,
        /// The side that the release gives.
        laterality: mammo_core::Laterality,
    },
    /// A header that lacks what a data set says nowhere else.
    #[error("{}: the header does not say {what}, which this data set says nowhere else", path.display())]
    Unsaid {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// A labelling that names no rule, or a data set twice.
    #[error("{text:?} is not a labelling: {reason}; expected RULE or DATASET=RULE,DATASET=RULE")]
    Labelling {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A number of folds that no one can use.
    #[error("{folds} folds are impossible with {patients} patients: {reason}")]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Patients in the cohort.
        patients: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A picture that cannot be read.
    #[error("{}: unreadable picture ({reason}); fetch the file again", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// A picture in colour where only grey ones are taken.
    #[error("{}: the picture is in colour, and mammograms are grey; convert it to grey", path.display())]
    Colour {
        /// The file.
        path: PathBuf,
    },
    /// A release in which no image has both a file and a row in the table.
    #[error("{}: no usable image; {hint}", root.display())]
    NoImages {
        /// The folder.
        root: PathBuf,
        /// What was found instead.
        hint: String,
    },
    /// A rule that leaves one of the two domains empty.
    #[error(
        "rule {rule} on views {views} gives {healthy} healthy and {cancer} cancer images ({excluded} excluded); \
         both domains need images: choose another rule or other views"
    )]
    EmptyClass {
        /// The rule.
        rule: Labelling,
        /// The views asked for.
        views: ViewFilter,
        /// Healthy images.
        healthy: usize,
        /// Cancer images.
        cancer: usize,
        /// Images that have another view or get no label.
        excluded: usize,
    },
    /// A test fraction outside of 0 to below 1.
    #[error("a test fraction of {0} is impossible; give a number from 0 to below 1")]
    Fraction(f64),
    /// A split that leaves a part without what it needs.
    #[error("{patients} patients cannot be split with a test fraction of {test_fraction}: {reason}")]
    Split {
        /// Patients in the cohort.
        patients: usize,
        /// The fraction asked for.
        test_fraction: f64,
        /// What would be missing.
        reason: &'static str,
    },
    /// A picture in which no breast was found.
    #[error("{}: no breast found in the picture; leave the image out", path.display())]
    NoBreast {
        /// The file.
        path: PathBuf,
    },
    /// A counterfactual twin of another size than its image.
    #[error("{}: {width} x {height} pixels, but its image has {expected_width} x {expected_height}", path.display())]
    TwinSize {
        /// The twin's file.
        path: PathBuf,
        /// Columns of the twin.
        width: usize,
        /// Rows of the twin.
        height: usize,
        /// Columns of the image.
        expected_width: usize,
        /// Rows of the image.
        expected_height: usize,
    },
}
