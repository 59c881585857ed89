//! One grey JPEG frame (ITU-T T.81) to stored values.

mod extended;
mod markers;

use markers::Frame;

/// Why a frame was not decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JpegError {
    /// Lossless with restart intervals, which the decoder would turn into bands without an error.
    RestartIntervals,
    /// Anything else.
    Broken(String),
}

impl From<String> for JpegError {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

/// Decodes a frame of `columns` x `rows` pixels: baseline, extended with 8 or 12 bits, lossless. What the frame says about
/// itself is compared with the header before memory is taken.
pub(crate) fn decode(jpeg: &[u8], columns: usize, rows: usize) -> Result<Vec<u16>, JpegError> {
    let frame = markers::frame(jpeg)?;
    let Frame { process, precision, columns: w, rows: h, components, .. } = frame;
    if (w, h) != (columns, rows) {
        return Err(format!("the frame has {w} x {h} pixels, the header says {columns} x {rows}").into());
    }
    if components != 1 {
        return Err(format!("the frame has {components} components; expected 1").into());
    }
    // A block of 64 pixels takes at least two bits, a pixel of a lossless frame one.
    if jpeg.len().saturating_mul(256) < columns * rows {
        return Err(format!("{} bytes cannot hold {} pixels", jpeg.len(), columns * rows).into());
    }
    match (process, precision) {
        (markers::LOSSLESS, _) if frame.has_restarts => Err(JpegError::RestartIntervals),
        (markers::EXTENDED, 12) => Ok(extended::decode(jpeg, columns, rows)?),
        (markers::BASELINE | markers::EXTENDED, 8) | (markers::LOSSLESS, 2..=8) => {
            Ok(by_library(jpeg, columns * rows, 1)?)
        }
        (markers::LOSSLESS, 9..=16) => Ok(by_library(jpeg, columns * rows, 2)?),
        _ => Err(format!("process {process:02X} with {precision} bits is not supported").into()),
    }
}

fn by_library(jpeg: &[u8], pixels: usize, bytes_per_pixel: usize) -> Result<Vec<u16>, String> {
    // The decoder is not ours; a bug of its must not end the program.
    let decoded = std::panic::catch_unwind(|| {
        let mut decoder = jpeg_decoder::Decoder::new(jpeg);
        decoder.set_max_decoding_buffer_size(pixels * bytes_per_pixel);
        decoder.decode().map_err(|e| e.to_string())
    })
    .unwrap_or_else(|_| Err("the frame contradicts itself".into()))?;
    if decoded.len() != pixels * bytes_per_pixel {
        return Err(format!("{} bytes were decoded, {} are needed", decoded.len(), pixels * bytes_per_pixel));
    }
    Ok(if bytes_per_pixel == 1 {
        decoded.into_iter().map(u16::from).collect()
    } else {
        decoded.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect()
    })
}

#[cfg(test)]
pub(crate) mod tests;
