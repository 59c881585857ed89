//! The images of a rotation: originals, and all that was made of them.

use super::altered::{originals, other_label, read_again, through_files};
use super::classifier::{ATTACKS, ITERATED};
use super::config::DetectionConfig;
use super::generators;
use super::parts::Roles;
use crate::run::{RunFolder, StudyImage};
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_detect::{GradientAttack, Handling};
use mammo_train::{CycleGan, IdentityGenerator, TrainedClassifier};

/// Sets of altered images.
pub(super) const TRANSPOSED: &str = "transposed";
pub(super) const RESIZE: &str = "resize";

/// What a CycleGAN's images are marked with.
const CHANGED: &str = "malignant features changed by a CycleGAN";

/// A name as part of a path: without commas, with hyphens for blanks.
pub(super) fn slug(name: &str) -> String {
    name.replace(',', "").replace(' ', "-")
}

/// Everything that alters images.
pub(super) struct Makers {
    pub(super) transposed: CycleGan,
    pub(super) resize: CycleGan,
    pub(super) identity: IdentityGenerator,
    /// What gradient attacks are aimed at.
    pub(super) malignancy: TrainedClassifier,
}

/// The judged part.
pub(super) struct Judged {
    pub(super) originals: Vec<Plane>,
    pub(super) transposed: Vec<Plane>,
    pub(super) resize: Vec<Plane>,
    pub(super) identity: Vec<Plane>,
    /// By the generator with transposed convolutions after so many steps; the last are those of the whole training.
    pub(super) steps: Vec<(usize, Vec<Plane>)>,
    pub(super) attacks: Vec<(&'static str, Vec<Plane>)>,
    /// The originals once more through an encoder of 16 bits and of 8.
    pub(super) again: [Vec<Plane>; 2],
}

/// The detectors' part, and what detectors learn from.
pub(super) struct Learned {
    pub(super) originals: Vec<Plane>,
    pub(super) altered: [(&'static str, Vec<Plane>); 3],
}

/// Sub-folder of a set of a rotation.
pub(super) fn folder_of(roles: Roles, name: &str) -> String {
    format!("{}/images/{}", roles.folder(), slug(name))
}

fn moved(attack: GradientAttack, makers: &Makers, image: &StudyImage) -> anyhow::Result<Plane> {
    Ok(attack.apply(&makers.malignancy, &image.prepared.plane, image.label == Label::Cancer)?)
}

/// Makes all sets of the judged part.
pub(super) fn judged(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    makers: &Makers,
) -> anyhow::Result<Judged> {
    let write =
        |name: &str, what: &str, make: &(dyn Fn(usize, &StudyImage) -> anyhow::Result<Plane> + Sync)| {
            through_files(folder, &folder_of(roles, name), roles.judged, what, make)
        };
    let originals = originals(folder, &folder_of(roles, "original"), roles.judged)?;
    let transposed = write(TRANSPOSED, CHANGED, &|_, image| other_label(&makers.transposed, image))?;
    let resize = write(RESIZE, CHANGED, &|_, image| other_label(&makers.resize, image))?;
    let reproduced = "reproduced by a generator that is to change nothing";
    let identity =
        write("identity", reproduced, &|_, image| Ok(makers.identity.reproduce(&image.prepared.plane)?))?;
    let mut attacks = Vec::new();
    for (name, attack) in ATTACKS {
        let what = format!("changed against a classifier: {name}");
        attacks.push((name, write(name, &what, &|_, image| moved(attack, makers, image))?));
    }
    let sixteen = write("encoded again", "encoded once more", &|i, _| Ok(originals[i].clone()))?;
    let eight = |plane: &Plane| Handling::EightBits.apply(plane, &mut config.seed.stream("controls"));
    let again = [sixteen, originals.iter().map(eight).collect()];
    let mut steps = Vec::new();
    for &step in &config.preset.early_steps {
        steps.push((step, read_again(folder, &generators::early_folder(roles, step), roles.judged)?));
    }
    steps.push((config.preset.train.steps, transposed.clone()));
    Ok(Judged { originals, transposed, resize, identity, steps, attacks, again })
}

/// Makes the sets that detectors learn from.
pub(super) fn learned(folder: &RunFolder, roles: Roles, makers: &Makers) -> anyhow::Result<Learned> {
    let write = |name: &str, make: &(dyn Fn(&StudyImage) -> anyhow::Result<Plane> + Sync)| {
        let sub = folder_of(roles, &format!("detectors {name}"));
        through_files(folder, &sub, roles.detectors, CHANGED, |_, image| make(image))
    };
    let iterated = ATTACKS.iter().find(|(name, _)| *name == ITERATED).context("the iterated attack")?.1;
    Ok(Learned {
        originals: originals(folder, &folder_of(roles, "detectors original"), roles.detectors)?,
        altered: [
            (TRANSPOSED, write(TRANSPOSED, &|image| other_label(&makers.transposed, image))?),
            (RESIZE, write(RESIZE, &|image| other_label(&makers.resize, image))?),
            (ITERATED, write("gradient", &|image| moved(iterated, makers, image))?),
        ],
    })
}
