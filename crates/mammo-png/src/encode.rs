use crate::{Mark, PngError};
use mammo_core::Plane;
use png::{BitDepth, ColorType};
use std::io::Cursor;
use std::path::PathBuf;

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
    encode((plane.width(), plane.height()), ColorType::Grayscale, BitDepth::Sixteen, &bytes16(plane), mark)
}

fn bytes16(plane: &Plane) -> Vec<u8> {
    plane.data().iter().flat_map(|&v| (level(v, 65535.0) as u16).to_be_bytes()).collect()
}

/// Encodes a plane as [`encode_gray16`] does, but without compression and filters: two pictures of one size with one mark
/// have one length, whatever they show, and a reader needs no more than zlib's stored blocks to get at the values.
///
/// # Errors
/// As [`encode_gray8`].
pub fn encode_gray16_stored(plane: &Plane, mark: &Mark) -> Result<Vec<u8>, PngError> {
    encode_with(
        (plane.width(), plane.height()),
        ColorType::Grayscale,
        BitDepth::Sixteen,
        &bytes16(plane),
        mark,
        true,
    )
}

/// Reads a 16-bit or 8-bit grey PNG into values in `[0, 1]`.
///
/// # Errors
/// [`PngError::Decode`] for bytes that are no PNG, [`PngError::NotGrey`] for a picture in colour or with transparency.
pub fn decode_gray(bytes: &[u8]) -> Result<Plane, PngError> {
    let failed = |source| PngError::Decode { path: PathBuf::new(), source };
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(failed)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let depth = reader.info().bit_depth;
    if reader.info().color_type != ColorType::Grayscale
        || !matches!(depth, BitDepth::Eight | BitDepth::Sixteen)
    {
        return Err(PngError::NotGrey);
    }
    let Some(size) = reader.output_buffer_size() else { return Err(PngError::Size { width, height }) };
    let mut values = vec![0; size];
    reader.next_frame(&mut values).map_err(failed)?;
    let data = match depth {
        BitDepth::Sixteen => {
            values.chunks_exact(2).map(|v| f32::from(u16::from_be_bytes([v[0], v[1]])) / 65535.0).collect()
        }
        _ => values.iter().map(|&v| f32::from(v) / 255.0).collect(),
    };
    Plane::new(width, height, data).map_err(|_| PngError::Size { width, height })
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
    size: (usize, usize),
    color: ColorType,
    depth: BitDepth,
    values: &[u8],
    mark: &Mark,
) -> Result<Vec<u8>, PngError> {
    encode_with(size, color, depth, values, mark, false)
}

fn encode_with(
    (width, height): (usize, usize),
    color: ColorType,
    depth: BitDepth,
    values: &[u8],
    mark: &Mark,
    stored: bool,
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
    if stored {
        encoder.set_compression(png::Compression::NoCompression);
        encoder.set_filter(png::Filter::NoFilter);
    }
    mark.add_to(&mut encoder)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(values)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn stored_pictures_of_one_size_have_one_length_and_the_same_values() {
        let smooth = Plane::filled(31, 9, 0.5);
        let busy = Plane::from_fn(31, 9, |x, y| ((x * 37 + y * 91) % 53) as f32 / 52.0);
        let stored = [&smooth, &busy].map(|plane| encode_gray16_stored(plane, &mark()).unwrap());
        assert_eq!(stored[0].len(), stored[1].len());
        assert_eq!(decode(&stored[1]), decode(&encode_gray16(&busy, &mark()).unwrap()));
        let back = decode_gray(&stored[1]).unwrap();
        assert!(back.data().iter().zip(busy.data()).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(matches!(
            decode_gray(&encode_rgb(1, 1, &[1, 2, 3], &mark()).unwrap()),
            Err(PngError::NotGrey)
        ));
        assert!(decode_gray(b"GIF").is_err());
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
