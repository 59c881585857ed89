use crate::{DatasetError, ImageRecord, Medium, Prepared};
use std::path::Path;

/// Refuses a digital mammogram whose breast hangs on the other edge than its side says: its file was swapped with another
/// one, or its label was. (Films are turned by what they show, so there is nothing to compare.)
///
/// # Errors
/// [`DatasetError::OtherSide`]; `path` is for its message alone.
pub fn check_side(prepared: &Prepared, record: &ImageRecord, path: &Path) -> Result<(), DatasetError> {
    if record.medium == Medium::Digital && hangs_on_the_right(prepared) {
        return Err(DatasetError::OtherSide { path: path.to_owned(), laterality: record.laterality });
    }
    Ok(())
}

/// Prepared pictures have the chest wall at their left edge. One whose breast is away from it and touches the right edge
/// of what is picture has it on the other side.
fn hangs_on_the_right(prepared: &Prepared) -> bool {
    let breast = &prepared.breast;
    let occupied = |x: &usize| (0..breast.height()).any(|y| breast.get(*x, y));
    let width = (prepared.fit.source_width_px as f32 * prepared.fit.scale).round() as usize;
    let columns: Vec<usize> = (0..breast.width()).filter(occupied).collect();
    match (columns.first(), columns.last()) {
        (Some(&first), Some(&last)) => first > width / 20 && last + 2 >= width,
        _ => false,
    }
}
