use crate::{
    DatasetError, ImageRecord, ImageSize, IntensityMap, Medium, picture,
    segment::{self, Runs},
};
use mammo_core::{Fit, Laterality, Mask, Plane, Point, Roi};
use mammo_dicom::{Look, Mammogram};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The columns of the file that are used; all rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crop {
    /// Columns of the file to the left of the part that is used.
    pub left_px: usize,
    /// Columns used.
    pub width_px: usize,
}

/// An image as the networks will see it, before the map to `[-1, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Values in `[0, 1]`; outside of `breast` exactly 0; the chest wall at the left edge.
    pub plane: Plane,
    /// Where the breast is.
    pub breast: Mask,
    /// Which columns of the file were used. Digital mammograms are used whole; films are cut to the breast's
    /// columns, since their chest wall lies somewhere inside of the picture.
    pub crop: Crop,
    /// How the used part was brought to the size asked for.
    pub fit: Fit,
    /// How display values became `[0, 1]`.
    pub intensity: IntensityMap,
    /// Regions of interest in pixels of `plane`.
    pub rois: Vec<Roi>,
}

impl Prepared {
    /// Where a point of the file lies in `plane`.
    pub fn to_prepared(&self, p: Point) -> Point {
        self.fit.to_canvas(Point { x: p.x - self.crop.left_px as f32, y: p.y })
    }

    /// Where a point of `plane` lies in the file.
    pub fn to_source(&self, p: Point) -> Point {
        let p = self.fit.to_source(p);
        Point { x: p.x + self.crop.left_px as f32, y: p.y }
    }
}

/// Reads one image of a release and prepares it.
///
/// 1. What is not breast becomes 0. Digital mammograms: all but the largest connected part above 0. Films: see below.
/// 2. The chest wall goes to the left edge: right breasts are mirrored; films by what the picture shows.
/// 3. Area averaging to `size` with the aspect kept, black around ([`Fit`]).
/// 4. A linear [`IntensityMap`] that one hot pixel cannot move; outside of the breast exactly 0.
///
/// Films have a background that is not black, labels, tape and bright strips: the breast is the largest part above
/// a threshold between background and tissue, after an opening that cuts labels off; the background's brightness
/// becomes the black of the picture.
///
/// # Errors
/// [`DatasetError`], naming the file: it cannot be read, or there is no breast in it.
pub fn prepare(root: &Path, record: &ImageRecord, size: ImageSize) -> Result<Prepared, DatasetError> {
    let path = root.join(&record.path);
    prepare_bytes(&bytes_of(&path)?, &path, record, size)
}

/// As [`prepare`], for a file that is in memory already; `path` is for messages alone.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_bytes(
    bytes: &[u8],
    path: &Path,
    record: &ImageRecord,
    size: ImageSize,
) -> Result<Prepared, DatasetError> {
    prepare_look(bytes, path, record, size, Look::Range)
}

/// As [`prepare_bytes`], with the values that a window or VOI LUT shows instead of the range of the breast. They lie between 0
/// and 1 and stay as they are: step 4 is left out. The breast is found in the stored values, which no window cuts. Pictures
/// that are no DICOM have their range alone, which [`Look::File`] means too.
///
/// # Errors
/// As [`prepare`], and [`DatasetError::Look`] where the file does not have what is asked for.
pub fn prepare_look(
    bytes: &[u8],
    path: &Path,
    record: &ImageRecord,
    size: ImageSize,
    look: Look,
) -> Result<Prepared, DatasetError> {
    let source = read(bytes, path, record.medium, look)?;
    let no_breast = || DatasetError::NoBreast { path: path.to_owned() };
    let (first, end) = segment::columns_of(&source.breast).ok_or_else(no_breast)?;
    let (crop, mirrored) = match record.medium {
        Medium::Digital => {
            (Crop { left_px: 0, width_px: source.width() }, record.laterality == Laterality::Right)
        }
        Medium::Film => {
            (Crop { left_px: first, width_px: end - first }, segment::chest_wall_is_right(&source.breast))
        }
    };
    let fit = Fit::plan((crop.width_px, source.height()), (size.width_px(), size.height_px()), mirrored);
    let (display, breast) = fitted(&source, crop, &fit);
    if breast.count() == 0 {
        return Err(no_breast());
    }
    let intensity = if source.is_shown {
        IntensityMap::AS_SHOWN
    } else {
        IntensityMap::from_breast(&display, &breast, source.background)
    };
    let mut prepared = Prepared {
        plane: mapped(&display, &breast, intensity),
        breast,
        crop,
        fit,
        intensity,
        rois: Vec::new(),
    };
    prepared.rois = record
        .rois
        .iter()
        .map(|roi| Roi {
            shape: roi.shape.transformed(fit.scale, |p| prepared.to_prepared(p)),
            ..roi.clone()
        })
        .collect();
    Ok(prepared)
}

/// Prepares the counterfactual twin of an image (the same breast with or without its lesion) exactly as the image
/// was: same columns, same fit, same intensity map. Pixels that are equal in the files are equal in the planes, but
/// for those that share a pixel of the smaller picture with a lesion.
///
/// # Errors
/// [`DatasetError`], naming the twin: it cannot be read, or it has another size than the image.
pub fn prepare_twin(twin_path: &Path, record: &ImageRecord, like: &Prepared) -> Result<Plane, DatasetError> {
    let bytes = bytes_of(twin_path)?;
    let source = read(&bytes, twin_path, record.medium, Look::Range)?;
    let height = like.fit.source_height_px;
    let fits = match record.medium {
        Medium::Digital => source.width() == like.crop.width_px,
        Medium::Film => source.width() >= like.crop.left_px + like.crop.width_px,
    };
    if source.height() != height || !fits {
        return Err(DatasetError::TwinSize {
            path: twin_path.to_owned(),
            width: source.width(),
            height: source.height(),
            expected_width: like.crop.left_px + like.crop.width_px,
            expected_height: height,
        });
    }
    let (display, breast) = fitted(&source, like.crop, &like.fit);
    Ok(mapped(&display, &breast, like.intensity))
}

/// Display values, the breast in them, and the display value of black.
struct Source<'a> {
    pixels: Pixels<'a>,
    breast: Runs,
    background: f32,
    /// Whether the values lie between 0 and 1 as a window or LUT shows them.
    is_shown: bool,
}

/// Display values, row after row.
enum Pixels<'a> {
    /// A mammogram whose stored values are the display values: they are used where they lie.
    Stored(Box<Mammogram<'a>>),
    Plane(Plane),
}

impl Source<'_> {
    fn width(&self) -> usize {
        match &self.pixels {
            Pixels::Stored(mammogram) => mammogram.header().columns_px,
            Pixels::Plane(plane) => plane.width(),
        }
    }

    fn height(&self) -> usize {
        match &self.pixels {
            Pixels::Stored(mammogram) => mammogram.header().rows_px,
            Pixels::Plane(plane) => plane.height(),
        }
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, DatasetError> {
    Ok(fs_err::read(path).map_err(mammo_files::FileError::from)?)
}

fn read<'a>(bytes: &'a [u8], path: &Path, medium: Medium, look: Look) -> Result<Source<'a>, DatasetError> {
    let absent = || DatasetError::Look { path: path.to_owned(), look };
    let (plane, shown) = if picture::is_dicom(bytes) {
        let mammogram = Mammogram::from_bytes(bytes, path)?;
        if look == Look::Range && medium == Medium::Digital && mammogram.is_plain() {
            let width = mammogram.header().columns_px;
            let breast = segment::digital(width, mammogram.words().chunks_exact(width));
            let pixels = Pixels::Stored(Box::new(mammogram));
            return Ok(Source { pixels, breast, background: 0.0, is_shown: false });
        }
        let shown = match look {
            Look::Range => None,
            look => Some(mammogram.look(look).ok_or_else(absent)?),
        };
        (mammogram.display_plane(), shown)
    } else if matches!(look, Look::Range | Look::File) {
        (picture::decode(bytes, path)?, None)
    } else {
        return Err(absent());
    };
    let (breast, background) = match medium {
        Medium::Digital => (segment::digital(plane.width(), plane.data().chunks_exact(plane.width())), 0.0),
        Medium::Film => segment::film_runs(&plane),
    };
    let is_shown = shown.is_some();
    Ok(Source { pixels: Pixels::Plane(shown.unwrap_or(plane)), breast, background, is_shown })
}

/// The part that is used at the size asked for, black outside of the breast, and the breast there: the pixels that
/// are covered by it at least by half.
fn fitted(source: &Source<'_>, crop: Crop, fit: &Fit) -> (Plane, Mask) {
    let width = source.width();
    let breast = source.breast.cropped(crop.left_px, crop.width_px);
    let columns = |y: usize| y * width + crop.left_px..y * width + crop.left_px + crop.width_px;
    let runs = |y: usize| breast.row(y);
    let (sum, share) = match &source.pixels {
        Pixels::Stored(mammogram) => {
            let words = mammogram.words();
            fit.apply_covered(|y| &words[columns(y)], runs)
        }
        Pixels::Plane(plane) => fit.apply_covered(|y| &plane.data()[columns(y)], runs),
    };
    let mask = Mask::from_fn(share.width(), share.height(), |x, y| share.get(x, y) >= 0.5);
    // Black from outside must not darken the skin line: divide by the share that is breast.
    (sum.zip(&share, |sum, share| if share >= 0.5 { sum / share } else { 0.0 }), mask)
}

fn mapped(display: &Plane, breast: &Mask, intensity: IntensityMap) -> Plane {
    let mut plane = display.map(|v| intensity.to_unit(v));
    for (v, &inside) in plane.data_mut().iter_mut().zip(breast.data()) {
        if !inside {
            *v = 0.0;
        }
    }
    plane
}

#[cfg(test)]
mod tests;
