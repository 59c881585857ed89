//! The parsers of what comes from outside, on bytes: none of them panics, whatever it is given. Files are read through
//! [`crate::scan_release`]; these are for tests and tools that have no files, such as fuzzers.

use crate::{
    DatasetError, Note, Scan, bcdr, cbis_ddsm, cmmd, inbreast, manifest, mini_mias, picture, vindr_mammo,
};
use mammo_core::{Plane, Roi};
use std::path::Path;

/// `INbreast.csv`: how many rows can be understood.
///
/// # Errors
/// [`DatasetError`], as all functions here, when nothing can be made of the bytes.
pub fn inbreast_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    let table = inbreast::table::from_csv(bytes, Path::new("INbreast.csv"))?;
    inbreast::rows_understood(&table)
}

/// `INbreast.xls`, its first sheet: how many rows can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn inbreast_xls(bytes: &[u8]) -> Result<usize, DatasetError> {
    let table = inbreast::table::from_xls(bytes, Path::new("INbreast.xls"))?;
    inbreast::rows_understood(&table)
}

/// A property list of outlines of an image of `width` x `height` pixels: the regions, inside of the image, and what is odd
/// about them.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn inbreast_outlines(
    bytes: &[u8],
    width: usize,
    height: usize,
) -> Result<(Vec<Roi>, Vec<Note>), DatasetError> {
    let mut notes = Vec::new();
    let (path, size) = (Path::new("outlines.xml"), (width as f32, height as f32));
    let rois = inbreast::outlines::parse(bytes, path, path, size, &mut notes)?;
    Ok((rois, notes))
}

/// A pack's table of images: how many rows there are.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn bcdr_images_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    bcdr::tables::images(bytes, Path::new("img.csv")).map(|rows| rows.len())
}

/// A pack's table of outlines: how many rows there are.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn bcdr_outlines_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    bcdr::tables::outlines(bytes, Path::new("outlines.csv")).map(|rows| rows.len())
}

/// `Info.txt` of mini-MIAS: how many images can be understood.
pub fn mini_mias_info(bytes: &[u8]) -> usize {
    mini_mias::parse(bytes, Path::new("Info.txt"), &mut Scan::new(Path::new("."))).len()
}

/// A table of case descriptions of CBIS-DDSM: how many rows can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn cbis_ddsm_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    Ok(cbis_ddsm::parse(bytes, Path::new("cases.csv"))?.into_iter().flatten().count())
}

/// The table of images of VinDr-Mammo: how many rows can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn vindr_images_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    Ok(vindr_mammo::images(bytes, Path::new("images.csv"))?.into_iter().flatten().count())
}

/// The table of findings of VinDr-Mammo: how many rows there are.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn vindr_findings_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    vindr_mammo::findings(bytes, Path::new("findings.csv")).map(|rows| rows.len())
}

/// The clinical data of CMMD as a spreadsheet: how many breasts can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn cmmd_xlsx(bytes: &[u8]) -> Result<usize, DatasetError> {
    let table = crate::table::Table::from_spreadsheet(bytes, Path::new("clinical.xlsx"), "Sheet1")?;
    cmmd::parse(&table).map(|(breasts, _)| breasts.len())
}

/// A table of the user's own in JSON lines: how many rows can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn manifest_jsonl(bytes: &[u8]) -> Result<usize, DatasetError> {
    Ok(manifest::parse(bytes, Path::new("manifest.jsonl"))?.into_iter().flatten().count())
}

/// A table of the user's own in separated values: how many rows can be understood.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn manifest_csv(bytes: &[u8]) -> Result<usize, DatasetError> {
    Ok(manifest::parse(bytes, Path::new("manifest.csv"))?.into_iter().flatten().count())
}

/// A PGM, TIFF or PNG picture as grey values.
///
/// # Errors
/// As [`inbreast_csv`].
pub fn picture(bytes: &[u8]) -> Result<Plane, DatasetError> {
    picture::decode(bytes, Path::new("picture"))
}
