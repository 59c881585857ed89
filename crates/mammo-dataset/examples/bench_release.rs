//! Makes a release of made mammograms of 3328 x 4084 pixels in the layout of INbreast, for benchmarks:
//! `cargo run --release -p mammo-dataset --example bench_release -- DIR 200`. Eight pictures are drawn; the others are copies
//! with one pixel changed, so that no two files are equal.

use mammo_core::Laterality;
use mammo_dicom::{SyntheticImage, write_synthetic};
use std::{error::Error, fmt::Write as _, path::Path};

const WIDTH: usize = 3328;
const HEIGHT: usize = 4084;
const DRAWN: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, count] = args.as_slice() else { return Err("usage: bench_release DIR COUNT".into()) };
    let (dir, count) = (Path::new(dir), count.parse::<usize>()?);
    let images = dir.join("AllDICOMs");
    std::fs::create_dir_all(&images)?;
    let mut table =
        "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads\r\n".to_owned();
    let mut drawn: Vec<Vec<u8>> = Vec::new();
    for i in 0..count {
        let (id, side) = (20_000_000 + i, if i % 2 == 0 { "L" } else { "R" });
        let path = images.join(format!("{id}_{:016x}_MG_{side}_CC_ANON.dcm", i / 2));
        if i < DRAWN {
            draw(&path, i)?;
            drawn.push(std::fs::read(&path)?);
        } else {
            // The last word is air; a corner pixel of 1 is its own part and falls away.
            let mut bytes = drawn[i % DRAWN].clone();
            let corner = bytes.len() - 2 * (WIDTH * (i / DRAWN) + if i % 2 == 0 { 1 } else { WIDTH });
            bytes[corner] = 1;
            std::fs::write(&path, bytes)?;
        }
        let birads = if i / 2 % 2 == 0 { "2" } else { "5" };
        write!(table, "removed;removed;{side};CC;201001;{id};{};{birads}\r\n", 1 + i % 4)?;
    }
    std::fs::write(dir.join("INbreast.csv"), table)?;
    Ok(())
}

/// A half disc of tissue at the chest wall, with texture of several scales and the noise of a detector; air is 0.
fn draw(path: &Path, number: usize) -> Result<(), Box<dyn Error>> {
    let is_right = number % 2 == 1;
    let (a, b) = (1400.0 + 60.0 * number as f32, 1500.0 + 40.0 * number as f32);
    let wave =
        |scale: f32| -> Vec<f32> { (0..HEIGHT).map(|i| (i as f32 / scale + number as f32).sin()).collect() };
    let waves = [wave(310.0), wave(97.0), wave(23.0), wave(7.0)];
    let mut state = 0x9e37_79b9_u32 + number as u32;
    let mut pixels = vec![0u16; WIDTH * HEIGHT];
    for (y, row) in pixels.chunks_exact_mut(WIDTH).enumerate() {
        let dy = (y as f32 - HEIGHT as f32 / 2.0) / b;
        for (x, pixel) in row.iter_mut().enumerate() {
            let across = if is_right { WIDTH - 1 - x } else { x };
            let depth = 1.0 - (across as f32 / a).powi(2) - dy * dy;
            if depth > 0.0 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let texture: f32 = waves.iter().map(|w| w[x] * w[y] * 120.0).sum();
                *pixel = (700.0 + 2000.0 * depth.sqrt() + texture + (state >> 25) as f32) as u16;
            }
        }
    }
    let image = SyntheticImage {
        pixels: &pixels,
        width: WIDTH,
        height: HEIGHT,
        bits_stored: 14,
        laterality: if is_right { Laterality::Right } else { Laterality::Left },
        view: None,
        patient_id: "bench",
        series_description: "benchmark",
        derivation: "half disc with texture",
        uid_seed: &format!("bench/{number}"),
        spacing_mm: Some(0.07),
    };
    Ok(write_synthetic(path, &image)?)
}
