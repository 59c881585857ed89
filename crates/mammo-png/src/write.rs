use crate::{Canvas, Mark, PngError, encode_gray8, encode_gray16, encode_rgb, mark::decode_mark};
use mammo_core::Plane;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What stands in `<name>.png.json`, for tools that do not look into PNG chunks. Other pictures may have such a file, too, and
/// it may say more about where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideCar {
    /// Always true.
    pub synthetic: bool,
    /// The software with its version.
    pub made_by: String,
    /// The notice and what the picture shows.
    pub description: String,
    /// SHA-256 of the picture's file, in lower-case hexadecimal.
    pub sha256: String,
}

impl SideCar {
    /// Where the side-car of a picture lies: the picture's path with `.json` added.
    pub fn path_of(picture: &Path) -> PathBuf {
        let mut name = picture.as_os_str().to_owned();
        name.push(".json");
        name.into()
    }
}

/// Writes an already encoded picture and its side-car. Refuses bytes that do not carry a mark.
///
/// # Errors
/// [`PngError::NotMarked`] or [`PngError::Decode`] for other bytes than those this crate encodes, and
/// [`PngError::File`] when the folder is missing or not writable.
pub fn write_png(path: &Path, bytes: &[u8]) -> Result<(), PngError> {
    let mark = decode_mark(bytes)?;
    let side_car = SideCar {
        synthetic: true,
        made_by: mark.made_by().to_owned(),
        description: mark.full_description(),
        sha256: mammo_files::sha256(bytes),
    };
    mammo_files::write(path, bytes)?;
    mammo_files::write_json(&SideCar::path_of(path), &side_car)?;
    Ok(())
}

/// Writes a plane of values in `[0, 1]` as 8-bit grey, with its side-car.
///
/// # Errors
/// As [`encode_gray8`] and [`write_png`].
pub fn write_gray8(path: &Path, plane: &Plane, mark: &Mark) -> Result<(), PngError> {
    write_png(path, &encode_gray8(plane, mark)?)
}

/// Writes a plane of values in `[0, 1]` as 16-bit grey, with its side-car.
///
/// # Errors
/// As [`encode_gray16`] and [`write_png`].
pub fn write_gray16(path: &Path, plane: &Plane, mark: &Mark) -> Result<(), PngError> {
    write_png(path, &encode_gray16(plane, mark)?)
}

/// Writes a colour picture, three bytes a pixel, with its side-car.
///
/// # Errors
/// As [`encode_rgb`] and [`write_png`].
pub fn write_rgb(
    path: &Path,
    (width, height): (usize, usize),
    rgb: &[u8],
    mark: &Mark,
) -> Result<(), PngError> {
    write_png(path, &encode_rgb(width, height, rgb, mark)?)
}

/// Writes a drawn picture, with its side-car.
///
/// # Errors
/// As [`encode_rgb`] and [`write_png`].
pub fn write_canvas(path: &Path, canvas: &Canvas, mark: &Mark) -> Result<(), PngError> {
    write_png(path, &canvas.encode(mark)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_mark;

    #[test]
    fn the_side_car_belongs_to_its_picture() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.b.png");
        let mark = Mark::new("mammo 0.1.0", "a phantom");
        write_gray16(&path, &Plane::filled(4, 4, 0.25), &mark).unwrap();
        assert_eq!(read_mark(&path).unwrap(), mark);
        let side_car: SideCar = mammo_files::read_json(&dir.path().join("a.b.png.json")).unwrap();
        assert!(side_car.synthetic);
        assert_eq!(side_car.sha256, mammo_files::sha256_file(&path).unwrap());
        assert_eq!(side_car.description, "SYNTHETIC - NOT FOR DIAGNOSIS. a phantom");
    }

    #[test]
    fn unmarked_bytes_are_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        assert!(write_png(&path, b"not a png").is_err());
        assert!(!path.exists());
    }
}
