//! From a finished run to a study.

use super::args::DesignArgs;
use crate::experiment::RunConfig;
use crate::held_out::held_out;
use crate::run::MADE_BY;
use crate::run::RunFolder;
use anyhow::bail;
use mammo_core::Seed;
use mammo_reader::Arm;
use mammo_readout::power::{MeanDesign, ReaderModel};
use mammo_room::{Plan, Source, StudyFolder, Truth, draw};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// `mammo study design`.
pub(super) fn run(args: &DesignArgs) -> anyhow::Result<()> {
    let plan = Plan::read(&args.design)?;
    let folder = RunFolder::existing(&args.run)?;
    let mut sources = held_out(&args.run, "late")?;
    if let Some(early) = &args.early {
        RunFolder::existing(early)?;
        add_early(&mut sources, &args.run, early)?;
    }
    let seed = match args.seed {
        Some(seed) => Seed(seed),
        None => folder.config::<RunConfig>()?.seed,
    };
    let truth = draw(&plan, &sources, seed)?;
    if truth.plan.n_images() != plan.n_images() || truth.plan.training_cases != plan.training_cases {
        eprintln!(
            "note: the held-out images of the run allow {} images and {} training images instead of {} and {}",
            truth.plan.n_images(),
            truth.plan.training_cases,
            plan.n_images(),
            plan.training_cases
        );
    }
    // A gap that cannot be kept is to be known now and not when the first reader is added.
    mammo_room::reading_order(&truth, "trial")?;
    StudyFolder::create(&args.out, &truth, &sources, MADE_BY)?;
    eprintln!("{}", summary(&truth, args.readers)?);
    super::say(&args.out.display().to_string())
}

fn add_early(late: &mut [Source], run: &Path, early: &Path) -> anyhow::Result<()> {
    let mut found: BTreeMap<_, _> =
        held_out(early, "early")?.into_iter().map(|s| (s.image.id.clone(), s)).collect();
    for source in late {
        let Some(other) = found.remove(&source.image.id).filter(|o| o.original == source.original) else {
            bail!(
                "{}: its held-out images are not those of {}; make it with the same data, preset and seed and fewer \
                 --steps",
                early.display(),
                run.display()
            );
        };
        source.modified.extend(other.modified);
    }
    Ok(())
}

/// What was drawn, and what so many readers can show with it.
fn summary(truth: &Truth, readers: usize) -> anyhow::Result<String> {
    let count = |arm| truth.cases.iter().filter(|c| c.case.arm == arm).count();
    let (modified, original) = (count(Arm::Modified), count(Arm::Original));
    let mut text = format!(
        "{}: {original} original and {modified} modified images, {} of them in pairs; {} training images; {} sittings\n",
        truth.plan.title,
        2 * truth.pairs().len(),
        truth.training.len(),
        truth.plan.sessions
    );
    if readers < 2 {
        return Ok(text + "power: plan at least two readers; one reader says nothing about others");
    }
    write!(text, "power of {readers} readers at 5 %, readers and cases random (mammo stats power mean):")?;
    let design =
        |auc| MeanDesign { auc, readers, n_pos: modified, n_neg: original, model: ReaderModel::default() };
    for auc in [0.6, 0.7, 0.8] {
        let power = design(auc).power_against(0.5, 0.05)?;
        write!(
            text,
            "\n  to see that modified images are told from originals, if their true AUC is {auc}: {power:.2}"
        )?;
    }
    let fooled = design(0.5).equivalence_power(0.5, 0.1, 0.05)?;
    write!(text, "\n  to show that readers are fooled (AUC within 0.1 of 0.5), if they are: {fooled:.2}")?;
    Ok(text)
}
