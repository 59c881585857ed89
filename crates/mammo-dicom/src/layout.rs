//! Where things are in a file: which bytes are the elements that are read, and where the pixels begin.
//!
//! Only the attributes that a reader lists go on to the parser. Names, birth dates and free text are stepped over, so they cannot reach a
//! record or a message, and what private elements hold cannot break the reading. Lengths are checked before anybody takes
//! memory by them: one damaged byte in a length field asks for up to 4 GiB.

use crate::transfer_syntax::DEFLATED;
use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use std::ops::Range;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);
/// Deepest nesting that is followed; mammograms have a handful of levels.
const LIMIT_DEPTH: usize = 32;
/// Value representations with a length of four bytes (PS3.5 section 7.1.2).
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];

/// Every attribute that a mammogram's header is read from.
pub(crate) const LISTED: [Tag; 31] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::SYNTHETIC_DATA,
    tags::PRESENTATION_INTENT_TYPE,
    tags::SERIES_DESCRIPTION, // for the notice at its beginning alone
    tags::IMAGER_PIXEL_SPACING,
    tags::VIEW_POSITION,
    tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, // for the purpose codes alone
    tags::LATERALITY,
    tags::IMAGE_LATERALITY,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::PIXEL_INTENSITY_RELATIONSHIP,
    tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::VOILUT_FUNCTION,
    tags::MODALITY_LUT_SEQUENCE,
    tags::VOILUT_SEQUENCE,
    tags::VIEW_CODE_SEQUENCE,
];

/// How element headers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

/// What was found in a data set.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The listed elements, as they stand in the data set.
    pub(crate) listed: Vec<u8>,
    pub(crate) encoding: Encoding,
    /// Where the value of Pixel Data begins and how many bytes it has; no length where it is cut into fragments.
    pub(crate) pixels: Option<(usize, Option<usize>)>,
}

/// Why the walk ended before the pixels.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes at hand are the beginning of a file and not enough of it.
    NeedMore,
    /// A contradiction.
    Damaged(String),
}

/// The transfer syntax, and where the data set begins.
pub(crate) struct Meta {
    /// The UID; empty where there is none.
    pub(crate) syntax: String,
    pub(crate) end: usize,
}

/// Whether bytes begin as DICOM files do. Some writers leave the preamble out.
pub(crate) fn start(bytes: &[u8]) -> Option<usize> {
    if bytes.get(128..132) == Some(b"DICM") { Some(132) } else { bytes.starts_with(b"DICM").then_some(4) }
}

/// Reads the meta group, which is always explicit and little endian. `total` is the length of the file, of which `bytes` is
/// the beginning or all.
pub(crate) fn meta(bytes: &[u8], start: usize, total: usize) -> Result<Meta, Stop> {
    let encoding = Encoding { explicit: true, big_endian: false };
    let (mut at, mut syntax) = (start, String::new());
    loop {
        match bytes.get(at..at + 2) {
            Some([2, 0]) => {}
            Some(_) => break,
            None if at == total => break,
            None if bytes.len() < total => return Err(Stop::NeedMore),
            None => return Err(cut(at)),
        }
        let element = element(bytes, at, total, encoding)?;
        let value = value(&element, total)?;
        if element.tag == tags::TRANSFER_SYNTAX_UID {
            let text = bytes.get(value.clone()).ok_or(Stop::NeedMore)?;
            String::from_utf8_lossy(text).trim_end_matches([' ', '\0']).clone_into(&mut syntax);
            // Longer ones are no UID (PS3.5 section 9.1), and what they are instead goes nowhere.
            if syntax.len() > 64 || !syntax.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return Err(Stop::Damaged("the transfer syntax is no UID".into()));
            }
        }
        at = value.end;
    }
    Ok(Meta { syntax, end: at })
}

/// How the data set of a transfer syntax is written.
pub(crate) fn encoding_of(syntax: &str) -> Encoding {
    Encoding { explicit: syntax != IMPLICIT, big_endian: syntax == BIG_ENDIAN }
}

/// Whether the data set is deflated.
pub(crate) fn is_deflated(syntax: &str) -> bool {
    syntax == DEFLATED
}

/// A sequence or item that is being walked.
struct Open {
    is_item: bool,
    end: Option<usize>,
    encoding: Encoding,
    /// Where it began, if it is listed and no part of another.
    listed_from: Option<usize>,
}

/// Walks a data set up to its pixels, and keeps the elements of `wanted`.
pub(crate) fn walk(
    bytes: &[u8],
    from: usize,
    total: usize,
    encoding: Encoding,
    wanted: &[Tag],
) -> Result<Layout, Stop> {
    let mut layout = Layout { listed: Vec::new(), encoding, pixels: None };
    let mut open: Vec<Open> = Vec::new();
    let mut at = from;
    loop {
        while let Some(last) = open.last()
            && last.end.is_some_and(|end| end <= at)
        {
            if last.end != Some(at) {
                return Err(Stop::Damaged(format!(
                    "an element crosses the end of its sequence at byte {at}"
                )));
            }
            close(&mut open, at, bytes, &mut layout)?;
        }
        if at == total {
            return if open.is_empty() { Ok(layout) } else { Err(cut(at)) };
        }
        let here = open.last().map_or(encoding, |last| last.encoding);
        let element = element(bytes, at, total, here)?;
        match element.tag {
            ITEM_END | SEQUENCE_END => {
                let fits = open.last().is_some_and(|last| {
                    last.end.is_none() && last.is_item == (element.tag == ITEM_END) && element.len == 0
                });
                if !fits {
                    return Err(Stop::Damaged(format!("an end without a beginning at byte {at}")));
                }
                at = element.value_from;
                close(&mut open, at, bytes, &mut layout)?;
                continue;
            }
            ITEM if open.last().is_none_or(|last| last.is_item) => {
                return Err(Stop::Damaged(format!("an item outside of a sequence at byte {at}")));
            }
            tags::PIXEL_DATA if open.is_empty() => {
                let len = (element.len != UNDEFINED).then_some(element.len as usize);
                if len.is_some() {
                    value(&element, total)?;
                }
                layout.pixels = Some((element.value_from, len));
                return Ok(layout);
            }
            _ => {}
        }
        let is_listed = open.is_empty() && wanted.contains(&element.tag);
        let is_part_of_listed = open.first().is_some_and(|first| first.listed_from.is_some());
        let is_container = element.tag == ITEM || element.is_sequence || element.len == UNDEFINED;
        let end = if element.len == UNDEFINED { None } else { Some(value(&element, total)?.end) };
        // The parser sees the inside of what is listed; other sequences are walked only where their end is not told.
        if is_container && (end.is_none() || is_listed || is_part_of_listed) {
            if open.len() == LIMIT_DEPTH {
                return Err(Stop::Damaged(format!("sequences are nested more than {LIMIT_DEPTH} times")));
            }
            // A sequence of unknown representation is written implicitly (PS3.5 section 6.2.2).
            let inside = if element.is_unknown { encoding_of(IMPLICIT) } else { here };
            let listed_from = is_listed.then_some(at);
            open.push(Open { is_item: element.tag == ITEM, end, encoding: inside, listed_from });
            at = element.value_from;
        } else {
            let Some(end) = end else { return Err(cut(at)) };
            if is_listed {
                layout.listed.extend(bytes.get(at..end).ok_or(Stop::NeedMore)?);
            }
            at = end;
        }
    }
}

fn close(open: &mut Vec<Open>, at: usize, bytes: &[u8], layout: &mut Layout) -> Result<(), Stop> {
    if let Some(from) = open.pop().and_then(|last| last.listed_from) {
        layout.listed.extend(bytes.get(from..at).ok_or(Stop::NeedMore)?);
    }
    Ok(())
}

struct Element {
    tag: Tag,
    is_sequence: bool,
    is_unknown: bool,
    len: u32,
    value_from: usize,
}

fn cut(at: usize) -> Stop {
    Stop::Damaged(format!("the file ends inside of an element at byte {at}"))
}

/// Where the value of an element of known length lies.
fn value(element: &Element, total: usize) -> Result<Range<usize>, Stop> {
    let left = total.saturating_sub(element.value_from);
    if element.len as usize > left {
        let what = if element.tag == tags::PIXEL_DATA { "pixel data" } else { "element" };
        let Tag(group, number) = element.tag;
        return Err(Stop::Damaged(format!(
            "{what} ({group:04X},{number:04X}) claims {} bytes, the file has {left} left",
            element.len
        )));
    }
    Ok(element.value_from..element.value_from + element.len as usize)
}

fn element(bytes: &[u8], at: usize, total: usize, encoding: Encoding) -> Result<Element, Stop> {
    let short = |b: [u8; 2]| if encoding.big_endian { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) };
    let long = |b: [u8; 4]| if encoding.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
    let missing = || if bytes.len() < total { Stop::NeedMore } else { cut(at) };
    let head = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).ok_or_else(missing)?;
    let tag = Tag(short([head[0], head[1]]), short([head[2], head[3]]));
    let last_four = [head[4], head[5], head[6], head[7]];
    // Items and delimiters never have a value representation.
    if tag.0 == 0xfffe || !encoding.explicit {
        let len = long(last_four);
        let is_sequence = tag.0 != 0xfffe && (len == UNDEFINED || is_sequence_by_dictionary(tag));
        return Ok(Element { tag, is_sequence, is_unknown: false, len, value_from: at + 8 });
    }
    let vr = [head[4], head[5]];
    // One that the standard does not know has a long length (PS3.5 section 6.2.2), and the parser reads it so.
    if VR::from_binary(vr).is_some() && !LONG.contains(&&vr) {
        let len = u32::from(short([head[6], head[7]]));
        return Ok(Element { tag, is_sequence: false, is_unknown: false, len, value_from: at + 8 });
    }
    let len = long(*bytes.get(at + 8..).and_then(|rest| rest.first_chunk::<4>()).ok_or_else(missing)?);
    let is_unknown = &vr == b"UN" && len == UNDEFINED;
    Ok(Element { tag, is_sequence: &vr == b"SQ", is_unknown, len, value_from: at + 12 })
}

fn is_sequence_by_dictionary(tag: Tag) -> bool {
    StandardDataDictionary.by_tag(tag).is_some_and(|entry| entry.vr().exact() == Some(VR::SQ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPLICIT_LE: Encoding = Encoding { explicit: true, big_endian: false };
    const EXPLICIT_BE: Encoding = Encoding { explicit: true, big_endian: true };
    const IMPLICIT_LE: Encoding = Encoding { explicit: false, big_endian: false };

    fn walked(encoding: Encoding, body: &[u8]) -> Result<Layout, Stop> {
        walk(body, 0, body.len(), encoding, &LISTED)
    }

    #[test]
    fn lengths_beyond_the_end_are_found_in_every_encoding() {
        assert!(walked(EXPLICIT_LE, &[8, 0, 5, 0, b'C', b'S', 2, 0, b'a', b'b']).is_ok());
        let lies: &[u8] = &[8, 0, 5, 0, b'C', b'S', 4, 0, b'a', b'b'];
        let reason = "element (0008,0005) claims 4 bytes, the file has 2 left".to_owned();
        assert_eq!(walked(EXPLICIT_LE, lies).unwrap_err(), Stop::Damaged(reason));
        assert!(walked(EXPLICIT_BE, &[0, 8, 0, 5, b'C', b'S', 0, 4, b'a', b'b']).is_err());
        assert!(walked(EXPLICIT_BE, &[0, 8, 0, 5, b'C', b'S', 0, 2, b'a', b'b']).is_ok());
        assert!(walked(IMPLICIT_LE, &[8, 0, 5, 0, 0xf0, 0xff, 0xff, 0xff, b'a', b'b']).is_err());
        assert!(walked(IMPLICIT_LE, &[8, 0, 5, 0, 2, 0, 0, 0, b'a', b'b']).is_ok());
    }

    #[test]
    fn unknown_representations_have_long_lengths() {
        assert!(walked(EXPLICIT_LE, &[8, 0, 5, 0, b'Z', b'Z', 0, 0, 2, 0, 0, 0, b'a', b'b']).is_ok());
        assert!(walked(EXPLICIT_LE, &[8, 0, 5, 0, b'Z', b'Z', 2, 0, b'a', b'b']).is_err());
    }

    #[test]
    fn lies_inside_of_sequences_are_found() {
        let mut body = vec![0x54, 0, 0x20, 2, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff];
        body.extend([0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        body.extend([8, 0, 0, 1, b'O', b'B', 0, 0, 0, 0, 0, 0x7f]);
        let Err(Stop::Damaged(reason)) = walked(EXPLICIT_LE, &body) else { panic!() };
        assert!(reason.contains("(0008,0100)"), "{reason}");
    }

    #[test]
    fn only_listed_elements_are_kept_and_sequences_whole() {
        let name: &[u8] = &[0x10, 0, 0x10, 0, b'P', b'N', 4, 0, b'D', b'o', b'e', b' '];
        let rows: &[u8] = &[0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 7, 0];
        let mut views = vec![0x54, 0, 0x20, 2, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff];
        views.extend([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]);
        views.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        let pixels: &[u8] = &[0xe0, 0x7f, 0x10, 0, b'O', b'W', 0, 0, 2, 0, 0, 0, 9, 9];
        let layout = walked(EXPLICIT_LE, &[name, rows, &views, pixels].concat()).unwrap();
        assert_eq!(layout.listed, [rows, &views].concat());
        assert_eq!(layout.pixels, Some((62, Some(2))));
    }

    #[test]
    fn a_beginning_asks_for_more_and_nesting_has_an_end() {
        let rows: &[u8] = &[0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 7, 0];
        assert_eq!(walk(&rows[..9], 0, 10, EXPLICIT_LE, &LISTED).unwrap_err(), Stop::NeedMore);
        assert_eq!(walk(&rows[..3], 0, 10, EXPLICIT_LE, &LISTED).unwrap_err(), Stop::NeedMore);
        let nested =
            [8, 0, 0x15, 0x92, b'S', b'Q', 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255];
        assert!(matches!(walked(EXPLICIT_LE, &nested.repeat(100)), Err(Stop::Damaged(_))));
    }
}
