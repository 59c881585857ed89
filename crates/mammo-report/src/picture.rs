use crate::{ReportError, html::escape};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Room for one row of pictures, in CSS pixels.
const ROW_WIDTH_PX: usize = 1000;
/// Largest width at which one picture of a row is shown, in CSS pixels.
const PICTURE_WIDTH_PX: usize = 320;

/// Pictures side by side, on black as on a reading screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureRow {
    /// What the row shows.
    pub caption: String,
    /// The pictures from the left.
    pub pictures: Vec<Picture>,
}

/// A marked PNG with its caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    caption: String,
    png: Vec<u8>,
    width_px: usize,
    height_px: usize,
}

impl Picture {
    /// Takes a PNG that carries the text chunk `Synthetic=YES`, as all of those that mammo-png writes.
    ///
    /// # Errors
    /// [`ReportError::NotPng`] and [`ReportError::NotMarked`].
    pub fn new(caption: impl Into<String>, png: Vec<u8>) -> Result<Self, ReportError> {
        let caption = caption.into();
        let Some((width_px, height_px)) = size(&png) else {
            return Err(ReportError::NotPng { caption });
        };
        if !is_marked(&png) {
            return Err(ReportError::NotMarked { caption });
        }
        Ok(Self { caption, png, width_px, height_px })
    }
}

impl PictureRow {
    pub(crate) fn html(&self) -> String {
        let count = self.pictures.len().max(1);
        let figures = self
            .pictures
            .iter()
            .map(|picture| {
                // Only whole multiples of a pixel: any other size invents or hides the grids that a reader looks for.
                let limit = if count == 1 { ROW_WIDTH_PX } else { PICTURE_WIDTH_PX };
                let room = (ROW_WIDTH_PX / count).min(limit);
                let zoom = (room / picture.width_px).max(1);
                format!(
                    "<figure class=\"picture\"><img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" \
                     alt=\"Synthetic picture: {}\"><figcaption>{}</figcaption></figure>\n",
                    STANDARD.encode(&picture.png),
                    picture.width_px * zoom,
                    picture.height_px * zoom,
                    escape(&picture.caption),
                    escape(&picture.caption),
                )
            })
            .collect::<Vec<_>>()
.concat();
        let caption = if self.caption.is_empty() {
            String::new()
        } else {
            format!("<p class=\"caption\">{}</p>\n", escape(&self.caption))
        };
        format!(
            "<div class=\"pictures\">\n{caption}<div class=\"strip\">\n{figures}</div>\n\
             <p class=\"mark\">Synthetic \u{2013} not for diagnosis</p>\n</div>\n"
        )
    }
}

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// The chunks of a PNG: four bytes of length, four of type, the data, four of checksum (PNG standard, section 5.3).
fn chunks(png: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = png.strip_prefix(&SIGNATURE).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_at_checked(4)?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after.get(4..)?;
        Some((kind, data))
    })
}

/// Columns and rows, from the header chunk.
fn size(png: &[u8]) -> Option<(usize, usize)> {
    let (kind, data) = chunks(png).next()?;
    let (width, rest) = data.split_first_chunk::<4>()?;
    let (height, _) = rest.split_first_chunk::<4>()?;
    let side = |bytes: &[u8; 4]| Some(u32::from_be_bytes(*bytes) as usize).filter(|&n| n > 0);
    (kind == b"IHDR").then_some(())?;
    Some((side(width)?, side(height)?))
}

fn is_marked(png: &[u8]) -> bool {
    chunks(png).any(|(kind, data)| kind == b"tEXt" && data == b"Synthetic\0YES")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mammo_core::Plane;
    use mammo_png::{Mark, encode_gray8};

    pub(crate) fn marked(width: usize) -> Vec<u8> {
        encode_gray8(&Plane::filled(width, width, 0.5), &Mark::new("test", "demo")).unwrap()
    }

    #[test]
    fn pictures_without_a_mark_are_refused() {
        let marked = marked(16);
        assert!(Picture::new("a", marked.clone()).is_ok());
        let at = marked.windows(13).position(|w| w == b"Synthetic\0YES").unwrap();
        let mut unmarked = marked.clone();
        unmarked[at + 10..at + 13].copy_from_slice(b"NO ");
        assert!(matches!(Picture::new("a", unmarked), Err(ReportError::NotMarked { .. })));
        assert!(matches!(Picture::new("a", b"GIF".to_vec()), Err(ReportError::NotPng { .. })));
        // Cut before the mark is complete.
        for end in 0..at + 13 {
            assert!(Picture::new("a", marked[..end].to_vec()).is_err());
        }
    }

    #[test]
    fn pictures_are_shown_at_whole_multiples_of_their_pixels() {
        let row = |count: usize| {
            let pictures = (0..count).map(|_| Picture::new("a", marked(128)).unwrap()).collect();
            PictureRow { caption: String::new(), pictures }.html()
        };
        assert!(row(4).contains("width=\"128\""));
        assert!(row(3).contains("width=\"256\""));
        assert!(row(1).contains("width=\"896\""));
    }
}
