//! The frame around each message: length, checksum of the length, message, checksum of the message; numbers lowest byte
//! first (`tensorflow/core/lib/io/record_writer.h`).

use crate::crc32c::crc32c;

/// Bytes before the message: its length (8) and the checksum of that (4).
const HEADER: usize = 12;

/// Bytes after the message: its checksum.
const FOOTER: usize = 4;

/// A CRC-32C as records keep it. The CRC of data that hold their own CRC is no good check, so it is turned and shifted.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Adds a message in its frame.
pub(crate) fn push(out: &mut Vec<u8>, message: &[u8]) {
    let length = (message.len() as u64).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked(&length).to_le_bytes());
    out.extend_from_slice(message);
    out.extend_from_slice(&masked(message).to_le_bytes());
}

/// Takes the first message off, or `None` where what is left is no whole record: at the end, and where a writer was cut.
///
/// # Errors
/// What is wrong with the record.
pub(crate) fn pop<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let Some((header, body)) = rest.split_at_checked(HEADER) else { return Ok(None) };
    let (length, sum) = header.split_at(size_of::<u64>());
    if sum != masked(length).to_le_bytes() {
        return Err("the length of a record does not fit its checksum");
    }
    // The slice is of eight bytes and always fits; a length beyond memory is beyond the file, too.
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some((message, after)) = body.split_at_checked(length) else { return Ok(None) };
    let Some((sum, after)) = after.split_at_checked(FOOTER) else { return Ok(None) };
    if sum != masked(message).to_le_bytes() {
        return Err("the content of a record does not fit its checksum");
    }
    *rest = after;
    Ok(Some(message))
}
