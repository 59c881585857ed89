//! `mammo translate`: images through the generators of a finished run. Everything that comes out is marked.

use crate::Ending;
use crate::run::MADE_BY;
use crate::run::RunFolder;
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use fs_err as fs;
use mammo_core::{Assessment, ImageId, Laterality, PatientId, Plane};
use mammo_dataset::{Dataset, ImageRecord, ImageSize, Medium, prepare_bytes};
use mammo_dicom::{Mammogram, SyntheticImage, write_synthetic};
use mammo_png::{Mark, write_gray16};
use mammo_train::{Checkpoint, CycleGan};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    /// Put malignant features in
    Inject,
    /// Take malignant features out
    Remove,
}

impl Direction {
    fn done(self) -> &'static str {
        match self {
            Self::Inject => "injected",
            Self::Remove => "removed",
        }
    }
}

/// The side of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The chest wall is at the left edge
    Left,
    /// The picture is mirrored first
    Right,
}

/// Options of `translate`.
#[derive(ClapArgs)]
pub(crate) struct TranslateArgs {
    /// A finished run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,

    /// Which way
    #[arg(long)]
    direction: Direction,

    /// DICOM, PNG, TIFF or PGM. A grey PNG of the networks' size is taken as it is; everything else is prepared as the
    /// run prepared its images: breast alone, chest wall at the left, the networks' size and range
    #[arg(required = true, value_name = "IN")]
    images: Vec<PathBuf>,

    /// Folder for the results: 16-bit PNG of the networks' size, each with a side-car
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Write each as DICOM, too
    #[arg(long)]
    dicom: bool,

    /// The side of the body of pictures that do not say it; DICOM files do
    #[arg(long, default_value = "left")]
    side: Side,

    /// The pictures are digitised films, whose background is not black
    #[arg(long)]
    film: bool,
}

/// `mammo translate`.
pub(crate) fn run(args: &TranslateArgs) -> anyhow::Result<Ending> {
    RunFolder::existing(&args.run)?;
    let (model, checkpoint) = CycleGan::load(&args.run)?;
    let mut names: BTreeMap<String, &Path> = BTreeMap::new();
    for path in &args.images {
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .with_context(|| format!("{}: no file name", path.display()))?;
        if let Some(other) = names.insert(stem.to_owned(), path) {
            bail!(
                "{} and {} would both be called {stem}; translate them into different folders",
                other.display(),
                path.display()
            );
        }
    }
    mammo_files::create_dir(&args.out)?;
    for (stem, path) in names {
        let bytes = fs::read(path)?;
        let original = plane(args, &checkpoint, path, &bytes)?;
        let made = match args.direction {
            Direction::Inject => model.inject(&original)?,
            Direction::Remove => model.remove(&original)?,
        };
        let out = write(args, &checkpoint, &stem, &made, &mammo_files::sha256(&bytes))?;
        writeln!(std::io::stdout(), "{}", out.display())?;
    }
    Ok(Ending::Done)
}

/// An image as the networks see it.
fn plane(args: &TranslateArgs, checkpoint: &Checkpoint, path: &Path, bytes: &[u8]) -> anyhow::Result<Plane> {
    let size = (checkpoint.config.width_px, checkpoint.config.height_px);
    if let Ok(plane) = mammo_png::decode_gray(bytes)
        && (plane.width(), plane.height()) == size
    {
        return Ok(plane);
    }
    let header = Mammogram::from_bytes(bytes, path).ok().map(|m| m.header().clone());
    let side = match args.side {
        Side::Left => Laterality::Left,
        Side::Right => Laterality::Right,
    };
    let record = ImageRecord {
        dataset: Dataset::Manifest,
        medium: if args.film { Medium::Film } else { Medium::Digital },
        image_id: ImageId::new("image"),
        patient_id: PatientId::new("nobody"),
        path: path.to_owned(),
        size_px: (0, 0),
        laterality: header.as_ref().and_then(|h| h.laterality).unwrap_or(side),
        view: None,
        assessment: Assessment::default(),
        density: None,
        rois: Vec::new(),
        synthetic: false,
    };
    let size = ImageSize::new(size.1, size.0)?;
    Ok(prepare_bytes(bytes, path, &record, size)?.plane)
}

fn write(
    args: &TranslateArgs,
    checkpoint: &Checkpoint,
    stem: &str,
    made: &Plane,
    source_sha256: &str,
) -> anyhow::Result<PathBuf> {
    let what = args.direction.done();
    let how = format!(
        "malignant features {what} by a CycleGAN after {} steps; from a file of SHA-256 {source_sha256}",
        checkpoint.step
    );
    let path = args.out.join(format!("{stem}_{what}.png"));
    write_gray16(&path, made, &Mark::new(MADE_BY, &how))?;
    if args.dicom {
        let pixels: Vec<u16> =
            made.data().iter().map(|v| (v.clamp(0.0, 1.0) * 4095.0).round() as u16).collect();
        let image = SyntheticImage {
            pixels: &pixels,
            width: made.width(),
            height: made.height(),
            bits_stored: 12,
            // The networks see every breast from the left.
            laterality: Laterality::Left,
            view: None,
            patient_id: "synthetic",
            series_description: what,
            derivation: &how,
            uid_seed: &format!("translate/{source_sha256}/{what}/{}", checkpoint.tensors_sha256),
            spacing_mm: None,
        };
        write_synthetic(&path.with_extension("dcm"), &image)?;
    }
    Ok(path)
}
