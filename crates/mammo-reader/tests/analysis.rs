//! The analysis of ratings whose properties are known.

use mammo_core::{ImageId, Label, PatientId, Seed};
use mammo_reader::{AnalysisError, Arm, Exp1Plan, Question, Rating, SourceImage, StudyDesign, analyse};
use mammo_readout::{TestMethod, VarianceMethod};
use rand::{Rng, seq::SliceRandom};
use rand_distr::StandardNormal;

fn design() -> StudyDesign {
    let sources: Vec<SourceImage> = (0..40)
        .map(|i| SourceImage {
            id: ImageId::new(format!("{i:02}")),
            patient: PatientId::new(format!("{i:02}")),
            label: if i < 20 { Label::Healthy } else { Label::Cancer },
        })
        .collect();
    StudyDesign::draw(Exp1Plan::default(), &sources, Seed(3)).unwrap()
}

/// Readers who see the source's label with some skill and the alteration with none.
fn ratings(seed: u64, readers: usize) -> Vec<Rating> {
    let (design, mut random) = (design(), Seed(seed).stream("test"));
    let mut ratings = Vec::new();
    for reader in 0..readers {
        for case in &design.cases {
            for question in [Question::Malignancy, Question::Tampering] {
                let noise: f64 = random.sample(StandardNormal);
                let cancer = case.label == Label::Cancer && question == Question::Malignancy;
                let rating = (3.0 + noise + f64::from(u8::from(cancer))).round().clamp(1.0, 5.0);
                ratings.push(case.rated(&format!("r{reader}"), question, rating, false));
            }
        }
    }
    ratings
}

#[test]
fn the_order_of_lines_changes_nothing() {
    let mut shuffled = ratings(1, 3);
    let analysis = analyse(&shuffled).unwrap();
    shuffled.shuffle(&mut Seed(2).stream("shuffle"));
    assert_eq!(analyse(&shuffled).unwrap(), analysis);
}

#[test]
fn each_number_says_what_it_is() {
    let analysis = analyse(&ratings(1, 3)).unwrap();
    assert!(!analysis.simulated);
    assert_eq!((analysis.readers.len(), analysis.n_cases, analysis.n_pairs), (3, 60, 20));
    for reader in &analysis.readers {
        let m = reader.malignancy.as_ref().unwrap();
        assert_eq!(m.originals_minus_modified.method, TestMethod::Clustered);
        assert_eq!(m.originals_minus_modified_delong_unpaired.method, TestMethod::DeLongUnpaired);
        let pairs = m.originals_minus_modified_delong_pairs.as_ref().unwrap();
        assert_eq!(pairs.method, TestMethod::DeLongPaired);
        // The intended label is the opposite of the source's, so its area is the complement.
        let sum = m.modified_vs_source_label.estimate.auc + m.modified_vs_intended_label.estimate.auc;
        assert!((sum - 1.0).abs() < 1e-12);
        let t = reader.tampering.as_ref().unwrap();
        assert_eq!(t.detection.estimate.variance, VarianceMethod::Clustered);
        assert_eq!(t.detection_delong.variance, VarianceMethod::DeLong);
        assert_eq!(t.detection.estimate.auc, t.detection_delong.auc);
        assert!((t.detection.curve.auc() - t.detection.estimate.auc).abs() < 1e-12);
    }
    let pooled = analysis.pooled.malignancy.as_ref().unwrap();
    let mean = |f: fn(&mammo_reader::MalignancyReading) -> f64| {
        analysis.readers.iter().map(|r| f(r.malignancy.as_ref().unwrap())).sum::<f64>() / 3.0
    };
    assert!((pooled.originals.auc - mean(|m| m.originals.estimate.auc)).abs() < 1e-12);
    assert!(pooled.originals.n_pos == 15 && pooled.originals.n_neg == 15);
}

/// With one reader the jackknife must give about what the analytic clustered variance gives.
#[test]
fn the_jackknife_of_one_reader_agrees_with_the_clustered_error() {
    for seed in 1..6 {
        let analysis = analyse(&ratings(seed, 1)).unwrap();
        let reader = &analysis.readers[0];
        let pooled = analysis.pooled.malignancy.as_ref().unwrap();
        let m = reader.malignancy.as_ref().unwrap();
        for (jackknife, analytic) in [
            (pooled.originals.se, m.originals.estimate.se),
            (pooled.originals_minus_modified.se, m.originals_minus_modified.se),
            (
                analysis.pooled.tampering.as_ref().unwrap().detection.se,
                reader.tampering.as_ref().unwrap().detection.estimate.se,
            ),
        ] {
            assert!((jackknife / analytic - 1.0).abs() < 0.1, "{jackknife} {analytic}");
        }
    }
}

#[test]
fn people_and_programs_do_not_mix_and_gaps_are_named() {
    let mut mixed = ratings(1, 2);
    mixed.last_mut().unwrap().simulated = true;
    assert!(matches!(analyse(&mixed), Err(AnalysisError::Mixed { .. })));
    assert_eq!(analyse(&[]), Err(AnalysisError::Empty));
    let only_originals: Vec<_> = ratings(1, 1).into_iter().filter(|r| r.arm == Arm::Original).collect();
    let message = analyse(&only_originals).unwrap_err().to_string();
    assert!(message.contains("r0, malignancy"), "{message}");
    // A study that asks one question only is whole.
    let malignancy: Vec<_> =
        ratings(1, 2).into_iter().filter(|r| r.question == Question::Malignancy).collect();
    let analysis = analyse(&malignancy).unwrap();
    assert!(analysis.readers[0].tampering.is_none() && analysis.pooled.tampering.is_none());
}
