//! The marker segments of a JPEG stream (ITU-T T.81 annex B).

pub(super) const BASELINE: u8 = 0xc0;
pub(super) const EXTENDED: u8 = 0xc1;
pub(super) const LOSSLESS: u8 = 0xc3;
pub(super) const DHT: u8 = 0xc4;
pub(super) const SOS: u8 = 0xda;
pub(super) const DQT: u8 = 0xdb;
pub(super) const DRI: u8 = 0xdd;

/// What the markers before the first scan say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) process: u8,
    pub(super) precision: u8,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) components: usize,
    pub(super) has_restarts: bool,
}

/// A marker, its segment without the length, and what follows.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) body: &'a [u8],
    pub(super) rest: &'a [u8],
}

/// The segments from the start of the image to the first scan, that one included.
pub(super) fn segments(jpeg: &[u8]) -> impl Iterator<Item = Result<Segment<'_>, String>> {
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8]);
    let mut failed = rest.is_none();
    std::iter::from_fn(move || {
        if std::mem::take(&mut failed) {
            return Some(Err("the frame does not begin as JPEG does".into()));
        }
        let found = next(rest.take()?);
        match &found {
            Ok(segment) if segment.marker != SOS => rest = Some(segment.rest),
            _ => {}
        }
        Some(found)
    })
}

fn next(mut bytes: &[u8]) -> Result<Segment<'_>, String> {
    let broken = || "the markers before the scan break off".to_owned();
    while let [0xff, 0xff, ..] = bytes {
        bytes = &bytes[1..]; // fill byte
    }
    let [0xff, marker, high, low, ..] = *bytes else { return Err(broken()) };
    let len = usize::from(u16::from_be_bytes([high, low]));
    let body = bytes.get(4..2 + len).ok_or_else(broken)?;
    Ok(Segment { marker, body, rest: &bytes[2 + len..] })
}

/// Reads the frame header.
pub(super) fn frame(jpeg: &[u8]) -> Result<Frame, String> {
    let (mut frame, mut has_restarts) = (None, false);
    for segment in segments(jpeg) {
        let Segment { marker, body, .. } = segment?;
        match marker {
            // Tables of codes and of arithmetic coding share the range of the frame headers.
            0xc0..=0xcf if ![DHT, 0xc8, 0xcc].contains(&marker) => {
                let [precision, h1, h0, w1, w0, components, ..] = *body else {
                    return Err("the frame header is too short".into());
                };
                if frame.is_some() {
                    return Err("there is a second frame header".into());
                }
                frame = Some(Frame {
                    process: marker,
                    precision,
                    rows: usize::from(u16::from_be_bytes([h1, h0])),
                    columns: usize::from(u16::from_be_bytes([w1, w0])),
                    components: usize::from(components),
                    has_restarts,
                });
            }
            DRI => has_restarts = body.iter().any(|&b| b != 0),
            _ => {}
        }
    }
    let frame = frame.ok_or("there is no frame header before the scan")?;
    Ok(Frame { has_restarts, ..frame })
}
