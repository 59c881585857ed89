use crate::{DicomError, VoiFunction, transfer_syntax, values::Rescale};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use mammo_core::{Laterality, ViewPosition};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Largest number of pixels that is read. The largest film scans of public releases have about 40 million.
pub(crate) const LIMIT_PX: u64 = 100_000_000;

/// Most windows that are kept.
const LIMIT_WINDOWS: usize = 64;

/// Whether large stored values are bright or dark (PS3.3 section C.7.6.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Photometric {
    /// Large values are dark.
    #[serde(rename = "MONOCHROME1")]
    Monochrome1,
    /// Large values are bright.
    #[serde(rename = "MONOCHROME2")]
    Monochrome2,
}

/// A display window in units after the rescale (PS3.3 section C.11.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Window Center.
    pub center: f64,
    /// Window Width.
    pub width: f64,
}

/// How stored values follow from the X-rays: Pixel Intensity Relationship (0028,1040) and its sign (0028,1041).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intensity {
    /// The file does not say.
    Unknown,
    /// Proportional to the intensity at the detector (LIN, sign 1): air is the largest value.
    Linear,
    /// Falls or rises by another rule with the intensity, and larger values mean more X-rays (sign 1).
    Rising,
    /// Larger values mean fewer X-rays (sign -1), as in pictures to look at.
    Falling,
}

/// What the header of a mammogram says, as far as the study needs it. Identifiers, names and dates are not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Image Laterality (0020,0062), else Laterality (0020,0060).
    pub laterality: Option<Laterality>,
    /// View Position (0018,5101), else View Code Sequence (0054,0220).
    pub view: Option<ViewPosition>,
    /// Columns.
    pub columns_px: usize,
    /// Rows.
    pub rows_px: usize,
    /// Bits Allocated: 8 or 16.
    pub bits_allocated: u16,
    /// Bits Stored: 1 to Bits Allocated.
    pub bits_stored: u16,
    /// High Bit.
    pub high_bit: u16,
    /// Whether stored values are two's complement (Pixel Representation 1).
    pub signed: bool,
    /// Photometric Interpretation.
    pub photometric: Photometric,
    /// Transfer Syntax UID.
    pub transfer_syntax_uid: String,
    /// The first window, where there is one.
    pub window: Option<Window>,
    /// All windows. Vendors list alternatives behind the first one, such as a softer and a harder look.
    pub windows: Vec<Window>,
    /// How values are windowed: VOI LUT Function (0028,1056).
    pub voi_function: VoiFunction,
    /// Items of the VOI LUT Sequence (0028,3010).
    pub voi_luts: usize,
    /// Items of the Modality LUT Sequence (0028,3000), the first of which takes the place of the rescale.
    pub modality_luts: usize,
    /// Smallest and largest stored value that mean "no picture here": Pixel Padding Value (0028,0120) and Range
    /// Limit (0028,0121).
    pub padding: Option<(i32, i32)>,
    /// Rescale Slope, 1 if absent.
    pub rescale_slope: f64,
    /// Rescale Intercept, 0 if absent.
    pub rescale_intercept: f64,
    /// What values of a file that is meant for processing stand for.
    pub intensity: Intensity,
    /// Number of Frames, 1 if absent. Only the first one is read.
    pub frames: usize,
    /// Distance of rows and of columns from (Imager) Pixel Spacing, in millimetres.
    pub spacing_mm: Option<(f64, f64)>,
    /// Presentation Intent Type (0008,0068) is FOR PROCESSING: raw detector values, not meant to be looked at.
    pub for_processing: bool,
    /// Whether the file says that its picture is made. Besides Synthetic Data (0008,001C), which some
    /// de-identifiers drop, the synthesizing equipment and the prefix of the series description count.
    pub synthetic: bool,
}

impl Header {
    pub(crate) fn of(path: &Path, object: &InMemDicomObject, syntax: &str) -> Result<Self, DicomError> {
        let columns = required(path, object, tags::COLUMNS, "Columns (0028,0011)")?;
        let rows = required(path, object, tags::ROWS, "Rows (0028,0010)")?;
        let (columns, rows) = (u64::from(columns), u64::from(rows));
        if columns == 0 || rows == 0 {
            return Err(DicomError::Attribute {
                path: path.to_owned(),
                attribute: "Rows and Columns",
                value: format!("{rows} x {columns}"),
                expected: "at least one pixel",
            });
        }
        if columns * rows > LIMIT_PX {
            return Err(DicomError::TooLarge { path: path.to_owned(), columns, rows, limit_px: LIMIT_PX });
        }
        let photometric = match text(object, tags::PHOTOMETRIC_INTERPRETATION).as_deref() {
            Some("MONOCHROME1") => Photometric::Monochrome1,
            Some("MONOCHROME2") => Photometric::Monochrome2,
            None => {
                return Err(DicomError::Missing {
                    path: path.to_owned(),
                    attribute: "Photometric Interpretation (0028,0004)",
                });
            }
            Some(other) => {
                return Err(DicomError::Attribute {
                    path: path.to_owned(),
                    attribute: "Photometric Interpretation (0028,0004)",
                    value: code(other),
                    expected: "MONOCHROME1 or MONOCHROME2",
                });
            }
        };
        let bits_allocated = required(path, object, tags::BITS_ALLOCATED, "Bits Allocated (0028,0100)")?;
        let bits_stored = required(path, object, tags::BITS_STORED, "Bits Stored (0028,0101)")?;
        let high_bit = number(object, tags::HIGH_BIT).map_or(bits_stored.saturating_sub(1), |v| v as u16);
        let bits_fit = matches!(bits_allocated, 8 | 16)
            && (1..=bits_allocated).contains(&bits_stored)
            && (bits_stored - 1..bits_allocated).contains(&high_bit);
        if !bits_fit {
            return Err(DicomError::Attribute {
                path: path.to_owned(),
                attribute: "Bits Allocated, Bits Stored, High Bit",
                value: format!("{bits_allocated}, {bits_stored}, {high_bit}"),
                expected: "8 or 16 bits allocated that hold the bits stored",
            });
        }
        let signed = number(object, tags::PIXEL_REPRESENTATION) == Some(1.0);
        let padding = number(object, tags::PIXEL_PADDING_VALUE).map(|value| {
            // The padding's VR may be read as unsigned where the pixels are signed.
            let stored = |v: f64| if signed { i32::from(v as i64 as i16) } else { v as i32 };
            let limit = number(object, tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
            let (a, b) = (stored(value), stored(limit));
            (a.min(b), a.max(b))
        });
        let both = numbers(object, tags::WINDOW_CENTER).zip(numbers(object, tags::WINDOW_WIDTH));
        let windows: Vec<Window> = both
            .into_iter()
            .flat_map(|(centers, widths)| centers.into_iter().zip(widths))
            .map(|(center, width)| Window { center, width })
            // A width below 1 is not allowed and would divide by zero.
            .filter(|window| window.width >= 1.0)
            .take(LIMIT_WINDOWS)
            .collect();
        if number(object, tags::SAMPLES_PER_PIXEL).is_some_and(|samples| samples != 1.0) {
            return Err(DicomError::Attribute {
                path: path.to_owned(),
                attribute: "Samples per Pixel (0028,0002)",
                value: number(object, tags::SAMPLES_PER_PIXEL).unwrap_or_default().to_string(),
                expected: "1: mammograms are grey",
            });
        }
        Ok(Self {
            laterality: word(object, tags::IMAGE_LATERALITY).or_else(|| word(object, tags::LATERALITY)),
            view: word(object, tags::VIEW_POSITION).or_else(|| coded_view(object)),
            columns_px: columns as usize,
            rows_px: rows as usize,
            bits_allocated,
            bits_stored,
            high_bit,
            signed,
            photometric,
            transfer_syntax_uid: syntax.to_owned(),
            window: windows.first().copied(),
            windows,
            voi_function: VoiFunction::of(text(object, tags::VOILUT_FUNCTION).as_deref()),
            voi_luts: items(object, tags::VOILUT_SEQUENCE).count(),
            modality_luts: items(object, tags::MODALITY_LUT_SEQUENCE).count(),
            padding,
            rescale_slope: number(object, tags::RESCALE_SLOPE).filter(|&s| s != 0.0).unwrap_or(1.0),
            rescale_intercept: number(object, tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            spacing_mm: spacing(object, tags::IMAGER_PIXEL_SPACING)
                .or_else(|| spacing(object, tags::PIXEL_SPACING)),
            intensity: intensity(object),
            frames: number(object, tags::NUMBER_OF_FRAMES).map_or(1, |n| (n as usize).max(1)),
            for_processing: text(object, tags::PRESENTATION_INTENT_TYPE).as_deref() == Some("FOR PROCESSING"),
            synthetic: is_synthetic(object),
        })
    }

    /// The name of the transfer syntax in the standard's words.
    pub fn transfer_syntax_name(&self) -> &'static str {
        transfer_syntax::name(&self.transfer_syntax_uid)
    }

    /// The rescale.
    pub(crate) fn rescale(&self) -> Rescale {
        Rescale { slope: self.rescale_slope, intercept: self.rescale_intercept }
    }

    /// Smallest and largest value that `bits_stored` can hold.
    pub(crate) fn stored_range(&self) -> (i32, i32) {
        if self.signed {
            (-(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1)
        } else {
            (0, (1 << self.bits_stored) - 1)
        }
    }
}

/// A value that is no free text: capitals, digits and underscores as in a code string; anything else stays out of messages.
fn code(value: &str) -> String {
    let is_code = value.len() <= 16
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b' ');
    if is_code { value.to_owned() } else { "no code".to_owned() }
}

fn intensity(object: &InMemDicomObject) -> Intensity {
    let is_linear = text(object, tags::PIXEL_INTENSITY_RELATIONSHIP).as_deref() == Some("LIN");
    match number(object, tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN) {
        Some(1.0) if is_linear => Intensity::Linear,
        Some(1.0) => Intensity::Rising,
        // Read as unsigned where the representation is not told.
        Some(-1.0 | 65535.0) => Intensity::Falling,
        _ => Intensity::Unknown,
    }
}

/// The items of a sequence; none of what is absent or no sequence.
pub(crate) fn items(object: &InMemDicomObject, tag: Tag) -> impl Iterator<Item = &InMemDicomObject> {
    object.element_opt(tag).ok().flatten().and_then(|e| e.items()).into_iter().flatten()
}

fn is_synthetic(object: &InMemDicomObject) -> bool {
    let by_equipment = items(object, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE)
        .flat_map(|item| items(item, tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE))
        .any(|code| text(code, tags::CODE_VALUE).as_deref() == Some("109100"));
    text(object, tags::SYNTHETIC_DATA).as_deref() == Some("YES")
        || by_equipment
        || text(object, tags::SERIES_DESCRIPTION).is_some_and(|t| t.starts_with(crate::NOTICE))
}

/// The view by its code in SNOMED CT or the older SNOMED RT (PS3.16 CID 4014).
fn coded_view(object: &InMemDicomObject) -> Option<ViewPosition> {
    let sequence = object.element_opt(tags::VIEW_CODE_SEQUENCE).ok()??;
    let code = text(sequence.items()?.first()?, tags::CODE_VALUE)?;
    match code.as_str() {
        "399162004" | "R-10242" => Some(ViewPosition::Cc),
        "399368009" | "R-10226" => Some(ViewPosition::Mlo),
        _ => None,
    }
}

fn required(
    path: &Path,
    object: &InMemDicomObject,
    tag: Tag,
    attribute: &'static str,
) -> Result<u16, DicomError> {
    let value = number(object, tag).ok_or(DicomError::Missing { path: path.to_owned(), attribute })?;
    if (0.0..=65535.0).contains(&value) {
        Ok(value as u16)
    } else {
        Err(DicomError::Attribute {
            path: path.to_owned(),
            attribute,
            value: value.to_string(),
            expected: "a whole number from 0 to 65535",
        })
    }
}

/// The first value of an attribute as text, without padding; `None` when absent or empty.
pub(crate) fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let value = object.element_opt(tag).ok()??.to_str().ok()?;
    let first = value.split('\\').next()?.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!first.is_empty()).then(|| first.to_owned())
}

fn number(object: &InMemDicomObject, tag: Tag) -> Option<f64> {
    numbers(object, tag)?.first().copied()
}

pub(crate) fn numbers(object: &InMemDicomObject, tag: Tag) -> Option<Vec<f64>> {
    let values = object.element_opt(tag).ok()??.to_multi_float64().ok()?;
    values.iter().all(|v| v.is_finite()).then_some(values)
}

fn word<T: std::str::FromStr>(object: &InMemDicomObject, tag: Tag) -> Option<T> {
    text(object, tag)?.parse().ok()
}

fn spacing(object: &InMemDicomObject, tag: Tag) -> Option<(f64, f64)> {
    match numbers(object, tag)?.as_slice() {
        &[row, column, ..] if row > 0.0 && column > 0.0 => Some((row, column)),
        _ => None,
    }
}
