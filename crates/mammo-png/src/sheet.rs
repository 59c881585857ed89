use crate::{Canvas, NOTICE, Rgb};
use mammo_core::{Plane, Shape};

const BACKGROUND: Rgb = [14, 15, 17];
const TEXT: Rgb = [196, 200, 206];
const NOTICE_TEXT: Rgb = [240, 180, 90];
/// The colour of outlined regions; neither arm of the difference colours.
const OUTLINE: Rgb = [120, 230, 120];
const GAP_PX: usize = 8;
const TEXT_SCALE: usize = 1;

/// One picture of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub enum Tile {
    /// Values in `[0, 1]`, shown in grey.
    Gray(Plane),
    /// A signed difference, shown in colour; `limit` gets the strongest colour.
    Difference {
        /// The difference.
        plane: Plane,
        /// The difference of strongest colour, positive.
        limit: f32,
    },
    /// Values in `[0, 1]`, shown in grey with regions outlined in the plane's coordinates.
    Outlined {
        /// The values.
        plane: Plane,
        /// The regions.
        shapes: Vec<Shape>,
    },
    /// Nothing.
    Empty,
}

impl Tile {
    fn plane(&self) -> Option<&Plane> {
        match self {
            Self::Gray(plane) | Self::Difference { plane, .. } | Self::Outlined { plane, .. } => Some(plane),
            Self::Empty => None,
        }
    }
}

/// One row of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRow {
    /// A short label above the row, such as the case; may be empty.
    pub label: String,
    /// The pictures from the left.
    pub tiles: Vec<Tile>,
}

/// A sheet of samples: labelled columns, rows of pictures, and the notice that they are synthetic in a strip below.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Headings of the columns, such as `real A`, `fake B`, `rec A`, `change`.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<SheetRow>,
    /// Canvas pixels for each pixel of a plane.
    pub zoom: usize,
}

impl Sheet {
    /// Draws the sheet. All tiles get the room of the largest, so that columns and rows line up.
    pub fn draw(&self) -> Canvas {
        let zoom = self.zoom.max(1);
        let planes = || self.rows.iter().flat_map(|row| &row.tiles).filter_map(Tile::plane);
        let tile_width = planes().map(Plane::width).max().unwrap_or(1) * zoom;
        let tile_height = planes().map(Plane::height).max().unwrap_or(1) * zoom;
        let columns = self.rows.iter().map(|row| row.tiles.len()).chain([self.columns.len()]).max();
        let columns = columns.unwrap_or(0).max(1);

        let line = Canvas::text_height(TEXT_SCALE) + GAP_PX;
        let label_rows = self.rows.iter().filter(|row| !row.label.is_empty()).count();
        let width = (GAP_PX + columns * (tile_width + GAP_PX))
            .max(Canvas::text_width(NOTICE, TEXT_SCALE) + 2 * GAP_PX);
        let height = GAP_PX + line + self.rows.len() * (tile_height + GAP_PX) + label_rows * line + line;
        let mut canvas = Canvas::new(width, height, BACKGROUND);

        let left_of = |column: usize| GAP_PX + column * (tile_width + GAP_PX);
        for (i, heading) in self.columns.iter().enumerate() {
            canvas.draw_text(left_of(i), GAP_PX, &fitting(heading, tile_width + GAP_PX), TEXT_SCALE, TEXT);
        }
        let mut top = GAP_PX + line;
        for row in &self.rows {
            if !row.label.is_empty() {
                canvas.draw_text(GAP_PX, top, &fitting(&row.label, width - GAP_PX), TEXT_SCALE, TEXT);
                top += line;
            }
            for (i, tile) in row.tiles.iter().enumerate() {
                draw_tile(&mut canvas, left_of(i), top, tile, zoom);
            }
            top += tile_height + GAP_PX;
        }
        canvas.draw_text(GAP_PX, top, NOTICE, TEXT_SCALE, NOTICE_TEXT);
        canvas
    }
}

fn draw_tile(canvas: &mut Canvas, left: usize, top: usize, tile: &Tile, zoom: usize) {
    match tile {
        Tile::Gray(plane) => canvas.draw_gray(left, top, plane, zoom),
        Tile::Difference { plane, limit } => canvas.draw_difference(left, top, plane, *limit, zoom),
        Tile::Outlined { plane, shapes } => {
            canvas.draw_gray(left, top, plane, zoom);
            for shape in shapes {
                canvas.draw_outline((left, top), zoom, shape, 1.0, OUTLINE);
            }
        }
        Tile::Empty => {}
    }
}

/// As much of a text as `width` pixels hold.
fn fitting(text: &str, width: usize) -> String {
    text.chars().take(width / Canvas::text_width("m", TEXT_SCALE).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_stand_in_their_columns_above_the_notice() {
        let sheet = Sheet {
            columns: vec!["real A".to_owned(), "change".to_owned()],
            rows: vec![SheetRow {
                label: "case 1".to_owned(),
                tiles: vec![
                    Tile::Gray(Plane::filled(100, 20, 1.0)),
                    Tile::Difference { plane: Plane::filled(100, 20, -0.2), limit: 0.2 },
                ],
            }],
            zoom: 2,
        };
        let canvas = sheet.draw();
        assert_eq!(canvas.width(), 8 + 2 * 208);
        let top = 8 + 2 * 15;
        assert_eq!(canvas.get(8, top), Some([255; 3]));
        assert_eq!(canvas.get(7, top), Some(BACKGROUND));
        assert_eq!(canvas.get(8 + 208, top), Some(crate::diverging(-1.0)));
        let notice = |y: usize| (0..canvas.width()).any(|x| canvas.get(x, y) == Some(NOTICE_TEXT));
        assert!((0..canvas.height()).any(notice));
    }

    #[test]
    fn an_empty_sheet_still_says_what_it_is() {
        let canvas = Sheet { columns: vec![], rows: vec![], zoom: 0 }.draw();
        assert!(canvas.rgb().chunks_exact(3).any(|c| c == NOTICE_TEXT));
    }
}
