use crate::DatasetError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The size that images are prepared at. Each side is divisible by 4, since the generators halve it twice, and from
/// 32 to 8192 pixels. Written `128` for a square or `512x408` for height x width, as the paper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageSize {
    height_px: usize,
    width_px: usize,
}

impl ImageSize {
    /// Checks both sides.
    ///
    /// # Errors
    /// [`DatasetError::Size`] when a side is not divisible by 4 or not from 32 to 8192.
    pub fn new(height_px: usize, width_px: usize) -> Result<Self, DatasetError> {
        let fits = |side: usize| side.is_multiple_of(4) && (32..=8192).contains(&side);
        if fits(height_px) && fits(width_px) {
            Ok(Self { height_px, width_px })
        } else {
            Err(DatasetError::Size { text: format!("{height_px}x{width_px}") })
        }
    }

    /// Rows.
    pub fn height_px(self) -> usize {
        self.height_px
    }

    /// Columns.
    pub fn width_px(self) -> usize {
        self.width_px
    }
}

impl FromStr for ImageSize {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let (height, width) = text.split_once(['x', 'X']).unwrap_or((text, text));
        match (height.trim().parse(), width.trim().parse()) {
            (Ok(height), Ok(width)) => Self::new(height, width),
            _ => Err(DatasetError::Size { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height_px, self.width_px)
    }
}

impl TryFrom<String> for ImageSize {
    type Error = DatasetError;

    fn try_from(text: String) -> Result<Self, DatasetError> {
        text.parse()
    }
}

impl From<ImageSize> for String {
    fn from(size: ImageSize) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_height_by_width_and_checked() {
        let size: ImageSize = "512x408".parse().unwrap();
        assert_eq!((size.height_px(), size.width_px()), (512, 408));
        assert_eq!("128".parse::<ImageSize>().unwrap().to_string(), "128x128");
        for text in ["126", "512x410", "28", "", "x", "-4", "99999999999999999999", "16384"] {
            let message = text.parse::<ImageSize>().unwrap_err().to_string();
            assert!(message.contains("divisible by 4"), "{message}");
        }
    }
}
