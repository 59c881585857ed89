use super::*;
use crate::{
    mrmc::{Reading, Study},
    power::RoeMetz,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

#[test]
fn plots_are_finite_escaped_and_always_the_same() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let model = RoeMetz::high_correlation(0.01);
    for aucs in [&[0.8, 0.7][..], &[0.6], &[0.9, 0.8, 0.7]] {
        let study = model.study(aucs, 4, 15, 15, &mut rng).unwrap();
        for plot in [
            roc_plot(&study, 0.95).unwrap(),
            reader_plot(&study).unwrap(),
            forest_plot(&study, 0.95).unwrap(),
        ] {
            assert!(plot.starts_with("<svg") && plot.ends_with("</svg>\n"));
            assert!(!plot.contains("NaN") && !plot.contains("inf"));
        }
        // Nothing without an error, and nothing with clusters, upsets a plot.
        let clustered = study.clone().with_clusters(|case| case.name.clone());
        assert!(roc_plot(&clustered, 0.95).unwrap().len() < roc_plot(&study, 0.95).unwrap().len());
        let alike = Study::from_readings(study.readings().map(|r| Reading { rating: 1.0, ..r })).unwrap();
        assert!(!forest_plot(&alike, 0.95).unwrap().contains("NaN"));
        assert_eq!(roc_plot(&study, 0.95).unwrap(), roc_plot(&study, 0.95).unwrap());
    }
    let odd = power_plot("a < b", &[PowerCurve { name: "\"x\" & y".into(), points: vec![] }]);
    assert!(odd.contains("a &lt; b") && odd.contains("&quot;x&quot; &amp; y"));
}
