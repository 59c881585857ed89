//! One rotation: generators, detectors, and what the detectors say of the judged part.

use super::altered::{originals, other_label, through_files};
use super::classifier::{ATTACKS, ITERATED};
use super::config::DetectionConfig;
use super::parts::{Parts, Roles};
use super::places::{Place, Spliced, splice};
use super::results::{AttackEffect, Results};
use super::scores::{Gathered, Named};
use super::{classifier, generators, places, readers};
use crate::detect::beside::{Said, beside, readers_alone};
use crate::detect::judge::{Pair, Scored, score};
use crate::detect::train_detector;
use crate::exp1::masses;
use crate::run::{RunFolder, StudyImage, parallel};
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_detect::{DetectorSettings, GradientAttack, Handling, Method, Sample};
use mammo_forensics::structural_similarity;
use mammo_models::Upsampling;
use mammo_readout::{Interval, clustered};
use mammo_train::TrainedClassifier;
use std::collections::{BTreeMap, BTreeSet};

/// Names of the detectors in tables.
pub(super) const MEASURES_PLAIN: &str = "measures, never handled";
pub(super) const MEASURES: &str = "measures";
pub(super) const NETWORK: &str = "network";
const MEASURES_RESIZE: &str = "measures of the resize generator";
const NETWORK_RESIZE: &str = "network of the resize generator";
const MEASURES_GRADIENT: &str = "measures of the gradient attack";
const NETWORK_GRADIENT: &str = "network of the gradient attack";

/// Sets of altered images.
pub(super) const TRANSPOSED: &str = "transposed";
const RESIZE: &str = "resize";
const IDENTITY: &str = "identity";

/// Change of an image that counts as painted, as a share of the range.
const PAINTED: f32 = 0.05;

/// The attack on the network itself.
const EVASION: GradientAttack = GradientAttack { reach: 2.0 / 255.0, steps: 10 };

/// What rotations have found.
#[derive(Default)]
pub(super) struct Gatherings {
    scores: Gathered,
    said: Vec<Said>,
    places: Vec<Place>,
    effects: Vec<Effect>,
    /// Areas of lesions taken out and of changes put in, in pixels, by image.
    sizes: BTreeMap<String, (Label, usize)>,
    patients: BTreeSet<String>,
    judged: usize,
}

/// An attack on one image.
struct Effect {
    attack: String,
    patient: String,
    cancer: bool,
    logit: f64,
    mean_change: f64,
    largest_change: f64,
    similarity: f64,
}

/// Runs a rotation; false when an end has been asked for.
pub(super) fn run(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    gathered: &mut Gatherings,
) -> anyhow::Result<bool> {
    let sub = |name: &str| format!("{}/images/{}", roles.folder(), slug(name));
    let Some(transposed) = generators::train(config, folder, roles, Upsampling::Transposed)? else {
        return Ok(false);
    };
    let Some(resize) = generators::train(config, folder, roles, Upsampling::Resize)? else {
        return Ok(false);
    };
    let Some(identity) = generators::identity(config, roles)? else { return Ok(false) };
    let Some(malignancy) = classifier::train(config, roles)? else { return Ok(false) };

    let judged = originals(folder, &sub("original"), roles.judged)?;
    let changed = "malignant features changed by a CycleGAN";
    let by_transposed =
        through_files(folder, &sub(TRANSPOSED), roles.judged, changed, |i| other_label(&transposed, i))?;
    let by_resize = through_files(folder, &sub(RESIZE), roles.judged, changed, |i| other_label(&resize, i))?;
    let by_identity = through_files(
        folder,
        &sub(IDENTITY),
        roles.judged,
        "reproduced by a generator that is to change nothing",
        |i| Ok(identity.reproduce(&i.prepared.plane)?),
    )?;
    let gradient = |attack: GradientAttack, image: &StudyImage| {
        Ok(attack.apply(&malignancy, &image.prepared.plane, image.label == Label::Cancer)?)
    };
    let mut by_attacks = Vec::new();
    for (name, attack) in ATTACKS {
        let what = format!("changed against a classifier: {name}");
        by_attacks
            .push((name, through_files(folder, &sub(name), roles.judged, &what, |i| gradient(attack, i))?));
    }

    // The detectors' own part, altered in each way that they learn from.
    let learned = originals(folder, &sub("detectors-original"), roles.detectors)?;
    let learn = |name: &str, make: &(dyn Fn(&StudyImage) -> anyhow::Result<Plane> + Sync)| {
        through_files(folder, &sub(&format!("detectors-{name}")), roles.detectors, changed, make)
    };
    let sets = [
        (TRANSPOSED, learn(TRANSPOSED, &|i| other_label(&transposed, i))?),
        (RESIZE, learn(RESIZE, &|i| other_label(&resize, i))?),
        (
            ITERATED,
            learn("gradient", &|i| {
                let attack =
                    ATTACKS.iter().find(|(name, _)| *name == ITERATED).context("the iterated attack")?.1;
                gradient(attack, i)
            })?,
        ),
    ];
    let Some(detectors) = detectors(config, folder, roles, &learned, &sets)? else { return Ok(false) };
    let by_name = |name: &str| {
        let found = detectors.iter().find(|d| d.name == name);
        found.map(|d| &d.detector).context("a detector of the list")
    };

    let pairs = |altered: &[Plane]| pairs(roles, &judged, altered);
    let as_it_is = |table, set: &[&'static str], row: &str, altered: &[Plane], gathered: &mut Gatherings| {
        let pairs = pairs(altered);
        for name in set {
            gathered.scores.add(table, name, row, score(by_name(name)?, &pairs, Handling::AsItIs)?);
        }
        anyhow::Ok(())
    };
    let of_generators = [MEASURES_PLAIN, MEASURES, NETWORK, MEASURES_RESIZE, NETWORK_RESIZE];
    as_it_is("generators", &of_generators, TRANSPOSED, &by_transposed, gathered)?;
    as_it_is("generators", &of_generators, RESIZE, &by_resize, gathered)?;

    let main = [MEASURES_PLAIN, MEASURES, NETWORK];
    let again = through_files(folder, &sub("encoded-again"), roles.judged, "encoded once more", |image| {
        let at = roles.judged.iter().position(|i| i.record.image_id == image.record.image_id);
        Ok(judged[at.context("an image of the part")?].clone())
    })?;
    let eight: Vec<Plane> = judged
        .iter()
        .map(|plane| Handling::EightBits.apply(plane, &mut config.seed.stream("controls")))
        .collect();
    as_it_is("controls", &main, "originals as 16-bit PNG once more", &again, gathered)?;
    as_it_is("controls", &main, "originals as 8-bit PNG", &eight, gathered)?;
    as_it_is("controls", &main, "generator that changes nothing", &by_identity, gathered)?;

    let whole = pairs(&by_transposed);
    for name in main {
        for handling in Handling::JUDGED {
            let scored = score(by_name(name)?, &whole, handling)?;
            gathered.scores.add("handlings", name, &handling.to_string(), scored);
        }
    }

    let steps = config
        .preset
        .early_steps
        .iter()
        .map(|&step| Ok((step, generators::early_images(folder, roles, step)?)));
    let mut steps = steps.collect::<anyhow::Result<Vec<_>>>()?;
    steps.push((config.preset.train.steps, by_transposed.clone()));
    for (step, altered) in &steps {
        as_it_is("steps", &[MEASURES, NETWORK], &step_name(*step), altered, gathered)?;
        gathered.said.extend(readers::read(config, roles, &step_name(*step), &judged, altered)?);
    }
    for name in [MEASURES, NETWORK] {
        let scored = score(by_name(name)?, &whole, Handling::AsItIs)?;
        gathered.say(name, &step_name(config.preset.train.steps), roles, &scored);
        gathered.scores.add("by image", name, TRANSPOSED, scored);
    }

    gathered.effects.extend(effects("none", &malignancy, roles, &judged, &judged)?);
    for (name, altered) in
        std::iter::once((TRANSPOSED, &by_transposed)).chain(by_attacks.iter().map(|(n, p)| (*n, p)))
    {
        let row = if name == TRANSPOSED { "CycleGAN, transposed" } else { name };
        let known = [MEASURES, NETWORK, MEASURES_GRADIENT, NETWORK_GRADIENT];
        as_it_is("attacks", &known, row, altered, gathered)?;
        gathered.effects.extend(effects(row, &malignancy, roles, &judged, altered)?);
    }

    let network = by_name(NETWORK)?;
    let moved = through_files(
        folder,
        &sub("evasion"),
        roles.judged,
        "altered and moved against a detector",
        |image| {
            let at = roles.judged.iter().position(|i| i.record.image_id == image.record.image_id);
            let altered = &by_transposed[at.context("an image of the part")?];
            let inner = network.network().context("a network")?;
            Ok(EVASION.apply(inner, altered, true)?)
        },
    )?;
    as_it_is("evasion", &main, "altered, then moved by 2 levels against the network", &moved, gathered)?;

    let spliced: Vec<Spliced> = judged
        .iter()
        .zip(&by_transposed)
        .enumerate()
        .map(|(i, (original, altered))| splice(original, altered, config.seed.derive(&roles.folder()), i))
        .collect();
    let planes: Vec<Plane> = spliced.iter().map(|s| s.plane.clone()).collect();
    as_it_is("splices", &main, "a disc of the altered image in the original", &planes, gathered)?;
    gathered.places.extend(places::places(network, roles, &spliced)?);
    if roles.rotation == 0 {
        places::draw(folder, network, roles, &judged, &by_transposed, &spliced)?;
    }

    for (image, (original, altered)) in roles.judged.iter().zip(judged.iter().zip(&by_transposed)) {
        let area = match image.label {
            Label::Cancer => masses(image).map_or(0, |mask| mask.count()),
            Label::Healthy => {
                original.zip(altered, |a, b| (a - b).abs()).data().iter().filter(|v| **v > PAINTED).count()
            }
        };
        gathered.sizes.insert(image.record.image_id.to_string(), (image.label, area));
        gathered.patients.insert(image.record.patient_id.to_string());
    }
    gathered.judged += roles.judged.len();
    Ok(true)
}

/// A name as part of a path: without commas, with hyphens for blanks.
fn slug(name: &str) -> String {
    name.replace(',', "").replace(' ', "-")
}

/// A row's name for a number of steps.
pub(super) fn step_name(step: usize) -> String {
    format!("{step} steps")
}

fn pairs(roles: Roles, originals: &[Plane], altered: &[Plane]) -> Vec<Pair> {
    let planes = originals.iter().zip(altered);
    roles
        .judged
        .iter()
        .zip(planes)
        .map(|(image, (original, modified))| Pair {
            patient: image.record.patient_id.to_string(),
            label: image.label,
            original: original.clone(),
            modified: modified.clone(),
        })
        .collect()
}

/// Trains every detector and writes it below `detectors/`; `None` when an end has been asked for.
fn detectors(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    originals: &[Plane],
    sets: &[(&str, Vec<Plane>); 3],
) -> anyhow::Result<Option<Vec<Named>>> {
    let dir = folder.subfolder(&format!("{}/detectors", roles.folder()))?;
    let measures = Method::Measures { ridge: 1.0 };
    let network = Method::Network { epochs: config.preset.network_epochs };
    let wanted = [
        (MEASURES_PLAIN, measures, 0, TRANSPOSED),
        (MEASURES, measures, 3, TRANSPOSED),
        (NETWORK, network, 2, TRANSPOSED),
        (MEASURES_RESIZE, measures, 3, RESIZE),
        (NETWORK_RESIZE, network, 2, RESIZE),
        (MEASURES_GRADIENT, measures, 3, ITERATED),
        (NETWORK_GRADIENT, network, 2, ITERATED),
    ];
    let mut trained = Vec::new();
    for (name, method, handled_copies, set) in wanted {
        let altered = &sets.iter().find(|(own, _)| *own == set).context("a set of the list")?.1;
        let samples: Vec<Sample> = roles
            .detectors
            .iter()
            .zip(originals.iter().zip(altered))
            .map(|(image, (original, modified))| Sample {
                patient: image.record.patient_id.to_string(),
                original: original.clone(),
                modified: vec![modified.clone()],
            })
            .collect();
        let seed = config.seed.derive(&format!("{}/{name}", roles.folder()));
        let settings = DetectorSettings { method, handled_copies, seed, ..DetectorSettings::default() };
        let Some(detector) = train_detector(name, &samples, &settings)? else { return Ok(None) };
        mammo_files::write_json(
            &dir.join(format!("{}.json", name.replace([' ', ','], "-"))),
            detector.file(),
        )?;
        trained.push(Named { name, detector });
    }
    Ok(Some(trained))
}

/// What an attack does to the classifier and to the images.
fn effects(
    attack: &str,
    classifier: &TrainedClassifier,
    roles: Roles,
    originals: &[Plane],
    altered: &[Plane],
) -> anyhow::Result<Vec<Effect>> {
    let images: Vec<(&StudyImage, &Plane, &Plane)> =
        roles.judged.iter().zip(originals.iter().zip(altered)).map(|(i, (a, b))| (i, a, b)).collect();
    parallel("measuring", &format!("images: {attack}"), &images, |(image, original, altered)| {
        let change = original.zip(altered, |a, b| (a - b).abs());
        let breast = &image.prepared.breast;
        let inside = change
            .data()
            .iter()
            .zip(breast.data())
            .filter(|(_, inside)| **inside)
            .map(|(v, _)| f64::from(*v));
        Ok(Effect {
            attack: attack.to_owned(),
            patient: image.record.patient_id.to_string(),
            cancer: image.label == Label::Cancer,
            logit: classifier.logit(&mammo_detect::as_seen(altered))?,
            mean_change: inside.sum::<f64>() / breast.count().max(1) as f64,
            largest_change: f64::from(change.min_max().1),
            similarity: structural_similarity(original, altered)?,
        })
    })
}

impl Gatherings {
    /// Adds what a detector says of the judged images to what the readers say.
    fn say(&mut self, name: &str, set: &str, roles: Roles, scored: &[Scored]) {
        for (image, row) in roles.judged.iter().zip(scored) {
            for (modified, rating) in [(false, row.log_odds[1]), (true, row.log_odds[2])] {
                self.said.push(Said {
                    reader: name.to_owned(),
                    machine: true,
                    set: set.to_owned(),
                    case: readers::case(image.record.image_id.as_str(), modified),
                    patient: row.patient.clone(),
                    modified,
                    rating,
                });
            }
        }
    }

    /// Writes every score: `scores.csv`.
    pub(super) fn write_scores(&self, folder: &RunFolder) -> anyhow::Result<()> {
        Ok(mammo_files::write(&folder.path("scores.csv"), self.scores.csv().as_bytes())?)
    }

    /// The tables.
    pub(super) fn results(mut self, config: &DetectionConfig, parts: &Parts) -> anyhow::Result<Results> {
        self.by_size(config, parts);
        let last = step_name(config.preset.train.steps);
        let mut reader_steps = Vec::new();
        for step in config.preset.early_steps.iter().chain([&config.preset.train.steps]) {
            let alone = readers_alone(&self.said, &step_name(*step))?;
            reader_steps.extend(alone.into_iter().map(|reader| (*step, reader.name, reader.auc)));
        }
        let roles = parts.roles(0);
        Ok(Results {
            schema: Results::SCHEMA.to_owned(),
            judged_images: self.judged,
            judged_patients: self.patients.len(),
            generator_images: roles.generators.len(),
            detector_images: roles.detectors.len(),
            generators: self.scores.table("generators")?,
            controls: self.scores.table("controls")?,
            handlings: self.scores.table("handlings")?,
            steps: self.scores.table("steps")?,
            reader_steps,
            sizes: self.scores.table("sizes")?,
            attacks: self.attacks(),
            attack_detection: self.scores.table("attacks")?,
            evasion: self.scores.table("evasion")?,
            readers: beside(&self.said, &last)?,
            splices: self.scores.table("splices")?,
            places: places::area(&self.places),
        })
    }

    /// Cuts each direction into thirds by the area of the lesion or of the change.
    fn by_size(&mut self, config: &DetectionConfig, parts: &Parts) {
        let mut images: Vec<(Label, usize)> = Vec::new();
        for rotation in 0..config.rotations {
            let judged = parts.roles(rotation).judged.iter();
            images.extend(judged.filter_map(|image| self.sizes.get(image.record.image_id.as_str()).copied()));
        }
        for (label, what) in [(Label::Cancer, "lesion taken out"), (Label::Healthy, "change put in")] {
            let mut areas: Vec<usize> =
                images.iter().filter(|i| i.0 == label && i.1 > 0).map(|i| i.1).collect();
            if areas.len() < 6 {
                continue;
            }
            areas.sort_unstable();
            let cut = |third: usize| areas[third * areas.len() / 3];
            let bounds = [(1, cut(1)), (cut(1), cut(2)), (cut(2), usize::MAX)];
            for (low, high) in bounds {
                let row = if high == usize::MAX {
                    format!("{what}, {low} pixels and more")
                } else {
                    format!("{what}, {low} to {} pixels", high.saturating_sub(1))
                };
                for name in [MEASURES, NETWORK] {
                    let scored = self.scores.pairs("by image", name, TRANSPOSED);
                    let picked: Vec<Scored> = scored
                        .iter()
                        .zip(&images)
                        .filter(|(_, image)| image.0 == label && (low..high).contains(&image.1))
                        .map(|(scored, _)| scored.clone())
                        .collect();
                    if !picked.is_empty() {
                        self.scores.add("sizes", name, &row, picked);
                    }
                }
            }
        }
    }

    fn attacks(&self) -> Vec<AttackEffect> {
        let mut names: Vec<&str> = Vec::new();
        for effect in &self.effects {
            if !names.contains(&effect.attack.as_str()) {
                names.push(&effect.attack);
            }
        }
        names
            .into_iter()
            .map(|name| {
                let own: Vec<&Effect> = self.effects.iter().filter(|e| e.attack == name).collect();
                let logits: Vec<f64> = own.iter().map(|e| e.logit).collect();
                let truth: Vec<bool> = own.iter().map(|e| e.cancer).collect();
                let patients: Vec<&str> = own.iter().map(|e| e.patient.as_str()).collect();
                let mean = |of: &(dyn Fn(&Effect) -> f64 + Sync)| {
                    own.iter().map(|e| of(e)).sum::<f64>() / own.len().max(1) as f64
                };
                AttackEffect {
                    name: name.to_owned(),
                    classifier: clustered(&logits, &truth, &patients, Interval::default()).ok(),
                    mean_change: mean(&|e| e.mean_change),
                    largest_change: mean(&|e| e.largest_change),
                    similarity: mean(&|e| e.similarity),
                }
            })
            .collect()
    }
}
