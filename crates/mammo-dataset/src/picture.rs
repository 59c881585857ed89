//! Image files that are no DICOM: PGM, TIFF and PNG.

use crate::{DatasetError, place};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use mammo_core::Plane;
use mammo_files::FileError;
use std::{
    io::{Cursor, Read},
    path::Path,
};

/// Largest number of pixels that is read; the same bound as for DICOM files.
const LIMIT_PX: u64 = 100_000_000;
/// Most memory that a decoder may take: a colour picture of 16 bits at the bound.
const LIMIT_BYTES: u64 = LIMIT_PX * 6;

/// What the header of an image file says.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Columns and rows.
    pub(crate) size_px: (usize, usize),
    /// Whether the file says that its picture is made.
    pub(crate) synthetic: bool,
    /// The DICOM header, where it is DICOM.
    pub(crate) dicom: Option<mammo_dicom::Header>,
}

/// Reads the header of an image file of a release.
pub(crate) fn facts(root: &Path, path: &Path) -> Result<Facts, DatasetError> {
    let file = place::inside(root, path)?;
    if fs_err::metadata(&file).map_err(FileError::from)?.len() == 0 {
        return Err(DatasetError::EmptyFile { path: file });
    }
    let is_named_dicom = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm") || e == "dicom");
    if is_named_dicom || is_dicom(&start_of(&file)?) {
        let header = mammo_dicom::read_header(&file)?;
        let size_px = (header.columns_px, header.rows_px);
        return Ok(Facts { size_px, synthetic: header.synthetic, dicom: Some(header) });
    }
    let reader = fs_err::File::open(&file).map_err(FileError::from)?;
    let size_px = size_of(ImageReader::new(std::io::BufReader::new(reader)), &file)?;
    Ok(Facts { size_px, synthetic: is_marked(&file), dicom: None })
}

/// Whether bytes begin as DICOM does.
pub(crate) fn is_dicom(bytes: &[u8]) -> bool {
    // Some writers leave the preamble out.
    bytes.get(128..132) == Some(b"DICM") || bytes.starts_with(b"DICM")
}

/// The first bytes of a file, as many as [`is_dicom`] looks at.
fn start_of(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut start = Vec::with_capacity(132);
    let file = fs_err::File::open(path).map_err(FileError::from)?;
    file.take(132).read_to_end(&mut start).map_err(FileError::from)?;
    Ok(start)
}

/// Whether a picture of this software carries its mark, in the file or beside it.
pub(crate) fn is_marked(path: &Path) -> bool {
    let side_car = mammo_png::SideCar::path_of(path);
    mammo_png::read_mark(path).is_ok()
        || (side_car.is_file()
            && mammo_files::read_json::<serde_json::Value>(&side_car)
                .is_ok_and(|car| car["synthetic"] == serde_json::Value::Bool(true)))
}

fn size_of<R: std::io::BufRead + std::io::Seek>(
    reader: ImageReader<R>,
    path: &Path,
) -> Result<(usize, usize), DatasetError> {
    let broken = |reason: String| DatasetError::Picture { path: path.to_owned(), reason };
    let reader = reader.with_guessed_format().map_err(FileError::from)?;
    let (width, height) = reader.into_dimensions().map_err(|e| broken(e.to_string()))?;
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > LIMIT_PX {
        return Err(broken(format!("{width} x {height} pixels; at most {LIMIT_PX} are read")));
    }
    Ok((width as usize, height as usize))
}

/// Decodes a picture to grey values as the file stores them, not stretched to another number of bits; `path` is for
/// messages alone. Sizes are checked before memory is taken.
pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Plane, DatasetError> {
    let broken = |reason: String| DatasetError::Picture { path: path.to_owned(), reason };
    let (width, height) = size_of(ImageReader::new(Cursor::new(bytes)), path)?;
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(FileError::from)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(LIMIT_BYTES);
    reader.limits(limits);
    let data = match reader.decode().map_err(|e| broken(e.to_string()))? {
        DynamicImage::ImageLuma8(grey) => grey.into_raw().into_iter().map(f32::from).collect(),
        other => other.into_luma16().into_raw().into_iter().map(f32::from).collect(),
    };
    Plane::new(width, height, data).map_err(|e| broken(e.to_string()))
}

/// Refuses PNG, TIFF and PGM files that store colours, whatever they show; DICOM files are left to their reader, which does
/// the same. Releases are read more leniently: some store grey pictures with three channels, and their readers know that.
///
/// # Errors
/// [`DatasetError::Colour`], and [`DatasetError::Picture`] for what is no picture.
pub fn check_grey(bytes: &[u8], path: &Path) -> Result<(), DatasetError> {
    if is_dicom(bytes) {
        return Ok(());
    }
    size_of(ImageReader::new(Cursor::new(bytes)), path)?;
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(FileError::from)?;
    let broken = |reason: String| DatasetError::Picture { path: path.to_owned(), reason };
    let decoder = reader.into_decoder().map_err(|e| broken(e.to_string()))?;
    if decoder.color_type().has_color() {
        return Err(DatasetError::Colour { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_of_four_billion_pixels_is_refused_before_memory_is_taken() {
        let message = decode(b"P5 65536 65536 255\n", Path::new("a.pgm")).unwrap_err().to_string();
        assert!(message.contains("a.pgm") && message.contains("65536 x 65536"), "{message}");
    }

    #[test]
    fn sixteen_bits_are_not_stretched() {
        let plane = decode(b"P5 2 1 255\n\x07\xff", Path::new("a.pgm")).unwrap();
        assert_eq!(plane.data(), [7.0, 255.0]);
        let plane = decode(b"P5 2 1 65535\n\x01\x00\x3f\xff", Path::new("a.pgm")).unwrap();
        assert_eq!(plane.data(), [256.0, 16383.0]);
    }

    #[test]
    fn colours_are_told_from_grey() {
        assert!(check_grey(b"P5 2 1 255\n\x07\xff", Path::new("a.pgm")).is_ok());
        let message = check_grey(b"P6 1 1 255\n\x07\x07\x07", Path::new("a.ppm")).unwrap_err().to_string();
        assert!(message.contains("a.ppm: the picture is in colour"), "{message}");
        assert!(matches!(check_grey(b"no picture", Path::new("a.png")), Err(DatasetError::Picture { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), pick in 0usize..4) {
            let start: &[u8] = [&b""[..], b"P5 4 4 255\n", b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n"][pick];
            let _ = decode(&[start, &bytes].concat(), Path::new("a"));
        }
    }
}
