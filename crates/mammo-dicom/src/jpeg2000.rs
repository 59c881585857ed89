//! One grey JPEG 2000 codestream to stored values.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// Where a codestream says whether its first component is signed (ITU-T T.800 section A.5.1).
const SIGN_AT: usize = 42;

/// Decodes a codestream of `columns` x `rows` pixels. What it says about itself is compared with the header before memory is
/// taken.
pub(crate) fn decode(codestream: &[u8], columns: usize, rows: usize) -> Result<Vec<u16>, String> {
    // The decoder is not ours; a bug of its must not end the program.
    std::panic::catch_unwind(|| decoded(codestream, columns, rows))
        .unwrap_or_else(|_| Err("the codestream contradicts itself".into()))
}

fn decoded(codestream: &[u8], columns: usize, rows: usize) -> Result<Vec<u16>, String> {
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(codestream, &settings).map_err(|e| e.to_string())?;
    let (w, h) = (image.width() as usize, image.height() as usize);
    if (w, h) != (columns, rows) {
        return Err(format!("the codestream has {w} x {h} pixels, the header says {columns} x {rows}"));
    }
    if image.original_bit_depth() > 16 {
        return Err(format!("the codestream has {} bits; expected at most 16", image.original_bit_depth()));
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|e| e.to_string())?;
    let [component] = decoded.components() else {
        return Err(format!("the codestream has {} components; expected 1", decoded.components().len()));
    };
    let samples = component.samples();
    if samples.len() != columns * rows {
        return Err(format!("{} pixels were decoded, {} are needed", samples.len(), columns * rows));
    }
    // The decoder shifts signed samples as if they were not, which is undone to give two's complement, and leaves values
    // that lossy compression pushed beyond the range.
    let bits = u32::from(image.original_bit_depth().max(1));
    let is_signed = codestream.get(SIGN_AT).is_some_and(|byte| byte & 0x80 != 0);
    let shift = if is_signed { 1i32 << (bits - 1) } else { 0 };
    let largest = ((1u32 << bits) - 1) as f32;
    Ok(samples.iter().map(|&v| (v.round().clamp(0.0, largest) as i32 - shift) as u16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by openjpeg 2.5 (pylibjpeg-openjpeg 2.6.0), lossless, 14 bits; the second one is the first minus 8192.
    const UNSIGNED: &[u8] = include_bytes!("tests/data/unsigned.j2k");
    const SIGNED: &[u8] = include_bytes!("tests/data/signed.j2k");

    fn expected() -> Vec<u16> {
        (0..64 * 64).map(|i| if i % 64 < 32 { 0 } else { (i * 131 % 16384) as u16 }).collect()
    }

    #[test]
    fn lossless_codestreams_come_back_to_the_bit() {
        assert_eq!(decode(UNSIGNED, 64, 64).unwrap(), expected());
        let signed: Vec<u16> = expected().iter().map(|v| v.wrapping_sub(8192)).collect();
        assert_eq!(decode(SIGNED, 64, 64).unwrap(), signed);
    }

    #[test]
    fn damage_is_an_error_or_another_picture_and_never_a_panic() {
        assert!(decode(UNSIGNED, 64, 63).unwrap_err().contains("64 x 64 pixels"));
        for at in 0..UNSIGNED.len() {
            let mut bytes = UNSIGNED.to_vec();
            bytes[at] ^= 0x55;
            let _ = decode(&bytes, 64, 64);
            let _ = decode(&UNSIGNED[..at], 64, 64);
        }
    }
}
