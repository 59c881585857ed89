//! Simulated readers on images of which the answer is known.

use mammo_core::{ImageId, Label, PatientId, Plane, Seed};
use mammo_reader::{
    Analysis, Arm, Exp1Plan, Question, SIMULATED_READERS, SimulatedReader, SimulationError, SourceImage,
    StudyDesign, analyse, simulate_readers, table,
};
use rand::Rng;
use rand_distr::StandardNormal;

const SIDE: usize = 64;

/// A half disc of noisy tissue at the left edge, with a bright blob somewhere inside if `blob` is above zero.
fn breast(seed: Seed, index: u64, blob: f32) -> Plane {
    let mut random = seed.stream_at("breast", index);
    let (cx, cy): (f32, f32) = (random.random_range(10.0..30.0), random.random_range(20.0..44.0));
    Plane::from_fn(SIDE, SIDE, |x, y| {
        let noise: f32 = random.sample(StandardNormal);
        let (x, y) = (x as f32, y as f32);
        if x.hypot(y - 32.0) > 48.0 {
            return 0.0;
        }
        let near = (-((x - cx).powi(2) + (y - cy).powi(2)) / 18.0).exp();
        (0.5 + 0.05 * noise + blob * near).clamp(0.0, 1.0)
    })
}

fn breasts(seed: u64, n: u64, blob: f32) -> Vec<Plane> {
    (0..n).map(|i| breast(Seed(seed), i, blob)).collect()
}

fn auc(positive: &[f64], negative: &[f64]) -> f64 {
    let ratings = [positive, negative].concat();
    let truth: Vec<bool> = (0..ratings.len()).map(|i| i < positive.len()).collect();
    mammo_readout::auc(&ratings, &truth).unwrap()
}

fn refs(planes: &[Plane]) -> Vec<&Plane> {
    planes.iter().collect()
}

#[test]
fn blobs_are_found_where_there_are_blobs_and_nothing_where_there_is_nothing() {
    let (healthy, cancer, nothing) = (breasts(1, 60, 0.0), breasts(2, 60, 0.15), breasts(3, 60, 0.0));
    let (test_healthy, test_cancer) = (breasts(4, 60, 0.0), breasts(5, 60, 0.15));
    for number in 1..=SIMULATED_READERS {
        let reader = SimulatedReader::fit(number, &refs(&healthy), &refs(&cancer), Seed(9)).unwrap();
        let read = |planes: &[Plane], first: u64| -> Vec<f64> {
            (first..).zip(planes).map(|(i, p)| f64::from(reader.malignancy(p, i).rating)).collect()
        };
        let area = auc(&read(&test_cancer, 0), &read(&test_healthy, 1000));
        assert!(area > 0.8, "reader {number}: {area}");

        let blind = SimulatedReader::fit(number, &refs(&healthy), &refs(&nothing), Seed(9)).unwrap();
        let read = |planes: &[Plane], first: u64| -> Vec<f64> {
            (first..).zip(planes).map(|(i, p)| f64::from(blind.malignancy(p, i).rating)).collect()
        };
        let area = auc(&read(&breasts(6, 60, 0.0), 0), &read(&test_healthy, 1000));
        assert!((area - 0.5).abs() < 0.17, "reader {number}: {area}");
    }
}

#[test]
fn a_grid_looks_tampered_to_the_experienced_reader_and_plain_images_do_not() {
    let (healthy, cancer) = (breasts(1, 40, 0.0), breasts(2, 40, 0.15));
    let reader = SimulatedReader::fit(1, &refs(&healthy), &refs(&cancer), Seed(9)).unwrap();
    let read = |planes: &[Plane], first: u64| -> Vec<f64> {
        (first..).zip(planes).map(|(i, p)| reader.tampering(p, i).score).collect()
    };
    let plain = breasts(7, 40, 0.0);
    let grid: Vec<Plane> = breasts(8, 40, 0.0)
        .iter()
        .map(|p| Plane::from_fn(SIDE, SIDE, |x, y| p.get(x, y) * (1.0 + 0.06 * ((x + y) % 2) as f32)))
        .collect();
    assert!(auc(&read(&grid, 0), &read(&plain, 1000)) > 0.9);
    let null = auc(&read(&breasts(9, 40, 0.0), 0), &read(&plain, 1000));
    assert!((null - 0.5).abs() < 0.2, "{null}");
}

#[test]
fn a_simulated_study_is_flagged_reproducible_and_readable() {
    let (healthy, cancer) = (breasts(1, 30, 0.0), breasts(2, 30, 0.15));
    let sources: Vec<SourceImage> = (0..40)
        .map(|i| SourceImage {
            id: ImageId::new(format!("{i:02}")),
            patient: PatientId::new(format!("{i:02}")),
            label: if i < 20 { Label::Healthy } else { Label::Cancer },
        })
        .collect();
    let design = StudyDesign::draw(Exp1Plan::default(), &sources, Seed(3)).unwrap();
    // An attack that does what it means to: the twin shows the opposite label.
    let images: Vec<Plane> = design
        .cases
        .iter()
        .map(|c| {
            let index = c.source.as_str().parse::<u64>().unwrap();
            breast(Seed(4), index, if c.intended_label() == Label::Cancer { 0.15 } else { 0.0 })
        })
        .collect();
    let read =
        || simulate_readers(&refs(&healthy), &refs(&cancer), &design, &refs(&images), Seed(5)).unwrap();
    let ratings = read();
    assert_eq!(ratings, read());
    assert_eq!(ratings.len(), 3 * 60 * 2);
    for r in &ratings {
        assert!(r.simulated && r.reader.starts_with("SIMULATED reader "));
        assert!((1.0..=5.0).contains(&r.rating));
        assert_eq!(r.truth_modified, r.arm == Arm::Modified);
    }
    assert!(ratings.iter().any(|r| r.question == Question::Tampering));

    let analysis = analyse(&ratings).unwrap();
    assert!(analysis.simulated && analysis.n_pairs == 20 && analysis.n_cases == 60);
    let reading = analysis.readers[0].malignancy.as_ref().unwrap();
    assert!(reading.originals.estimate.auc > 0.8);
    assert!(reading.modified_vs_source_label.estimate.auc < 0.2);
    assert!(reading.modified_vs_intended_label.estimate.auc > 0.8);
    assert!(table(&analysis).contains("SIMULATED"));
    let back: Analysis = serde_json::from_str(&serde_json::to_string(&analysis).unwrap()).unwrap();
    assert!(back.simulated && back.notes == analysis.notes);
    let area = back.pooled.malignancy.unwrap().originals.auc;
    assert!((area - analysis.pooled.malignancy.unwrap().originals.auc).abs() < 1e-12);
}

#[test]
fn unusable_images_are_named() {
    let planes = breasts(1, 12, 0.0);
    let all = refs(&planes);
    let fit = |number, healthy: &[&Plane]| SimulatedReader::fit(number, healthy, &all, Seed(1)).unwrap_err();
    assert_eq!(fit(4, &all), SimulationError::UnknownReader { number: 4 });
    assert_eq!(fit(1, &all[..3]), SimulationError::TooFewTraining { healthy: 3, cancer: 12 });
    let mut mixed = all.clone();
    let other = Plane::filled(8, 8, 0.1);
    mixed[2] = &other;
    assert!(matches!(fit(1, &mixed), SimulationError::MixedSizes { width_px: 8, .. }));
    let mut holed = all.clone();
    let nan = Plane::filled(SIDE, SIDE, f32::NAN);
    holed[2] = &nan;
    assert!(matches!(fit(1, &holed), SimulationError::NotFinite { index: 0 | 2 }));
    // Flat and black images are legal, if dull.
    let black: Vec<Plane> = (0..10).map(|_| Plane::filled(SIDE, SIDE, 0.0)).collect();
    let reader = SimulatedReader::fit(1, &refs(&black), &refs(&black), Seed(1)).unwrap();
    assert!(reader.malignancy(&planes[0], 0).score.is_finite());
    assert!(reader.tampering(&planes[0], 0).score.is_finite());
}
