use crate::SealError;
use crate::folder::files;
use fs_err as fs;
use mammo_dicom::Mammogram;
use mammo_png::{PngError, SideCar, decode_mark};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the marks of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// It says that it is synthetic.
    Marked,
    /// A side-car says that it is synthetic, and the picture does not, or is another one: the mark was lost.
    Lost,
    /// Neither the picture nor a side-car says so. That is no proof of anything: marks can be taken away together.
    Unmarked,
    /// It has the name of a picture and cannot be read.
    Unreadable,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkFinding {
    /// Below the folder.
    pub path: String,
    /// What its marks say.
    pub state: MarkState,
}

/// Looks at every PNG and DICOM file of a folder for the marks that this software writes (the text chunk `Synthetic`;
/// Synthetic Data (0008,001C) = YES; side-cars). Other files are passed over.
///
/// # Errors
/// [`SealError::Path`] and [`SealError::Io`] as in [`crate::seal()`].
///
/// ```
/// use mammo_core::Plane;
/// use mammo_png::{Mark, write_gray8};
/// use mammo_seal::{MarkState, check_marks};
/// # let dir = tempfile::tempdir()?;
/// write_gray8(&dir.path().join("fake.png"), &Plane::filled(4, 4, 0.5), &Mark::new("mammo 0.1.0", "a phantom"))?;
/// assert_eq!(check_marks(dir.path())?[0].state, MarkState::Marked);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_marks(folder: &Path) -> Result<Vec<MarkFinding>, SealError> {
    let paths = files(folder)?;
    let found: Result<Vec<Option<MarkFinding>>, SealError> = paths
        .par_iter()
        .map(|path| {
            let full = folder.join(path);
            let bytes = fs::read(&full)?;
            Ok(state(&full, &bytes).map(|state| MarkFinding { path: path.clone(), state }))
        })
        .collect();
    Ok(found?.into_iter().flatten().collect())
}

/// `None` for what is no picture.
fn state(path: &Path, bytes: &[u8]) -> Option<MarkState> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let is_marked = if bytes.get(128..132) == Some(b"DICM") || ending == "dcm" {
        Mammogram::from_bytes(bytes, path).ok().map(|mammogram| mammogram.header().synthetic)
    } else if ending == "png" || bytes.starts_with(b"\x89PNG") {
        match decode_mark(bytes) {
            Ok(_) => Some(true),
            Err(PngError::NotMarked { .. }) => Some(false),
            Err(_) => None,
        }
    } else {
        return None;
    };
    let side_car = SideCar::path_of(path);
    let said: Option<SideCar> =
        if side_car.is_file() { mammo_files::read_json(&side_car).ok() } else { None };
    Some(match (is_marked, said) {
        (None, _) => MarkState::Unreadable,
        (Some(true), Some(said)) if said.sha256 != mammo_files::sha256(bytes) => MarkState::Lost,
        (Some(true), _) => MarkState::Marked,
        (Some(false), Some(said)) if said.synthetic => MarkState::Lost,
        (Some(false), _) => MarkState::Unmarked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Laterality, Plane};
    use mammo_dicom::{SyntheticImage, write_synthetic};
    use mammo_png::{Mark, write_gray16};

    fn dicom(path: &Path, value: u16) {
        let image = SyntheticImage {
            pixels: &[value; 4],
            width: 2,
            height: 2,
            bits_stored: 12,
            laterality: Laterality::Left,
            view: None,
            patient_id: "p",
            series_description: "",
            derivation: "",
            uid_seed: "marks",
            spacing_mm: None,
        };
        write_synthetic(path, &image).unwrap();
    }

    #[test]
    fn marks_that_were_taken_out_are_missed() {
        let dir = tempfile::tempdir().unwrap();
        let mark = Mark::new("test", "a phantom");
        for name in ["whole", "bare", "other"] {
            write_gray16(&dir.path().join(format!("{name}.png")), &Plane::filled(5, 4, 0.3), &mark).unwrap();
        }
        // Saved again by a program that keeps no text.
        let bytes = fs::read(dir.path().join("bare.png")).unwrap();
        let (head, rest) = bytes.split_at(33);
        let data = rest.windows(4).position(|w| w == b"IDAT").unwrap() - 4;
        fs::write(dir.path().join("bare.png"), [head, &rest[data..]].concat()).unwrap();
        // Another marked picture in the place of this one.
        write_gray16(&dir.path().join("x.png"), &Plane::filled(5, 4, 0.9), &mark).unwrap();
        fs::copy(dir.path().join("x.png"), dir.path().join("other.png")).unwrap();
        fs::copy(dir.path().join("bare.png"), dir.path().join("stranger.png")).unwrap();
        fs::write(dir.path().join("broken.png"), b"\x89PNG").unwrap();
        fs::write(dir.path().join("notes.txt"), "no picture").unwrap();
        fs::write(dir.path().join("broken.dcm"), "no picture").unwrap();
        for name in ["whole.dcm", "other.dcm"] {
            let path = dir.path().join(name);
            dicom(&path, 7);
            let car = SideCar {
                synthetic: true,
                made_by: "test".to_owned(),
                description: String::new(),
                sha256: mammo_files::sha256_file(&path).unwrap(),
            };
            mammo_files::write_json(&SideCar::path_of(&path), &car).unwrap();
        }
        dicom(&dir.path().join("other.dcm"), 8);
        let found = check_marks(dir.path()).unwrap();
        let of = |name: &str| found.iter().find(|f| f.path == name).map(|f| f.state);
        assert_eq!(of("whole.png"), Some(MarkState::Marked));
        assert_eq!(of("bare.png"), Some(MarkState::Lost));
        assert_eq!(of("other.png"), Some(MarkState::Lost));
        assert_eq!(of("stranger.png"), Some(MarkState::Unmarked));
        assert_eq!(of("broken.png"), Some(MarkState::Unreadable));
        assert_eq!(of("broken.dcm"), Some(MarkState::Unreadable));
        assert_eq!(of("whole.dcm"), Some(MarkState::Marked));
        assert_eq!(of("other.dcm"), Some(MarkState::Lost));
        assert_eq!((of("notes.txt"), of("whole.png.json")), (None, None));
    }
}
