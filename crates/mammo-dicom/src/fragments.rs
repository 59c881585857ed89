//! Pixels in fragments (PS3.5 section A.4).

const ITEM: [u8; 4] = [0xfe, 0xff, 0, 0xe0];
const END: [u8; 4] = [0xfe, 0xff, 0xdd, 0xe0];

/// The bytes of the first frame. `at` is where the value of Pixel Data begins.
///
/// A frame may be cut into many small fragments, and a fragment never holds parts of two frames. The offset table, the first
/// item, says where frames begin; without it and with as many fragments as frames,
/// each has one; otherwise decoders stop at the end of the first frame.
pub(crate) fn first_frame(bytes: &[u8], at: usize, frames: usize) -> Result<Vec<u8>, String> {
    let (table, mut at) = item(bytes, at)?.ok_or("there is no offset table")?;
    let second = table.get(4..8).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b) as usize);
    let from = at;
    let mut parts = Vec::new();
    while let Some((fragment, next)) = item(bytes, at)? {
        // The table counts from the first item behind it.
        if second.is_some_and(|second| second > 0 && at - from >= second) {
            break;
        }
        parts.push(fragment);
        at = next;
    }
    if frames > 1 && second.is_none() && parts.len() == frames {
        parts.truncate(1);
    }
    if parts.is_empty() {
        return Err("there is no fragment".into());
    }
    Ok(parts.concat())
}

/// The item at a place and where the next one begins; `None` at the end.
fn item(bytes: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, String> {
    let cut = || format!("the fragments break off at byte {at}");
    let head = bytes.get(at..at + 8).ok_or_else(cut)?;
    if head.starts_with(&END) {
        return Ok(None);
    }
    if !head.starts_with(&ITEM) {
        return Err(format!("no fragment begins at byte {at}"));
    }
    let len = head[4..].first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b) as usize);
    let end = (at + 8).checked_add(len).ok_or_else(cut)?;
    Ok(Some((bytes.get(at + 8..end).ok_or_else(cut)?, end)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Items of a value: an offset table, then fragments.
    pub(crate) fn encode(table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
        let table: Vec<u8> = table.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut bytes = Vec::new();
        for part in std::iter::once(table.as_slice()).chain(fragments.iter().copied()) {
            bytes.extend(ITEM);
            bytes.extend((part.len() as u32).to_le_bytes());
            bytes.extend(part);
        }
        bytes.extend(END);
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn the_first_frame_is_found_with_and_without_a_table() {
        let all: [&[u8]; 3] = [&[1, 2], &[3, 4], &[5, 6]];
        let frame = |table: &[u32], frames| first_frame(&encode(table, &all), 0, frames).unwrap();
        assert_eq!(frame(&[], 1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(frame(&[0], 1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(frame(&[], 3), [1, 2]);
        assert_eq!(frame(&[0, 20], 2), [1, 2, 3, 4]);
        assert_eq!(frame(&[0, 10, 20], 3), [1, 2]);
    }

    #[test]
    fn broken_fragments_are_errors_and_never_panic() {
        let whole = encode(&[0], &[&[1, 2], &[3, 4]]);
        for len in 0..whole.len() - 4 {
            let cut = &whole[..len];
            assert!(first_frame(cut, 0, 1).is_err(), "cut at {len}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _ = first_frame(&bytes, 0, 1);
        }
        assert!(first_frame(&encode(&[], &[]), 0, 1).is_err());
    }
}
