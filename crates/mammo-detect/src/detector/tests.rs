use super::*;
use rand::Rng;

/// Cloudy pictures on air; altered ones carry a faint pattern of two pixels.
fn samples(n: usize, strength: f32, seed: u64) -> Vec<Sample> {
    (0..n)
        .map(|i| {
            let mut random = Seed(seed).stream_at("clouds", i as u64);
            let waves: Vec<[f32; 4]> =
                (0..12).map(|_| [0; 4].map(|_| random.random_range(-0.3..0.3))).collect();
            let grain: Vec<f32> = (0..64 * 64).map(|_| random.random_range(-0.02..0.02)).collect();
            let draw = |pattern: f32, shift: usize| {
                Plane::from_fn(64, 64, |x, y| {
                    if x > 56 {
                        return 0.0;
                    }
                    let wave = |w: &[f32; 4]| (w[0] * x as f32 + w[1] * y as f32 + 9.0 * w[2]).sin() * w[3];
                    let sign = if (x + y) % 2 == 0 { pattern } else { -pattern };
                    let clouds = waves.iter().map(wave).sum::<f32>();
                    0.5 + 0.1 * clouds + grain[(y * 64 + x + shift) % (64 * 64)] + sign
                })
            };
            Sample {
                patient: format!("{seed}/{i}"),
                original: draw(0.0, 0),
                modified: vec![draw(strength, if strength == 0.0 { 777 } else { 0 })],
            }
        })
        .collect()
}

fn plain() -> DetectorSettings {
    DetectorSettings { handled_copies: 0, ..DetectorSettings::default() }
}

fn train(samples: &[Sample], settings: &DetectorSettings) -> Detector {
    Detector::train(samples, settings, &mut |_, _| true).unwrap().unwrap()
}

/// Area under the ROC curve of pictures that were not trained on, and the share of originals that are flagged.
fn judged(detector: &Detector, samples: &[Sample]) -> (f64, f64) {
    let mut scores = Vec::new();
    for sample in samples {
        scores.push((false, detector.score(&sample.original).unwrap()));
        scores.push((true, detector.score(&sample.modified[0]).unwrap()));
    }
    let alarms = scores.iter().filter(|s| !s.0 && s.1.flagged).count() as f64 / samples.len() as f64;
    (auc(&scores.iter().map(|s| (s.0, s.1.log_odds)).collect::<Vec<_>>()), alarms)
}

#[test]
fn a_faint_pattern_is_found_by_measures_on_patients_that_were_not_seen() {
    let detector = train(&samples(40, 0.004, 1), &plain());
    assert!(detector.file().unseen_auc > 0.9, "{}", detector.file().unseen_auc);
    let (auc, alarms) = judged(&detector, &samples(60, 0.004, 2));
    assert!(auc > 0.9 && alarms < 0.2, "{auc} {alarms}");
    assert!(matches!(detector.places(&samples(1, 0.0, 2)[0].original), Err(DetectError::NoPlaces)));
}

#[test]
fn a_network_finds_it_too_and_says_where() {
    let settings = DetectorSettings { method: Method::Network { epochs: 12 }, ..plain() };
    let detector = train(&samples(30, 0.01, 1), &settings);
    let (auc, _) = judged(&detector, &samples(20, 0.01, 2));
    assert!(auc > 0.9, "{auc}");
    let sample = &samples(1, 0.01, 3)[0];
    let half =
        Plane::from_fn(
            64,
            64,
            |x, y| if y < 32 { sample.modified[0].get(x, y) } else { sample.original.get(x, y) },
        );
    let (map, tissue) = detector.places(&half).unwrap();
    let mean = |rows: std::ops::Range<usize>| {
        rows.flat_map(|y| (0..6).map(move |x| (x, y))).map(|(x, y)| f64::from(map.get(x, y))).sum::<f64>()
    };
    assert!(mean(0..3) > mean(5..8) + 1.0, "{map:?}");
    assert_eq!((map.width(), map.height(), tissue.get(0, 0)), (8, 8, 1.0));
}

#[test]
fn without_a_difference_there_is_nothing_to_find() {
    let auc = train(&samples(60, 0.0, 3), &plain()).file().unseen_auc;
    assert!((auc - 0.5).abs() < 0.16, "{auc}");
}

#[test]
fn handled_copies_make_it_blind_to_handling() {
    // Trained on images as they are alone, a blur moves all scores; trained under handling, it does so far less.
    let (given, judged) = (samples(40, 0.01, 6), samples(30, 0.01, 7));
    let moved = |copies: usize| {
        let detector = train(&given, &DetectorSettings { handled_copies: copies, ..plain() });
        let score = |plane: &Plane| detector.score(plane).unwrap().log_odds;
        let mut random = Seed(1).stream("blur");
        let pairs: Vec<(bool, f64)> = judged
            .iter()
            .flat_map(|s| {
                let blurred = Handling::Blur(1.0).apply(&s.original, &mut random);
                [(false, score(&s.original)), (true, score(&blurred))]
            })
            .collect();
        (auc(&pairs) - 0.5).abs()
    };
    assert!(moved(4) < moved(0), "{} {}", moved(4), moved(0));
}

#[test]
fn the_order_of_the_samples_does_not_matter_and_a_file_holds_all_of_it() {
    for method in [Method::Measures { ridge: 1.0 }, Method::Network { epochs: 1 }] {
        let settings = DetectorSettings { method, handled_copies: 1, ..DetectorSettings::default() };
        let mut given = samples(12, 0.01, 4);
        let one = train(&given, &settings);
        given.reverse();
        assert_eq!(one.file(), train(&given, &settings).file());
        let text = serde_json::to_string(one.file()).unwrap();
        let again = Detector::from_file(serde_json::from_str(&text).unwrap()).unwrap();
        let plane = &samples(1, 0.01, 5)[0].original;
        assert_eq!(again.score(plane).unwrap(), one.score(plane).unwrap());
    }
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let good = samples(12, 0.01, 5);
    let refused = |s: &[Sample], settings: DetectorSettings| {
        Detector::train(s, &settings, &mut |_, _| true).err().unwrap().to_string()
    };
    assert!(refused(&good[..8], plain()).contains("at least 10"));
    assert!(refused(&good, DetectorSettings { false_alarm_rate: 0.0, ..plain() }).contains("false alarm"));
    assert!(refused(&good, DetectorSettings { folds: 20, ..plain() }).contains("12 patients for 20 folds"));
    let without = Method::Network { epochs: 0 };
    assert!(refused(&good, DetectorSettings { method: without, ..plain() }).contains("1 epoch"));
    let mut mixed = good.clone();
    mixed[3].modified[0] = Plane::filled(70, 64, 0.5);
    assert!(refused(&mixed, plain()).contains("70 x 64"));
}

#[test]
fn images_that_cannot_be_scored_are_refused_by_both_methods() {
    let good = samples(12, 0.01, 5);
    for method in [Method::Measures { ridge: 1.0 }, Method::Network { epochs: 1 }] {
        let detector = train(&good, &DetectorSettings { method, ..plain() });
        for (plane, part) in [
            (Plane::filled(64, 64, 0.3), "constant"),
            (Plane::filled(64, 64, 0.0), "constant"),
            (good[0].original.map(|_| f32::NAN), "finite"),
            (Plane::filled(32, 64, 0.3), "32 x 64"),
        ] {
            let message = detector.score(&plane).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let mut file = detector.file().clone();
        file.schema = "mammo-detector/1".to_owned();
        assert!(Detector::from_file(file).err().unwrap().to_string().contains("mammo-detector/1"));
        let mut file = detector.file().clone();
        file.calibration.slope = f64::NAN;
        assert!(Detector::from_file(file).err().unwrap().to_string().contains("calibration"));
    }
}
