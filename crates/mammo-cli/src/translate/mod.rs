//! `mammo translate`: images through the generators of a finished run. Everything that comes out is marked.
//!
//! Networks see every breast with the chest wall at the left. PNG files show what came out of them as it is, so that they can
//! go in again; DICOM files are mirrored back where the source was mirrored, so that their pixels lie as those of the source
//! and contradict neither Image Laterality nor Patient Orientation.

mod original;
mod results;

use crate::Ending;
use crate::output::print;
use crate::run::RunFolder;
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use fs_err as fs;
use mammo_core::{Laterality, Mask};
use mammo_dataset::ingest::PreparedSet;
use mammo_train::{Checkpoint, CycleGan};
use original::{FileOptions, Input, Original};
use results::{Format, Results};
use std::collections::BTreeMap;
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
    /// The chest wall is at the right edge, and the picture is mirrored first
    Right,
}

impl From<Side> for Laterality {
    fn from(side: Side) -> Self {
        match side {
            Side::Left => Self::Left,
            Side::Right => Self::Right,
        }
    }
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

    /// DICOM, PNG, TIFF or PGM, or the folder of a prepared set, of which every image is taken. A grey PNG of the networks'
    /// size is taken as it is; every other file is prepared as the run prepared its images: breast alone, chest wall at
    /// the left, the networks' size and range
    #[arg(required = true, value_name = "IN")]
    images: Vec<PathBuf>,

    /// Folder for the results, of the networks' size, each with a side-car
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// What is written: 16-bit PNG as the networks see it, DICOM that lies as its source does, or both
    #[arg(long, default_value = "png")]
    format: Format,

    /// The side of the body of pictures that do not say it; DICOM files and prepared sets do. Without it they are prepared as
    /// left breasts, and not written as DICOM
    #[arg(long)]
    side: Option<Side>,

    /// The pictures are digitised films, whose background is not black
    #[arg(long)]
    film: bool,

    /// Where to change the image, for networks that are told (roi_channel): the ellipse in this box, in pixels of the networks' size
    #[arg(long, value_name = "LEFT,TOP,RIGHT,BOTTOM")]
    region: Option<Bounds>,
}

/// The box around an ellipse, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds([f32; 4]);

impl std::str::FromStr for Bounds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[left, top, right, bottom])
                if left >= 0.0
                    && top >= 0.0
                    && left < right
                    && top < bottom
                    && bottom.is_finite()
                    && right.is_finite() =>
            {
                Ok(Self([left, top, right, bottom]))
            }
            _ => Err(format!(
                "{text:?} is no region; write left,top,right,bottom in pixels, such as 40,60,64,88"
            )),
        }
    }
}

impl Bounds {
    fn ellipse(self, width: usize, height: usize) -> Mask {
        let [left, top, right, bottom] = self.0;
        let (x0, y0) = (f32::midpoint(left, right), f32::midpoint(top, bottom));
        let (a, b) = ((right - left) / 2.0, (bottom - top) / 2.0);
        Mask::from_fn(width, height, |x, y| {
            ((x as f32 + 0.5 - x0) / a).powi(2) + ((y as f32 + 0.5 - y0) / b).powi(2) <= 1.0
        })
    }
}

/// `mammo translate`.
pub(crate) fn run(args: &TranslateArgs) -> anyhow::Result<Ending> {
    RunFolder::existing(&args.run)?;
    // The networks that translated the run's own images.
    let (model, checkpoint) = CycleGan::load_best(&args.run)?;
    let region =
        args.region.map(|bounds| bounds.ellipse(checkpoint.config.width_px, checkpoint.config.height_px));
    if checkpoint.config.generator.roi_channel && region.is_none() {
        bail!(
            "{}: the networks of this run are told where to change an image; give --region LEFT,TOP,RIGHT,BOTTOM in pixels of \
             their {} columns and {} rows",
            args.run.display(),
            checkpoint.config.width_px,
            checkpoint.config.height_px
        );
    }
    let sets = sets(args, &checkpoint)?;
    let inputs = inputs(args, &sets)?;
    let options = FileOptions {
        size_px: (checkpoint.config.width_px, checkpoint.config.height_px),
        side: args.side.map(Laterality::from),
        is_film: args.film,
    };
    let results = Results {
        folder: &args.out,
        format: args.format,
        what: args.direction.done(),
        checkpoint: &checkpoint,
    };
    results.check_apart(&args.images, inputs.keys())?;
    let mut identified = 0;
    for (name, input) in &inputs {
        let original = Original::read(input, &options)?;
        let made = match args.direction {
            Direction::Inject => match &region {
                Some(region) => model.inject_at(&original.plane, region)?,
                None => model.inject(&original.plane)?,
            },
            Direction::Remove => match &region {
                Some(region) => model.remove_at(&original.plane, region)?,
                None => model.remove(&original.plane)?,
            },
        };
        for path in results.write(name, &original, &made)? {
            print(&format!("{}\n", path.display()))?;
        }
        identified += usize::from(original.dicom.is_some_and(|source| !source.is_deidentified));
    }
    if args.format.has_dicom() && identified > 0 {
        eprintln!(
            "note: {identified} of the DICOM sources do not say that their patient's identity was removed (0012,0062); the \
             results hold their SOP Instance UIDs, and nothing else of theirs"
        );
    }
    Ok(Ending::Done)
}

/// The prepared sets among the inputs, by their folders.
fn sets(args: &TranslateArgs, checkpoint: &Checkpoint) -> anyhow::Result<BTreeMap<PathBuf, PreparedSet>> {
    let (width, height) = (checkpoint.config.width_px, checkpoint.config.height_px);
    let mut sets = BTreeMap::new();
    for path in args.images.iter().filter(|path| path.is_dir()) {
        let set = PreparedSet::open(path)?;
        if (set.size().height_px(), set.size().width_px()) != (height, width) {
            bail!(
                "{}: the pictures of this set have {} pixels (height x width) and the networks of the run take \
                 {height}x{width}; make a set with mammo ingest --size {height}x{width}",
                path.display(),
                set.size()
            );
        }
        sets.insert(path.clone(), set);
    }
    Ok(sets)
}

/// Everything that is to be translated, by the names of the results. That it is there and that no two results would have one
/// name is known before anything is written.
fn inputs<'a>(
    args: &'a TranslateArgs,
    sets: &'a BTreeMap<PathBuf, PreparedSet>,
) -> anyhow::Result<BTreeMap<String, Input<'a>>> {
    let mut all: Vec<(PathBuf, Input<'a>)> = Vec::new();
    for path in &args.images {
        if let Some(set) = sets.get(path) {
            let of_set = set.records().iter();
            all.extend(of_set.map(|record| (path.join(&record.file), Input::Prepared(set, record))));
        } else {
            fs::metadata(path)?;
            all.push((path.clone(), Input::File(path)));
        }
    }
    let mut inputs: BTreeMap<String, (PathBuf, Input<'a>)> = BTreeMap::new();
    for (path, input) in all {
        let name = path.file_stem().and_then(|s| s.to_str());
        let name = name.with_context(|| format!("{}: no file name", path.display()))?.to_owned();
        if let Some((other, _)) = inputs.get(&name) {
            bail!(
                "{} and {} would both be called {name}; translate them into different folders",
                other.display(),
                path.display()
            );
        }
        inputs.insert(name, (path, input));
    }
    Ok(inputs.into_iter().map(|(name, (_, input))| (name, input)).collect())
}

/// Where a path lies with all links followed, also where its end is not made yet.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&absolute);
    let rest = absolute.strip_prefix(there).unwrap_or(Path::new(""));
    fs::canonicalize(there).map_or(absolute.clone(), |there| there.join(rest))
}
