//! Shows prepared images of a release with their regions of interest outlined, to judge the preparation by eye:
//! `cargo run -p mammo-dataset --example contact_sheet -- mini-mias:DIR 256 sheet.png`
//!
//! The sheet shows pictures of the release: its licence says who may see it.

use image::{Rgb, RgbImage};
use mammo_core::{Mask, Shape};
use mammo_dataset::{ImageSize, Prepared, Source, prepare, read_release};
use std::error::Error;

const COLUMNS: usize = 14;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, size, out] = args.as_slice() else { return Err("give SOURCE SIZE OUT.png".into()) };
    let (source, size): (Source, ImageSize) = (source.parse()?, size.parse()?);
    let release = read_release(&source)?;
    for note in &release.notes {
        println!("{}: {}", note.path.display(), note.text);
    }
    let rows = release.records.len().div_ceil(COLUMNS);
    let (w, h) = (size.width_px(), size.height_px());
    let mut sheet = RgbImage::new((COLUMNS * w) as u32, (rows * h) as u32);
    for (index, record) in release.records.iter().enumerate() {
        let prepared = prepare(&release.root, record, size)?;
        let (left, top) = (index % COLUMNS * w, index / COLUMNS * h);
        for y in 0..h {
            for x in 0..w {
                sheet.put_pixel((left + x) as u32, (top + y) as u32, color(&prepared, x, y));
            }
        }
        for roi in &prepared.rois {
            outline(&mut sheet, &roi.shape, (left, top), (w, h));
        }
    }
    sheet.save(out)?;
    println!("{} images", release.records.len());
    Ok(())
}

/// Grey inside of the breast, dark blue outside, so that a mask that is too small or too large is seen.
fn color(prepared: &Prepared, x: usize, y: usize) -> Rgb<u8> {
    let grey = (prepared.plane.get(x, y) * 255.0) as u8;
    if prepared.breast.get(x, y) { Rgb([grey; 3]) } else { Rgb([grey, grey, 40]) }
}

fn outline(sheet: &mut RgbImage, shape: &Shape, (left, top): (usize, usize), (w, h): (usize, usize)) {
    let inside = Mask::from_shape(w, h, shape);
    let ring = inside.dilated(1);
    for y in 0..h {
        for x in 0..w {
            if ring.get(x, y) && !inside.get(x, y) {
                sheet.put_pixel((left + x) as u32, (top + y) as u32, Rgb([255, 60, 60]));
            }
        }
    }
}
