//! One rotation: generators, detectors, and what the detectors say of the judged part, table by table.

use super::altered::through_files;
use super::config::DetectionConfig;
use super::detectors::{
    Detectors, MEASURES, MEASURES_GRADIENT, MEASURES_PLAIN, MEASURES_RESIZE, NETWORK, NETWORK_GRADIENT,
    NETWORK_RESIZE,
};
use super::gatherings::{Gatherings, step_name};
use super::images::{Judged, Makers, RESIZE, TRANSPOSED, folder_of};
use super::parts::Roles;
use super::{classifier, detectors, effects, generators, images, places, readers};
use crate::detect::judge::{Pair, Scored, score};
use crate::experiment::masses;
use crate::run::RunFolder;
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_detect::{GradientAttack, Handling, Spliced};
use mammo_models::Upsampling;

/// The detectors that most tables show.
const MAIN: [&str; 3] = [MEASURES_PLAIN, MEASURES, NETWORK];

/// Change of an image that counts as painted, as a share of the range.
const PAINTED: f32 = 0.05;

/// The attack on the network itself.
const EVASION: GradientAttack = GradientAttack { reach: 2.0 / 255.0, steps: 10 };

/// Runs a rotation; false when an end has been asked for.
pub(super) fn run(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    gathered: &mut Gatherings,
) -> anyhow::Result<bool> {
    let Some(transposed) = generators::train(config, folder, roles, Upsampling::Transposed)? else {
        return Ok(false);
    };
    let Some(resize) = generators::train(config, folder, roles, Upsampling::Resize)? else {
        return Ok(false);
    };
    let Some(identity) = generators::identity(config, roles)? else { return Ok(false) };
    let Some(malignancy) = classifier::train(config, roles)? else { return Ok(false) };
    let makers = Makers { transposed, resize, identity, malignancy };
    let judged = images::judged(config, folder, roles, &makers)?;
    let learned = images::learned(folder, roles, &makers)?;
    let Some(detectors) = detectors::train(config, folder, roles, &learned)? else { return Ok(false) };

    let mut judging = Judging {
        config,
        folder,
        roles,
        judged: &judged,
        detectors: &detectors,
        gathered,
        whole: Vec::new(),
    };
    judging.generators()?;
    judging.controls()?;
    judging.handlings()?;
    judging.steps()?;
    judging.attacks(&makers)?;
    judging.evasion()?;
    judging.splices()?;
    judging.sizes();
    Ok(true)
}

/// A rotation with its detectors trained: a method a table.
struct Judging<'a> {
    config: &'a DetectionConfig,
    folder: &'a RunFolder,
    roles: Roles<'a>,
    judged: &'a Judged,
    detectors: &'a Detectors,
    gathered: &'a mut Gatherings,
    /// What detectors say of the images of the whole training, which stand in several tables.
    whole: Vec<(&'static str, Vec<Scored>)>,
}

impl Judging<'_> {
    fn pairs(&self, altered: &[Plane]) -> Vec<Pair> {
        let planes = self.judged.originals.iter().zip(altered);
        let images = self.roles.judged.iter().zip(planes);
        images
            .map(|(image, (original, modified))| Pair {
                patient: image.record.patient_id.to_string(),
                label: image.label,
                original: original.clone(),
                modified: modified.clone(),
            })
            .collect()
    }

    /// A row of a table for each of some detectors.
    fn row(
        &mut self,
        table: &'static str,
        detectors: &[&'static str],
        row: &str,
        altered: &[Plane],
    ) -> anyhow::Result<()> {
        let pairs = self.pairs(altered);
        for name in detectors {
            let scored = score(self.detectors.get(name)?, &pairs, Handling::AsItIs)?;
            self.gathered.scores.add(table, name, row, scored);
        }
        Ok(())
    }

    /// The same for the images of the generator with transposed convolutions after its whole training.
    fn row_of_whole(
        &mut self,
        table: &'static str,
        detectors: &[&'static str],
        row: &str,
    ) -> anyhow::Result<()> {
        for name in detectors {
            let scored = self.of_whole(name)?;
            self.gathered.scores.add(table, name, row, scored);
        }
        Ok(())
    }

    fn of_whole(&mut self, name: &'static str) -> anyhow::Result<Vec<Scored>> {
        if let Some((_, known)) = self.whole.iter().find(|(own, _)| *own == name) {
            return Ok(known.clone());
        }
        let pairs = self.pairs(&self.judged.transposed);
        let scored = score(self.detectors.get(name)?, &pairs, Handling::AsItIs)?;
        self.whole.push((name, scored.clone()));
        Ok(scored)
    }

    fn generators(&mut self) -> anyhow::Result<()> {
        let known = [MEASURES_PLAIN, MEASURES, NETWORK, MEASURES_RESIZE, NETWORK_RESIZE];
        self.row_of_whole("generators", &known, TRANSPOSED)?;
        self.row("generators", &known, RESIZE, &self.judged.resize)
    }

    fn controls(&mut self) -> anyhow::Result<()> {
        let [sixteen, eight] = &self.judged.again;
        self.row("controls", &MAIN, "originals as 16-bit PNG once more", sixteen)?;
        self.row("controls", &MAIN, "originals as 8-bit PNG", eight)?;
        self.row("controls", &MAIN, "generator that changes nothing", &self.judged.identity)
    }

    fn handlings(&mut self) -> anyhow::Result<()> {
        let pairs = self.pairs(&self.judged.transposed);
        for name in MAIN {
            for handling in Handling::JUDGED {
                let scored = match handling {
                    Handling::AsItIs => self.of_whole(name)?,
                    _ => score(self.detectors.get(name)?, &pairs, handling)?,
                };
                self.gathered.scores.add("handlings", name, &handling.to_string(), scored);
            }
        }
        Ok(())
    }

    /// By training of the generator, with the readers; and everybody on the images of the whole training.
    fn steps(&mut self) -> anyhow::Result<()> {
        let (judged, last) = (self.judged, self.config.preset.train.steps);
        for (step, altered) in &judged.steps {
            let row = step_name(*step);
            if *step == last {
                self.row_of_whole("steps", &[MEASURES, NETWORK], &row)?;
            } else {
                self.row("steps", &[MEASURES, NETWORK], &row, altered)?;
            }
            self.gathered.said.extend(readers::read(
                self.config,
                self.roles,
                &row,
                &judged.originals,
                altered,
            )?);
        }
        for name in [MEASURES, NETWORK] {
            let scored = self.of_whole(name)?;
            self.gathered.say(name, &step_name(last), self.roles, &scored);
        }
        Ok(())
    }

    fn attacks(&mut self, makers: &Makers) -> anyhow::Result<()> {
        let judged = self.judged;
        let known = [MEASURES, NETWORK, MEASURES_GRADIENT, NETWORK_GRADIENT];
        let measure = |row: &str, altered: &[Plane]| {
            effects::measure(row, &makers.malignancy, self.roles, &judged.originals, altered)
        };
        const OF_GAN: &str = "CycleGAN, transposed";
        let mut found = measure("none", &judged.originals)?;
        found.extend(measure(OF_GAN, &judged.transposed)?);
        for (name, altered) in &judged.attacks {
            found.extend(measure(name, altered)?);
        }
        self.gathered.effects.extend(found);
        self.row_of_whole("attacks", &known, OF_GAN)?;
        judged.attacks.iter().try_for_each(|(name, altered)| self.row("attacks", &known, name, altered))
    }

    fn evasion(&mut self) -> anyhow::Result<()> {
        let network = self.detectors.get(NETWORK)?.network().context("a network")?;
        let altered = &self.judged.transposed;
        let sub = folder_of(self.roles, "evasion");
        let what = "altered and moved against a detector";
        let moved = through_files(self.folder, &sub, self.roles.judged, what, |i, _| {
            Ok(EVASION.apply(network, &altered[i], true)?)
        })?;
        self.row("evasion", &MAIN, "altered, then moved by 2 levels against the network", &moved)
    }

    fn splices(&mut self) -> anyhow::Result<()> {
        let (roles, judged) = (self.roles, self.judged);
        let seed = self.config.seed.derive(&roles.folder());
        let planes = judged.originals.iter().zip(&judged.transposed).enumerate();
        let spliced: Vec<Spliced> = planes
            .map(|(i, (original, altered))| {
                let radius = original.width().min(original.height()) as f64 / 8.0;
                Spliced::draw(original, altered, radius..=radius, &mut seed.stream_at("splice", i as u64))
            })
            .collect();
        let planes: Vec<Plane> = spliced.iter().map(|s| s.plane.clone()).collect();
        self.row("splices", &MAIN, "a disc of the altered image in the original", &planes)?;
        let network = self.detectors.get(NETWORK)?;
        self.gathered.places.extend(places::places(network, roles, &spliced)?);
        if roles.rotation == 0 {
            places::draw(self.folder, network, roles, &judged.originals, &judged.transposed, &spliced)?;
        }
        Ok(())
    }

    /// Areas of what was taken out and put in.
    fn sizes(&mut self) {
        let planes = self.judged.originals.iter().zip(&self.judged.transposed);
        for (image, (original, altered)) in self.roles.judged.iter().zip(planes) {
            let area = match image.label {
                Label::Cancer => masses(image).map_or(0, |mask| mask.count()),
                Label::Healthy => {
                    let change = original.zip(altered, |a, b| (a - b).abs());
                    change.data().iter().filter(|v| **v > PAINTED).count()
                }
            };
            self.gathered.sizes.push((image.label, area));
            self.gathered.patients.insert(image.record.patient_id.to_string());
        }
    }
}
