use crate::{Mark, PngError};
use mammo_core::Plane;
use png::{BitDepth, ColorType};

/// Encodes a plane of values in `[0, 1]` as 8-bit grey; values outside are clamped, NaN becomes black.
///
/// The same plane and mark give the same bytes.
///
/// # Errors
/// [`PngError::Size`] when a side is beyond the format, [`PngError::Encode`] when the encoder fails.
pub fn encode_gray8(plane: &Plane, mark: &Mark) -> Result<Vec<u8>, PngError> {
    let values = plane.data().iter().map(|&v| level(v, 255.0) as u8).collect::<Vec<_>>();
    encode((plane.width(), plane.height()), ColorType::Grayscale, BitDepth::Eight, &values, mark)
}

/// Encodes a plane of values in `[0, 1]` as 16-bit grey; values outside are clamped, NaN becomes black.
///
/// # Errors
/// As [`encode_gray8`].
pub fn encode_gray16(plane: &Plane, mark: &Mark) -> Result<Vec<u8>, PngError> {
    let values =
        plane.data().iter().flat_map(|&v| (level(v, 65535.0) as u16).to_be_bytes()).collect::<Vec<_>>();
    encode((plane.width(), plane.height()), ColorType::Grayscale, BitDepth::Sixteen, &values, mark)
}

/// Encodes `rgb`, three bytes a pixel, row after row from the top left.
///
/// # Errors
/// As [`encode_gray8`], and [`PngError::WrongLength`] when the bytes do not fit the size.
pub fn encode_rgb(width: usize, height: usize, rgb: &[u8], mark: &Mark) -> Result<Vec<u8>, PngError> {
    if width.checked_mul(height).and_then(|n| n.checked_mul(3)) != Some(rgb.len()) {
        return Err(PngError::WrongLength { width, height, len: rgb.len() });
    }
    encode((width, height), ColorType::Rgb, BitDepth::Eight, rgb, mark)
}

/// The nearest of the levels 0 to `max`. `NaN as integer` is 0, so NaN needs no case of its own.
fn level(value: f32, max: f32) -> f32 {
    (value.clamp(0.0, 1.0) * max).round()
}

fn encode(
    (width, height): (usize, usize),
    color: ColorType,
    depth: BitDepth,
    values: &[u8],
    mark: &Mark,
) -> Result<Vec<u8>, PngError> {
    // The format keeps the top bit of each side clear (PNG standard, section 7.1).
    let side = |n: usize| u32::try_from(n).ok().filter(|&n| n > 0 && n <= u32::MAX >> 1);
    let (Some(w), Some(h)) = (side(width), side(height)) else {
        return Err(PngError::Size { width, height });
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, w, h);
    encoder.set_color(color);
    encoder.set_depth(depth);
    mark.add_to(&mut encoder)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(values)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn decode(bytes: &[u8]) -> Vec<u8> {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut values = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut values).unwrap();
        values
    }

    fn mark() -> Mark {
        Mark::new("test", "a test")
    }

    #[test]
    fn grey_levels_are_rounded_and_clamped() {
        let plane = Plane::new(5, 1, vec![-1.0, 0.5, 1.0, 9.0, f32::NAN]).unwrap();
        assert_eq!(decode(&encode_gray8(&plane, &mark()).unwrap()), [0, 128, 255, 255, 0]);
        assert_eq!(
            decode(&encode_gray16(&plane, &mark()).unwrap()),
            [0, 0, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]
        );
    }

    #[test]
    fn sixteen_bits_keep_a_plane_to_half_a_level() {
        let plane = Plane::from_fn(64, 8, |x, y| (x * 8 + y) as f32 / 511.0);
        let values = decode(&encode_gray16(&plane, &mark()).unwrap());
        for (pair, &v) in values.chunks_exact(2).zip(plane.data()) {
            let back = f32::from(u16::from_be_bytes([pair[0], pair[1]])) / 65535.0;
            assert!((back - v).abs() <= 0.5001 / 65535.0, "{back} {v}");
        }
    }

    #[test]
    fn colours_come_back_and_wrong_lengths_are_named() {
        let rgb = [1, 2, 3, 4, 5, 6];
        assert_eq!(decode(&encode_rgb(2, 1, &rgb, &mark()).unwrap()), rgb);
        let message = encode_rgb(2, 2, &rgb, &mark()).unwrap_err().to_string();
        assert_eq!(message, "2 x 2 colour pixels need 12 bytes, but there are 6");
        assert!(encode_rgb(0, 2, &[], &mark()).is_err());
    }

    #[test]
    fn equal_pictures_give_equal_bytes() {
        let plane = Plane::from_fn(32, 32, |x, y| ((x * 7 + y * 13) % 32) as f32 / 31.0);
        assert_eq!(encode_gray8(&plane, &mark()).unwrap(), encode_gray8(&plane, &mark()).unwrap());
    }
}
