use crate::{
    DicomError, Header, Look, deflate, fragments, jpeg,
    layout::{self, Encoding, Layout, Meta, Stop},
    transfer_syntax::{self, Codec},
    values::{self, Luts, Table},
};
use dicom_core::Tag;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries;
use mammo_core::Plane;
use mammo_files::FileError;
use std::{
    borrow::Cow,
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

/// First bytes that are read for a header; it takes more where they do not reach the pixels.
const HEADER_BYTES: usize = 64 << 10;
/// Longest file that is read; the largest mammogram that is accepted takes 200 MB.
const LIMIT_FILE_BYTES: u64 = 1 << 30;

/// One mammogram from a DICOM file: its header and the stored values of its first frame. Pixels that were stored as they
/// are are not copied: they stay in the bytes of the file.
// No Clone: a copy of the bytes may lie where words cannot be read.
#[derive(Debug)]
pub struct Mammogram<'a> {
    header: Header,
    luts: Luts,
    stored: Stored<'a>,
}

#[derive(Debug)]
enum Stored<'a> {
    /// Little-endian words that can be used as they are: where they lie in the file.
    File(Cow<'a, [u8]>, Range<usize>),
    Words(Vec<u16>),
}

/// Reads the header of a DICOM file and leaves its pixels alone.
///
/// # Errors
/// [`DicomError`] when the file is missing, is not DICOM, or lacks what describes an image.
pub fn read_header(path: &Path) -> Result<Header, DicomError> {
    let mut file = File::open(path).map_err(|e| io(path, &e))?;
    let total = file.metadata().map_err(|e| io(path, &e))?.len() as usize;
    let mut bytes = Vec::new();
    let mut wanted = HEADER_BYTES;
    loop {
        let more = (wanted.min(total) - bytes.len().min(total)) as u64;
        (&mut file).take(more).read_to_end(&mut bytes).map_err(|e| io(path, &e))?;
        // What is shorter than it was a moment ago ends where it ends.
        let total = if bytes.len() < wanted { bytes.len() } else { total };
        match parse(&bytes, total, path) {
            Err(Failed::NeedMore) if bytes.len() < total => wanted = wanted.saturating_mul(4),
            Err(failed) => return Err(failed.at(path)),
            Ok(parsed) => return Ok(parsed.header),
        }
    }
}

impl Mammogram<'static> {
    /// Reads one file. Decodes uncompressed (little and big endian, deflated, encapsulated), RLE and JPEG data (baseline,
    /// extended to 12 bits, lossless); JPEG 2000 with the feature `jpeg2000`.
    ///
    /// # Errors
    /// [`DicomError`], naming the file: not DICOM, damaged or truncated, not grey, an unsupported transfer syntax,
    /// a size beyond any mammogram (checked before memory is taken), lossless JPEG with restart intervals.
    pub fn open(path: &Path) -> Result<Self, DicomError> {
        let len = std::fs::metadata(path).map_err(|e| io(path, &e))?.len();
        if len > LIMIT_FILE_BYTES {
            // The header may say what is wrong better than the length does.
            read_header(path)?;
            let reason = format!("{len} bytes are more than any mammogram has");
            return Err(DicomError::Damaged { path: path.to_owned(), reason });
        }
        Self::read(Cow::Owned(std::fs::read(path).map_err(|e| io(path, &e))?), path)
    }
}

impl<'a> Mammogram<'a> {
    /// Reads one file that is in memory already; `path` is for messages alone.
    ///
    /// # Errors
    /// As [`Mammogram::open`].
    pub fn from_bytes(bytes: &'a [u8], path: &Path) -> Result<Self, DicomError> {
        Self::read(Cow::Borrowed(bytes), path)
    }

    fn read(bytes: Cow<'a, [u8]>, path: &Path) -> Result<Self, DicomError> {
        let Parsed { header, luts, pixels, encoding, inflate_from } =
            parse(&bytes, bytes.len(), path).map_err(|failed| failed.at(path))?;
        let stored = stored(bytes, &header, (pixels, encoding, inflate_from), path)?;
        Ok(Self { header, luts, stored })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bits of the stored values, row after row, before rescale, inversion and padding. Signed values are two's
    /// complement in 16 bits; nothing lies outside of `bits_stored` bits.
    pub fn words(&self) -> &[u16] {
        match &self.stored {
            Stored::Words(words) => words,
            Stored::File(bytes, range) => bytemuck::cast_slice(&bytes[range.clone()]),
        }
    }

    /// Stored values, row after row, before rescale, inversion and padding; within `bits_stored` bits.
    pub fn stored(&self) -> Vec<i32> {
        let is_signed = self.header.signed;
        let value = |&word: &u16| if is_signed { i32::from(word.cast_signed()) } else { i32::from(word) };
        self.words().iter().map(value).collect()
    }

    /// Whether [`Mammogram::words`] are the values to look at: unsigned, MONOCHROME2, no rescale or LUT, no padding but 0.
    /// So it is in INbreast.
    pub fn is_plain(&self) -> bool {
        let header = &self.header;
        !header.signed
            && !values::is_inverted(header)
            && header.modality_luts == 0
            && header.rescale().is_identity()
            && header.padding.is_none_or(|padding| padding == (0, 0))
    }

    /// Values to look at, larger is brighter: the modality LUT or rescale is applied; MONOCHROME1 is inverted within the
    /// range that the stored bits allow; pixel padding becomes 0. No window is applied: releases disagree in it,
    /// so the range to show is taken from the breast itself later. Files meant for processing whose values are proportional
    /// to the X-rays show their logarithm, falling, as attenuation.
    ///
    /// For MONOCHROME2 without rescale, as in INbreast, these are the stored values.
    pub fn display_plane(&self) -> Plane {
        let data = if self.is_plain() {
            self.words().iter().map(|&word| f32::from(word)).collect()
        } else {
            self.shown(Look::Range).unwrap_or_default()
        };
        self.plane(data)
    }

    /// Values to look at as a [`Look`] asks for; `None` where it names a window or LUT that the file does not have.
    pub fn look(&self, look: Look) -> Option<Plane> {
        self.shown(look).map(|data| self.plane(data))
    }

    fn shown(&self, look: Look) -> Option<Vec<f32>> {
        let table = Table::new(&self.header, &self.luts, look)?;
        Some(self.words().iter().map(|&word| table.get(word)).collect())
    }

    fn plane(&self, data: Vec<f32>) -> Plane {
        let Header { columns_px, rows_px, .. } = self.header;
        // The number of pixels was checked when the file was read.
        Plane::new(columns_px, rows_px, data).unwrap_or_else(|_| Plane::filled(columns_px, rows_px, 0.0))
    }
}

/// What stands before the pixels.
struct Parsed {
    header: Header,
    luts: Luts,
    pixels: Option<(usize, Option<usize>)>,
    encoding: Encoding,
    /// Where deflated data begins; places of pixels count in what comes out of it.
    inflate_from: Option<usize>,
}

enum Failed {
    NeedMore,
    Damaged(String),
    Dicom(DicomError),
}

impl Failed {
    fn at(self, path: &Path) -> DicomError {
        match self {
            Self::Dicom(error) => error,
            Self::Damaged(reason) => DicomError::Damaged { path: path.to_owned(), reason },
            Self::NeedMore => {
                DicomError::Damaged { path: path.to_owned(), reason: "the file breaks off".into() }
            }
        }
    }
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::NeedMore => Self::NeedMore,
            Stop::Damaged(reason) => Self::Damaged(reason),
        }
    }
}

/// Reads the header from the beginning of a file of `total` bytes.
fn parse(bytes: &[u8], total: usize, path: &Path) -> Result<Parsed, Failed> {
    let Found { object, syntax, pixels, encoding, inflate_from } = find(bytes, total, path, &layout::LISTED)?;
    let header = Header::of(path, &object, &syntax).map_err(Failed::Dicom)?;
    let luts = Luts::of(&object, &header);
    Ok(Parsed { header, luts, pixels, encoding, inflate_from })
}

/// What was found before the pixels.
struct Found {
    object: InMemDicomObject,
    syntax: String,
    pixels: Option<(usize, Option<usize>)>,
    encoding: Encoding,
    inflate_from: Option<usize>,
}

/// Finds the elements of `wanted`, and where the pixels begin, in the beginning of a file of `total` bytes.
fn find(bytes: &[u8], total: usize, path: &Path, wanted: &[Tag]) -> Result<Found, Failed> {
    let start =
        layout::start(bytes).ok_or_else(|| Failed::Dicom(DicomError::NotDicom { path: path.to_owned() }))?;
    let Meta { syntax, end } = layout::meta(bytes, start, total)?;
    if syntax.is_empty() {
        let attribute = "Transfer Syntax UID (0002,0010)";
        return Err(Failed::Dicom(DicomError::Missing { path: path.to_owned(), attribute }));
    }
    if transfer_syntax::codec(&syntax).is_none() {
        return Err(Failed::Dicom(unsupported(path, &syntax, 0)));
    }
    let encoding = layout::encoding_of(&syntax);
    let deflated = layout::is_deflated(&syntax);
    let Layout { listed, encoding, pixels } = if deflated {
        let rest = bytes.get(end..).unwrap_or_default();
        let head = deflate::head(rest);
        match layout::walk(&head, 0, usize::MAX, encoding, wanted) {
            Err(Stop::NeedMore) if bytes.len() < total => return Err(Failed::NeedMore),
            Err(Stop::NeedMore) => layout::walk(&head, 0, head.len(), encoding, wanted)?,
            walked => walked?,
        }
    } else {
        layout::walk(bytes, end, total, encoding, wanted)?
    };
    let object = object(&listed, encoding)?;
    Ok(Found { object, syntax, pixels, encoding, inflate_from: deflated.then_some(end) })
}

/// The elements of `wanted` of a file that is in memory, without those that it does not have.
pub(crate) fn elements(bytes: &[u8], path: &Path, wanted: &[Tag]) -> Result<InMemDicomObject, DicomError> {
    Ok(find(bytes, bytes.len(), path, wanted).map_err(|failed| failed.at(path))?.object)
}

fn object(listed: &[u8], encoding: Encoding) -> Result<InMemDicomObject, Failed> {
    let syntax = match encoding {
        Encoding { explicit: false, .. } => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding { big_endian: true, .. } => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    // The parser's own words may quote values; where it stumbled does not help anybody.
    let failed = |_| Failed::Damaged("an element of the header cannot be read".into());
    InMemDicomObject::read_dataset_with_ts(listed, &syntax).map_err(failed)
}

fn unsupported(path: &Path, uid: &str, bits: u16) -> DicomError {
    let bits = if bits > 0 { format!(", {bits} bits") } else { String::new() };
    DicomError::UnsupportedTransferSyntax {
        path: path.to_owned(),
        uid: uid.to_owned(),
        name: format!("{}{bits}", transfer_syntax::name(uid)),
    }
}

type Place = (Option<(usize, Option<usize>)>, Encoding, Option<usize>);

fn stored<'a>(
    bytes: Cow<'a, [u8]>,
    header: &Header,
    (pixels, encoding, inflate_from): Place,
    path: &Path,
) -> Result<Stored<'a>, DicomError> {
    let uid = header.transfer_syntax_uid.as_str();
    let (columns, rows) = (header.columns_px, header.rows_px);
    let width = usize::from(header.bits_allocated / 8);
    let expected = columns * rows * width;
    let codec = transfer_syntax::codec(uid).filter(|codec| *codec != Codec::None);
    let codec = codec.ok_or_else(|| unsupported(path, uid, 0))?;
    let missing = DicomError::Missing { path: path.to_owned(), attribute: "Pixel Data (7FE0,0010)" };
    let (at, len) = pixels.ok_or(missing)?;
    let failed = |reason: String| DicomError::Decode {
        path: path.to_owned(),
        transfer_syntax: transfer_syntax::name(uid).to_owned(),
        reason,
    };
    let truncated = |found: usize| DicomError::Truncated {
        path: path.to_owned(),
        expected_bytes: expected as u64,
        found_bytes: found as u64,
    };
    let words = if codec == Codec::Native {
        let found = len.ok_or_else(|| failed("the pixels are cut into fragments".into()))?;
        if found < expected {
            return Err(truncated(found));
        }
        let bytes = match inflate_from {
            Some(from) => {
                let inflated = deflate::inflate(bytes.get(from..).unwrap_or_default(), at + expected);
                if inflated.len() < at + expected {
                    return Err(truncated(inflated.len().saturating_sub(at)));
                }
                Cow::Owned(inflated)
            }
            None => bytes,
        };
        let range = at..at + expected;
        let raw = bytes.get(range.clone()).ok_or_else(|| truncated(bytes.len().saturating_sub(at)))?;
        if width == 2
            && !encoding.big_endian
            && cfg!(target_endian = "little")
            && let Ok(words) = bytemuck::try_cast_slice::<u8, u16>(raw)
            && is_clean(words, header)
        {
            return Ok(Stored::File(bytes, range));
        }
        words_of(raw, width, encoding.big_endian)
    } else {
        let frame = fragments::first_frame(&bytes, at, header.frames).map_err(failed)?;
        match codec {
            Codec::Jpeg => jpeg::decode(&frame, columns, rows).map_err(|error| match error {
                jpeg::JpegError::RestartIntervals => DicomError::RestartIntervals { path: path.to_owned() },
                jpeg::JpegError::Broken(reason) => failed(reason),
            })?,
            Codec::Rle => crate::rle::decode(&frame, columns * rows, width).map_err(failed)?,
            Codec::Encapsulated => {
                let raw = frame.get(..expected).ok_or_else(|| truncated(frame.len()))?;
                words_of(raw, width, false)
            }
            #[cfg(feature = "jpeg2000")]
            Codec::Jpeg2000 => crate::jpeg2000::decode(&frame, columns, rows).map_err(failed)?,
            _ => return Err(unsupported(path, uid, 0)),
        }
    };
    Ok(Stored::Words(clean(words, header)))
}

fn words_of(raw: &[u8], width: usize, big_endian: bool) -> Vec<u16> {
    match (width, big_endian) {
        (1, _) => raw.iter().map(|&b| u16::from(b)).collect(),
        (_, true) => raw.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect(),
        (_, false) => raw.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
    }
}

/// Whether words are stored values as they stand: nothing above the stored bits, or the sign.
fn is_clean(words: &[u16], header: &Header) -> bool {
    if header.high_bit + 1 != header.bits_stored {
        return false;
    }
    if header.signed {
        let spare = 16 - header.bits_stored;
        return words.iter().all(|&w| (w << spare).cast_signed() >> spare == w.cast_signed());
    }
    let rubbish = !(u16::MAX >> (16 - header.bits_stored));
    rubbish == 0 || words.chunks(1 << 14).all(|part| part.iter().fold(0, |bits, w| bits | w) & rubbish == 0)
}

/// Bits outside the stored ones may hold overlays or rubbish: moves the stored ones down and extends the sign.
fn clean(mut words: Vec<u16>, header: &Header) -> Vec<u16> {
    let up = 15 - header.high_bit;
    let down = 16 - header.bits_stored;
    for word in &mut words {
        let top = *word << up;
        *word = if header.signed { (top.cast_signed() >> down).cast_unsigned() } else { top >> down };
    }
    words
}

fn io(path: &Path, error: &std::io::Error) -> DicomError {
    let named = std::io::Error::new(error.kind(), format!("{}: {error}", PathBuf::from(path).display()));
    DicomError::File(FileError::Io(named))
}
