//! Checks, before the parser takes memory, that no element claims to be longer than its file.
//!
//! The parser reserves what a length field says. One damaged byte there asks for up to 4 GiB.

use crate::transfer_syntax::DEFLATED;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

const IMPLICIT: &[u8] = b"1.2.840.10008.1.2";
const BIG_ENDIAN: &[u8] = b"1.2.840.10008.1.2.2";
const UNDEFINED: u32 = u32::MAX;
const PIXEL_DATA: (u16, u16) = (0x7fe0, 0x0010);
/// Value representations with a length of four bytes (PS3.5 section 7.1.2).
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];

/// How element headers are written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Encoding {
    explicit: bool,
    big_endian: bool,
}

#[derive(Debug)]
struct Element {
    tag: (u16, u16),
    /// Sequences and items: what follows are elements again.
    is_container: bool,
    len: u32,
}

/// Walks the elements of a file up to its pixels. Returns what is wrong with the first one that reaches beyond the
/// end of the file. What else may be damaged is left to the parser.
pub(crate) fn check(file: impl Read + Seek) -> io::Result<Option<String>> {
    let mut file = BufReader::new(file);
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    let mut at = if &magic == b"DICM" { 4 } else { 132 };
    file.seek(SeekFrom::Start(at))?;

    // The meta group is always explicit and little endian; the transfer syntax in it says how the rest is written.
    let mut encoding = Encoding { explicit: true, big_endian: false };
    let mut syntax = Vec::new();
    let mut in_meta = true;
    loop {
        if in_meta && peek_group(&mut file)? != Some(2) {
            in_meta = false;
            if syntax == DEFLATED.as_bytes() {
                return Ok(None);
            }
            encoding = Encoding { explicit: syntax != IMPLICIT, big_endian: syntax == BIG_ENDIAN };
        }
        let Some((element, header_len)) = next(&mut file, encoding)? else { return Ok(None) };
        at += header_len;
        if element.len != UNDEFINED && at + u64::from(element.len) > end {
            let what = if element.tag == PIXEL_DATA { "pixel data" } else { "element" };
            let (group, number) = element.tag;
            return Ok(Some(format!(
                "{what} ({group:04X},{number:04X}) claims {} bytes, the file has {} left",
                element.len,
                end - at
            )));
        }
        if element.tag == PIXEL_DATA {
            return Ok(None);
        }
        if element.is_container || element.len == UNDEFINED {
            continue;
        }
        if in_meta && element.tag == (2, 0x10) {
            syntax = vec![0; element.len as usize];
            file.read_exact(&mut syntax)?;
            while matches!(syntax.last(), Some(0 | b' ')) {
                syntax.pop();
            }
        } else {
            file.seek_relative(i64::from(element.len))?;
        }
        at += u64::from(element.len);
    }
}

fn peek_group(file: &mut (impl Read + Seek)) -> io::Result<Option<u16>> {
    let mut bytes = [0; 2];
    match file.read_exact(&mut bytes) {
        Ok(()) => {
            file.seek(SeekFrom::Current(-2))?;
            Ok(Some(u16::from_le_bytes(bytes)))
        }
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

/// The next element's header and its length in bytes; `None` at the end of the file.
fn next(file: &mut impl Read, encoding: Encoding) -> io::Result<Option<(Element, u64)>> {
    let short = |b: [u8; 2]| if encoding.big_endian { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) };
    let long = |b: [u8; 4]| if encoding.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
    let mut head = [0; 8];
    if let Err(e) = file.read_exact(&mut head) {
        return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
    }
    let tag = (short([head[0], head[1]]), short([head[2], head[3]]));
    let last_four = [head[4], head[5], head[6], head[7]];
    // Items and delimiters never have a value representation.
    if tag.0 == 0xfffe || !encoding.explicit {
        let element = Element { tag, is_container: tag.0 == 0xfffe, len: long(last_four) };
        return Ok(Some((element, 8)));
    }
    let vr = [head[4], head[5]];
    // The parser, too, takes an unknown value representation for one with a long length.
    let is_known_short = vr.iter().all(u8::is_ascii_uppercase) && !LONG.contains(&&vr);
    if is_known_short {
        let len = u32::from(short([head[6], head[7]]));
        return Ok(Some((Element { tag, is_container: false, len }, 8)));
    }
    let mut len = [0; 4];
    if let Err(e) = file.read_exact(&mut len) {
        return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
    }
    Ok(Some((Element { tag, is_container: &vr == b"SQ", len: long(len) }, 12)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn file(syntax: &[u8; 20], body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend([2, 0, 0x10, 0, b'U', b'I', 20, 0]);
        bytes.extend(syntax);
        bytes.extend(body);
        bytes
    }

    fn checked(syntax: &[u8; 20], body: &[u8]) -> Option<String> {
        check(Cursor::new(file(syntax, body))).unwrap()
    }

    const EXPLICIT_LE: &[u8; 20] = b"1.2.840.10008.1.2.1\0";
    const EXPLICIT_BE: &[u8; 20] = b"1.2.840.10008.1.2.2\0";
    const IMPLICIT_LE: &[u8; 20] = b"1.2.840.10008.1.2\0\0\0";

    #[test]
    fn lengths_beyond_the_end_are_found_in_every_encoding() {
        let fits: &[u8] = &[8, 0, 5, 0, b'C', b'S', 2, 0, b'a', b'b'];
        assert_eq!(checked(EXPLICIT_LE, fits), None);
        let lies: &[u8] = &[8, 0, 5, 0, b'C', b'S', 4, 0, b'a', b'b'];
        assert_eq!(
            checked(EXPLICIT_LE, lies).unwrap(),
            "element (0008,0005) claims 4 bytes, the file has 2 left"
        );
        assert!(checked(EXPLICIT_BE, &[0, 8, 0, 5, b'C', b'S', 0, 4, b'a', b'b']).is_some());
        assert!(checked(EXPLICIT_BE, &[0, 8, 0, 5, b'C', b'S', 0, 2, b'a', b'b']).is_none());
        assert!(checked(IMPLICIT_LE, &[8, 0, 5, 0, 0xf0, 0xff, 0xff, 0xff, b'a', b'b']).is_some());
        assert!(checked(IMPLICIT_LE, &[8, 0, 5, 0, 2, 0, 0, 0, b'a', b'b']).is_none());
    }

    #[test]
    fn lies_inside_of_sequences_are_found() {
        let mut body = vec![8, 0, 0x15, 0x92, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff];
        body.extend([0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        body.extend([8, 0, 0, 1, b'O', b'B', 0, 0, 0, 0, 0, 0x7f]);
        assert!(checked(EXPLICIT_LE, &body).unwrap().contains("(0008,0100)"));
    }
}
