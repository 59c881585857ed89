//! From stored values to values to look at: modality LUT or rescale (PS3.3 section C.11.1), VOI LUT or window (C.11.2),
//! padding, inversion. Everything acts on one value at a time, so it becomes one table with an entry for each stored value.

use crate::{
    Header, Intensity, Photometric, Window,
    header::{items, numbers},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How a window maps values (VOI LUT Function, PS3.3 section C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiFunction {
    /// LINEAR: a window of width `w` shows `w` whole values. Taken where the file does not say.
    #[default]
    Linear,
    /// LINEAR_EXACT: a window of width `w` shows the interval of that length.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

impl VoiFunction {
    pub(crate) fn of(name: Option<&str>) -> Self {
        match name {
            Some("LINEAR_EXACT") => Self::LinearExact,
            Some("SIGMOID") => Self::Sigmoid,
            _ => Self::Linear,
        }
    }

    /// Where `value` lies in the window, from 0 to 1.
    pub fn apply(self, window: Window, value: f64) -> f64 {
        let Window { center, width } = window;
        match self {
            Self::Linear => {
                let (center, width) = (center - 0.5, width - 1.0);
                if value <= center - width / 2.0 {
                    0.0
                } else if value > center + width / 2.0 {
                    1.0
                } else {
                    (value - center) / width + 0.5
                }
            }
            Self::LinearExact => ((value - center) / width + 0.5).clamp(0.0, 1.0),
            Self::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        }
    }
}

/// Which values to look at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Everything that was stored, after the modality LUT or rescale, in its units. Releases disagree in their windows, so
    /// this is what pictures are prepared from.
    #[default]
    Range,
    /// As the file asks for: its first VOI LUT, else its first window, else as [`Look::Range`] from 0 to 1.
    File,
    /// One of the file's windows, counted from 0, from 0 to 1.
    Window(usize),
    /// One of the file's VOI LUTs, counted from 0, from 0 to 1.
    Lut(usize),
    /// A window of one's own, from 0 to 1.
    Own(Window, VoiFunction),
}

/// A text that is no [`Look`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} does not say what to look at; use range, file, window:N, lut:N (N counted from 0) or \
     own:CENTER,WIDTH[,linear|linear_exact|sigmoid]"
)]
pub struct UnknownLook(pub String);

/// `range`, `file`, `window:N`, `lut:N` or `own:CENTER,WIDTH[,FUNCTION]`:
///
/// ```
/// use mammo_dicom::{Look, VoiFunction, Window};
/// assert_eq!("window:1".parse(), Ok(Look::Window(1)));
/// let own = Look::Own(Window { center: 2048.0, width: 900.0 }, VoiFunction::Sigmoid);
/// assert_eq!("own:2048,900,sigmoid".parse(), Ok(own));
/// assert_eq!(own.to_string(), "own:2048,900,sigmoid");
/// assert!("own:2048,0".parse::<Look>().is_err());
/// ```
impl FromStr for Look {
    type Err = UnknownLook;

    fn from_str(text: &str) -> Result<Self, UnknownLook> {
        let unknown = || UnknownLook(text.to_owned());
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        match word {
            "range" if rest.is_empty() => Ok(Self::Range),
            "file" if rest.is_empty() => Ok(Self::File),
            "window" => rest.parse().map(Self::Window).map_err(|_| unknown()),
            "lut" => rest.parse().map(Self::Lut).map_err(|_| unknown()),
            "own" => {
                let mut parts = rest.split(',');
                let mut number = || parts.next()?.parse::<f64>().ok().filter(|value| value.is_finite());
                let (Some(center), Some(width)) = (number(), number()) else { return Err(unknown()) };
                let (function, narrowest) = match parts.next() {
                    None | Some("linear") => (VoiFunction::Linear, 1.0),
                    Some("linear_exact") => (VoiFunction::LinearExact, f64::MIN_POSITIVE),
                    Some("sigmoid") => (VoiFunction::Sigmoid, f64::MIN_POSITIVE),
                    Some(_) => return Err(unknown()),
                };
                // The widths that the standard allows (PS3.3 section C.11.2.1.2).
                if width < narrowest || parts.next().is_some() {
                    return Err(unknown());
                }
                Ok(Self::Own(Window { center, width }, function))
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range => f.write_str("range"),
            Self::File => f.write_str("file"),
            Self::Window(at) => write!(f, "window:{at}"),
            Self::Lut(at) => write!(f, "lut:{at}"),
            Self::Own(Window { center, width }, function) => {
                let function = match function {
                    VoiFunction::Linear => "linear",
                    VoiFunction::LinearExact => "linear_exact",
                    VoiFunction::Sigmoid => "sigmoid",
                };
                write!(f, "own:{center},{width},{function}")
            }
        }
    }
}

/// A lookup table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lut {
    /// The value that the first entry is for.
    first: i32,
    entries: Vec<u16>,
    /// The largest value that an entry can have.
    largest: u16,
}

impl Lut {
    /// Reads an item of a LUT sequence; `None` where it cannot be used. `is_signed`: whether the values it is for may be
    /// negative, since the standard leaves the representation of the first value to that.
    fn of(item: &InMemDicomObject, is_signed: bool) -> Option<Self> {
        let descriptor = numbers(item, tags::LUT_DESCRIPTOR)?;
        let &[count, first, bits, ..] = descriptor.as_slice() else { return None };
        // 0 stands for 65536 entries (PS3.3 section C.11.1.1.1). Read as signed, counts above 32767 are negative.
        let count = match count as i64 {
            0 => 1 << 16,
            n if n < 0 => usize::try_from(n + (1 << 16)).ok()?,
            n => usize::try_from(n).ok().filter(|n| *n <= 1 << 16)?,
        };
        let first = if is_signed { i32::from(first as i64 as i16) } else { i32::from(first as i64 as u16) };
        let data = item.element_opt(tags::LUT_DATA).ok()??.to_bytes().ok()?;
        // Entries of 8 bits may be packed two to a word.
        let entries: Vec<u16> = if data.len() >= 2 * count {
            data.chunks_exact(2).take(count).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect()
        } else if data.len() >= count && bits <= 8.0 {
            data.iter().take(count).map(|&b| u16::from(b)).collect()
        } else {
            return None;
        };
        // Some writers declare fewer bits than their entries have.
        let declared =
            if (1.0..=16.0).contains(&bits) { ((1u32 << bits as u32) - 1) as u16 } else { u16::MAX };
        let largest = declared.max(entries.iter().copied().max()?);
        Some(Self { first, entries, largest })
    }

    fn get(&self, value: f64) -> u16 {
        let last = self.entries.len() as f64 - 1.0;
        self.entries[(value.round() - f64::from(self.first)).clamp(0.0, last) as usize]
    }
}

/// The tables of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Luts {
    modality: Option<Lut>,
    voi: Vec<Lut>,
}

impl Luts {
    pub(crate) fn of(object: &InMemDicomObject, header: &Header) -> Self {
        let luts = |tag: Tag, is_signed| items(object, tag).filter_map(move |item| Lut::of(item, is_signed));
        let modality = luts(tags::MODALITY_LUT_SEQUENCE, header.signed).next();
        let (low, high) = header.stored_range();
        let ends = [low, high].map(|v| header.rescale().apply(v));
        let voi_is_signed = modality.is_none() && ends.iter().any(|&v| v < 0.0);
        let voi = luts(tags::VOILUT_SEQUENCE, voi_is_signed).take(64).collect();
        Self { modality, voi }
    }
}

/// The linear map that takes the place of a modality LUT.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rescale {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

impl Rescale {
    pub(crate) fn apply(self, stored: i32) -> f64 {
        f64::from(stored) * self.slope + self.intercept
    }

    pub(crate) fn is_identity(self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0
    }
}

/// The value to look at for each stored value. Larger is brighter; what the file calls padding is 0.
pub(crate) struct Table {
    /// By the bits of the stored value, as unsigned.
    values: Vec<f32>,
}

impl Table {
    /// `None` where a window or LUT is asked for that the file does not have.
    pub(crate) fn new(header: &Header, luts: &Luts, look: Look) -> Option<Self> {
        let look = match look {
            Look::File if !luts.voi.is_empty() => Look::Lut(0),
            Look::File if !header.windows.is_empty() => Look::Window(0),
            other => other,
        };
        let (low, high) = header.stored_range();
        let modality = |stored: i32| match &luts.modality {
            Some(lut) => f64::from(lut.get(f64::from(stored))),
            None => header.rescale().apply(stored),
        };
        let (first, last) = (modality(low), modality(high));
        let (floor, ceiling) = (first.min(last), first.max(last));
        let shown: Box<dyn Fn(i32) -> f64> = match look {
            // Air is the largest value of a file meant for processing; attenuation is its logarithm, put on the same range.
            Look::Range | Look::File if header.for_processing && header.intensity == Intensity::Linear => {
                let top = (ceiling - floor + 1.0).ln();
                let scale = (ceiling - floor) / top;
                Box::new(move |v| floor + (top - (modality(v) - floor + 1.0).max(1.0).ln()) * scale)
            }
            Look::Range | Look::File if is_inverted(header) => Box::new(move |v| first + last - modality(v)),
            Look::Range | Look::File => Box::new(modality),
            Look::Window(at) => {
                let (window, function) = (*header.windows.get(at)?, header.voi_function);
                Box::new(move |v| function.apply(window, modality(v)))
            }
            Look::Own(window, function) => Box::new(move |v| function.apply(window, modality(v))),
            Look::Lut(at) => {
                let lut = luts.voi.get(at)?;
                Box::new(move |v| f64::from(lut.get(modality(v))) / f64::from(lut.largest.max(1)))
            }
        };
        let is_unit = !matches!(look, Look::Range);
        let inverts = is_unit && header.photometric == Photometric::Monochrome1 && look != Look::File;
        let is_padding = |v: i32| header.padding.is_some_and(|(a, b)| (a..=b).contains(&v));
        let mut values = vec![0f32; 1 << 16];
        for stored in low..=high {
            if is_padding(stored) {
                continue;
            }
            let value = match shown(stored) {
                v if look == Look::File => (v - floor) / (ceiling - floor).max(f64::MIN_POSITIVE),
                v if inverts => 1.0 - v,
                v => v,
            };
            values[usize::from(stored as u16)] = value as f32;
        }
        Some(Self { values })
    }

    pub(crate) fn get(&self, bits: u16) -> f32 {
        self.values.get(usize::from(bits)).copied().unwrap_or(0.0)
    }
}

/// Whether large values are dark when everything is shown. In files meant for processing the relation to the X-rays says
/// so, where it is told.
pub(crate) fn is_inverted(header: &Header) -> bool {
    match header.intensity {
        Intensity::Linear | Intensity::Rising if header.for_processing => true,
        Intensity::Falling if header.for_processing => false,
        _ => header.photometric == Photometric::Monochrome1,
    }
}
