//! Who is in a release: people, breasts, views, categories and lesions.

use mammo_core::{AcrDensity, BiRads, Laterality, Seed, ViewPosition};
use rand::Rng;

use crate::PhantomConfig;
use crate::lesion::{LesionKind, LesionSpec};

/// One image to be made and what the release says of it.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) file_id: String,
    pub(crate) patient: String,
    pub(crate) laterality: Laterality,
    pub(crate) view: ViewPosition,
    pub(crate) density: AcrDensity,
    pub(crate) birads: BiRads,
    /// Year and half-year, `YYYYSS` as INbreast prints it.
    pub(crate) date: String,
    pub(crate) lesion: Option<LesionSpec>,
    /// Coarse benign calcifications, which do not make a breast suspicious.
    pub(crate) benign_calcification: bool,
    pub(crate) seed: Seed,
}

/// Draws everyone. The frequencies of density and BI-RADS are those counted in INbreast.
pub(crate) fn plan(config: &PhantomConfig) -> Vec<Planned> {
    let mut images = Vec::new();
    for patient in 0..config.patients {
        let mut rng = config.seed.stream_at("phantom/patient", patient as u64);
        let name = format!("{:016x}", rng.random::<u64>());
        let density = pick(&mut rng, &[(1u8, 136), (2, 146), (3, 99), (4, 28)]);
        let density = AcrDensity::new(density).unwrap_or_else(|_| unreachable!("classes are 1 to 4"));
        let date =
            pick(&mut rng, &[("200801", 8), ("200802", 22), ("200901", 82), ("200902", 72), ("201001", 226)]);
        let ill = if rng.random_bool(0.5) { Laterality::Left } else { Laterality::Right };
        let has_lesion = rng.random_bool(config.lesion_fraction);
        let one_breast = rng.random_bool(config.one_breast_fraction);
        let suspicious = pick(
            &mut rng,
            &[
                (BiRads::ProbablyBenign, 23),
                (BiRads::SuspiciousLow, 13),
                (BiRads::SuspiciousModerate, 8),
                (BiRads::SuspiciousHigh, 22),
                (BiRads::HighlySuggestive, 49),
                (BiRads::Proven, 8),
            ],
        );
        let lesion = lesion(suspicious, config.lesion_contrast, &mut rng);
        let other = if rng.random_bool(67.0 / 287.0) { BiRads::Negative } else { BiRads::Benign };
        let benign_calcification = other == BiRads::Benign && rng.random_bool(0.3);
        for laterality in [Laterality::Left, Laterality::Right] {
            if one_breast && laterality != ill {
                continue;
            }
            let carries = has_lesion && laterality == ill;
            for view in [ViewPosition::Cc, ViewPosition::Mlo] {
                let index = images.len() as u64;
                let jitter = config.seed.stream_at("phantom/file", index).random_range(0..97u64);
                images.push(Planned {
                    file_id: format!("{:08}", 20_580_000 + 97 * index + jitter),
                    patient: name.clone(),
                    laterality,
                    view,
                    density,
                    birads: if carries { suspicious } else { other },
                    date: date.to_owned(),
                    lesion: carries.then_some(lesion),
                    benign_calcification: benign_calcification && !carries,
                    seed: config.seed.derive(&format!("phantom/image/{index}")),
                });
            }
        }
    }
    images
}

fn lesion(birads: BiRads, contrast: [f32; 2], rng: &mut impl Rng) -> LesionSpec {
    let kind = match (birads, rng.random_range(0..100)) {
        (_, 0..6) => LesionKind::Cluster,
        (_, 6..22) => LesionKind::Calcified,
        (BiRads::ProbablyBenign | BiRads::SuspiciousLow, 22..85) => LesionKind::Smooth,
        (BiRads::ProbablyBenign | BiRads::SuspiciousLow, _) => LesionKind::Spiculated,
        (_, 22..45) => LesionKind::Smooth,
        _ => LesionKind::Spiculated,
    };
    LesionSpec {
        kind,
        radius: rng.random_range(0.046..0.080),
        contrast: rng.random_range(contrast[0]..contrast[1]),
    }
}

/// Draws one of some values with integer weights.
fn pick<T: Copy>(rng: &mut impl Rng, choices: &[(T, u32)]) -> T {
    let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.random_range(0..total);
    for (value, weight) in choices {
        if left < *weight {
            return *value;
        }
        left -= weight;
    }
    choices[0].0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn file_ids_are_unique_and_lesions_have_their_categories() {
        let images = plan(&PhantomConfig { patients: 200, ..PhantomConfig::default() });
        let ids: BTreeSet<_> = images.iter().map(|i| &i.file_id).collect();
        assert_eq!(ids.len(), images.len());
        assert!(images.iter().all(|i| i.file_id.len() == 8));
        assert!(images.iter().all(|i| i.lesion.is_some() == (i.birads >= BiRads::ProbablyBenign)));
        let with_mass = images.iter().filter_map(|i| i.lesion).filter(|l| l.kind.has_mass()).count();
        let lesions = images.iter().filter(|i| i.lesion.is_some()).count();
        let share = with_mass as f64 / lesions as f64;
        assert!((0.8..1.0).contains(&share), "{share}");
    }
}
