use crate::{DicomError, Header, Photometric, lengths, transfer_syntax};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use dicom_pixeldata::{ConvertOptions, ModalityLutOption, PixelDecoder, VoiLutOption};
use mammo_core::Plane;
use mammo_files::FileError;
use std::{
    fs::File,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

/// One mammogram from a DICOM file: its header and the stored values of its first frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Mammogram {
    header: Header,
    stored: Vec<i32>,
}

/// Reads the header of a DICOM file and leaves its pixels alone.
///
/// # Errors
/// [`DicomError`] when the file is missing, is not DICOM, or lacks what describes an image.
pub fn read_header(path: &Path) -> Result<Header, DicomError> {
    check_start(path)?;
    let object =
        OpenFileOptions::new().read_until(tags::PIXEL_DATA).open_file(path).map_err(|e| damaged(path, &e))?;
    Header::of(path, &object)
}

impl Mammogram {
    /// Reads one file. Decodes uncompressed (little and big endian, deflated), RLE and JPEG data (baseline,
    /// extended to 8 bits, lossless); JPEG 2000 with the feature `jpeg2000`.
    ///
    /// # Errors
    /// [`DicomError`], naming the file: not DICOM, damaged or truncated, not grey, an unsupported transfer syntax,
    /// a size beyond any mammogram (checked before memory is taken), lossless JPEG with restart intervals.
    pub fn open(path: &Path) -> Result<Self, DicomError> {
        Self::from_bytes(&std::fs::read(path).map_err(|e| io(path, &e))?, path)
    }

    /// Reads one file that is in memory already; `path` is for messages alone.
    ///
    /// # Errors
    /// As [`Mammogram::open`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, DicomError> {
        check(path, bytes.get(..132).unwrap_or(bytes), || lengths::check(Cursor::new(bytes)))?;
        let object = OpenFileOptions::new().from_reader(Cursor::new(bytes)).map_err(|e| damaged(path, &e))?;
        let header = Header::of(path, &object)?;
        let uid = header.transfer_syntax_uid.as_str();
        if !transfer_syntax::is_supported(uid, header.bits_stored) {
            let bits = if header.bits_stored > 8 && transfer_syntax::name(uid).starts_with("JPEG Extended") {
                format!(", {} bits", header.bits_stored)
            } else {
                String::new()
            };
            return Err(DicomError::UnsupportedTransferSyntax {
                path: path.to_owned(),
                uid: uid.to_owned(),
                name: format!("{}{bits}", transfer_syntax::name(uid)),
            });
        }
        let expected_bytes =
            header.columns_px as u64 * header.rows_px as u64 * u64::from(header.bits_allocated / 8);
        let truncated =
            |found_bytes| DicomError::Truncated { path: path.to_owned(), expected_bytes, found_bytes };
        let file_bytes = bytes.len() as u64;
        if transfer_syntax::is_native(uid) && uid != transfer_syntax::DEFLATED && file_bytes < expected_bytes
        {
            return Err(truncated(file_bytes));
        }

        let pixels = object
            .element_opt(tags::PIXEL_DATA)
            .ok()
            .flatten()
            .ok_or(DicomError::Missing { path: path.to_owned(), attribute: "Pixel Data (7FE0,0010)" })?;
        if transfer_syntax::is_native(uid) {
            let found_bytes = u64::from(pixels.header().len.0);
            if found_bytes < expected_bytes {
                return Err(truncated(found_bytes));
            }
        } else if transfer_syntax::is_lossless_jpeg(uid) {
            let start: Vec<u8> =
                pixels.fragments().into_iter().flatten().flatten().copied().take(1 << 16).collect();
            if transfer_syntax::has_restart_interval(&start) {
                return Err(DicomError::RestartIntervals { path: path.to_owned() });
            }
        }
        let stored = decode(path, &header, &object)?;
        Ok(Self { header, stored })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Stored values, row after row, before rescale, inversion and padding; within `bits_stored` bits.
    pub fn stored(&self) -> &[i32] {
        &self.stored
    }

    /// Values to look at, larger is brighter: the rescale is applied; MONOCHROME1 is inverted within the range
    /// that the stored bits allow; pixel padding becomes 0. The window is not applied: releases disagree in it,
    /// so the range to show is taken from the breast itself later.
    ///
    /// For MONOCHROME2 without rescale, as in INbreast, these are the stored values.
    pub fn display_plane(&self) -> Plane {
        let header = &self.header;
        let rescale = |v: i32| (f64::from(v) * header.rescale_slope + header.rescale_intercept) as f32;
        let (low, high) = header.stored_range();
        let ends = rescale(low) + rescale(high);
        let is_padding = |v: i32| header.padding.is_some_and(|(first, last)| (first..=last).contains(&v));
        let mut plane = Plane::filled(header.columns_px, header.rows_px, 0.0);
        for (out, &v) in plane.data_mut().iter_mut().zip(&self.stored) {
            *out = match header.photometric {
                _ if is_padding(v) => 0.0,
                Photometric::Monochrome1 => ends - rescale(v),
                Photometric::Monochrome2 => rescale(v),
            };
        }
        plane
    }
}

fn decode(path: &Path, header: &Header, object: &DefaultDicomObject) -> Result<Vec<i32>, DicomError> {
    let failed = |reason: String| DicomError::Decode {
        path: path.to_owned(),
        transfer_syntax: header.transfer_syntax_name().to_owned(),
        reason,
    };
    // Not decode_pixel_data: its allocation guard refuses full-field images that are cut into small fragments.
    let decoded = object.decode_pixel_data_frame(0).map_err(|e| failed(chain(&e)))?;
    let as_stored =
        ConvertOptions::new().with_modality_lut(ModalityLutOption::None).with_voi_lut(VoiLutOption::Identity);
    let mut values: Vec<i32> = decoded.to_vec_with_options(&as_stored).map_err(|e| failed(chain(&e)))?;
    let (needed, found) = (header.columns_px * header.rows_px, values.len());
    if found < needed {
        return Err(failed(format!("{needed} pixels are needed, {found} were decoded")));
    }
    values.truncate(needed);
    // Bits outside the stored ones may hold overlays or rubbish; move the stored ones down and extend the sign.
    let drop_above = 31 - u32::from(header.high_bit);
    let drop_below = 32 - u32::from(header.bits_stored);
    for v in &mut values {
        let top = (*v as u32) << drop_above;
        *v = if header.signed { top.cast_signed() >> drop_below } else { (top >> drop_below).cast_signed() };
    }
    Ok(values)
}

fn check_start(path: &Path) -> Result<(), DicomError> {
    let mut start = Vec::with_capacity(132);
    File::open(path).and_then(|file| file.take(132).read_to_end(&mut start)).map_err(|e| io(path, &e))?;
    check(path, &start, || File::open(path).and_then(lengths::check))
}

/// Refuses what cannot be DICOM, and lengths that lie, before the parser guesses or takes memory.
fn check(
    path: &Path,
    start: &[u8],
    lengths: impl FnOnce() -> std::io::Result<Option<String>>,
) -> Result<(), DicomError> {
    // Some writers leave the preamble out.
    if start.get(128..132) != Some(b"DICM") && !start.starts_with(b"DICM") {
        return Err(DicomError::NotDicom { path: path.to_owned() });
    }
    match lengths().map_err(|e| io(path, &e))? {
        None => Ok(()),
        Some(reason) => Err(DicomError::Damaged { path: path.to_owned(), reason }),
    }
}

fn io(path: &Path, error: &std::io::Error) -> DicomError {
    let named = std::io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    DicomError::File(FileError::Io(named))
}

fn damaged(path: &Path, error: &dyn std::error::Error) -> DicomError {
    DicomError::Damaged { path: PathBuf::from(path), reason: chain(error) }
}

/// An error with its causes in one line; the outermost alone often says only "could not read".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
