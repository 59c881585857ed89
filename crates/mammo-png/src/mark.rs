use crate::PngError;
use fs_err as fs;
use png::text_metadata::{ITXtChunk, TEXtChunk};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

/// What every marked picture says first in its description.
pub const NOTICE: &str = "SYNTHETIC - NOT FOR DIAGNOSIS";

/// The text of the `Source` chunk, which by the PNG standard (section 11.3.3.2) names the device that made a picture.
const SOURCE: &str = "Computed by software; not an acquired X-ray image";

/// Who made a picture and what it shows. It goes into the PNG and beside it.
///
/// Do not put names of patients into it: it is readable by anyone who has the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    made_by: String,
    description: String,
}

impl Mark {
    /// `made_by` is the software with its version, `description` what the picture shows. Control characters become
    /// blanks, because a PNG text ends at the first zero byte.
    pub fn new(made_by: impl AsRef<str>, description: impl AsRef<str>) -> Self {
        Self { made_by: printable(made_by.as_ref()), description: printable(description.as_ref()) }
    }

    /// The software with its version.
    pub fn made_by(&self) -> &str {
        &self.made_by
    }

    /// What the picture shows, without the leading [`NOTICE`].
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The description as it is stored: [`NOTICE`], then what the picture shows.
    pub fn full_description(&self) -> String {
        if self.description.is_empty() {
            NOTICE.to_owned()
        } else {
            format!("{NOTICE}. {}", self.description)
        }
    }

    /// Adds the mark to a file that is about to be written.
    pub(crate) fn add_to<W: std::io::Write>(
        &self,
        encoder: &mut png::Encoder<'_, W>,
    ) -> Result<(), png::EncodingError> {
        add_text(encoder, "Synthetic", "YES")?;
        add_text(encoder, "Software", &self.made_by)?;
        add_text(encoder, "Description", &self.full_description())?;
        add_text(encoder, "Source", SOURCE)
    }
}

/// tEXt is the chunk that every viewer shows, but it holds Latin-1 only; other texts need iTXt.
fn add_text<W: std::io::Write>(
    encoder: &mut png::Encoder<'_, W>,
    keyword: &str,
    text: &str,
) -> Result<(), png::EncodingError> {
    if text.chars().all(|c| u32::from(c) < 256) {
        encoder.add_text_chunk(keyword.to_owned(), text.to_owned())
    } else {
        encoder.add_itxt_chunk(keyword.to_owned(), text.to_owned())
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Reads the mark of a PNG file.
///
/// # Errors
/// [`PngError::File`] when it cannot be read, [`PngError::Decode`] when it is not a PNG, and [`PngError::NotMarked`]
/// when it does not say that it is synthetic.
pub fn read_mark(path: &Path) -> Result<Mark, PngError> {
    let bytes = fs::read(path).map_err(mammo_files::FileError::from)?;
    mark_of(&bytes, path)
}

/// Reads the mark of a PNG in memory.
///
/// # Errors
/// As [`read_mark`], with an empty path.
pub fn decode_mark(bytes: &[u8]) -> Result<Mark, PngError> {
    mark_of(bytes, Path::new(""))
}

fn mark_of(bytes: &[u8], path: &Path) -> Result<Mark, PngError> {
    let failed = |source| PngError::Decode { path: path.to_owned(), source };
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(failed)?;
    let info = reader.info();
    let find = |keyword: &str| {
        let latin1 = info.uncompressed_latin1_text.iter().find(|c: &&TEXtChunk| c.keyword == keyword);
        latin1.map(|c| c.text.clone()).or_else(|| {
            let utf8 = info.utf8_text.iter().find(|c: &&ITXtChunk| c.keyword == keyword);
            utf8.and_then(|c| c.get_text().ok())
        })
    };
    let not_marked = || PngError::NotMarked { path: PathBuf::from(path) };
    if find("Synthetic").as_deref() != Some("YES") {
        return Err(not_marked());
    }
    let full = find("Description").ok_or_else(not_marked)?;
    let shown = full.strip_prefix(NOTICE).ok_or_else(not_marked)?;
    let shown = shown.strip_prefix(". ").unwrap_or(shown);
    Ok(Mark::new(find("Software").ok_or_else(not_marked)?, shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_gray8;
    use mammo_core::Plane;

    #[test]
    fn marks_come_back_in_latin_and_other_letters() {
        let plane = Plane::filled(3, 2, 0.5);
        for description in ["", "lesion removed", "Läsion entfernt", "β = 2.8 → 3.0"] {
            let mark = Mark::new("mammo 0.1.0", description);
            assert_eq!(decode_mark(&encode_gray8(&plane, &mark).unwrap()).unwrap(), mark);
        }
    }

    #[test]
    fn control_characters_cannot_cut_the_mark_short() {
        let mark = Mark::new("mammo\0", "line one\nline two\0");
        let bytes = encode_gray8(&Plane::filled(1, 1, 0.0), &mark).unwrap();
        assert_eq!(decode_mark(&bytes).unwrap().description(), "line one line two");
    }

    #[test]
    fn an_ordinary_png_is_refused() {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
        writer.write_image_data(&[0]).unwrap();
        drop(writer);
        assert!(matches!(decode_mark(&bytes), Err(PngError::NotMarked { .. })));
        assert!(matches!(decode_mark(b"GIF89a"), Err(PngError::Decode { .. })));
    }
}
