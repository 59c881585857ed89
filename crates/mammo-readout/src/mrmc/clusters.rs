//! Cases that depend on each other within clusters, in a study of several readers.

use super::{FigureOfMerit, MrmcError, Study, cell::Cell, covariance};
use crate::clustered::{Cluster, ClusterCounts, cluster_covariance};

/// The cluster of each slot of a cell.
struct Slots {
    negative: Vec<usize>,
    positive: Vec<usize>,
    count: usize,
}

impl Slots {
    /// Each case its own cluster where the study names none.
    fn of(study: &Study) -> Self {
        let numbers = study.cluster_numbers();
        let of_class = |class: bool| {
            let cases = study.cases().iter().enumerate().filter(|(_, case)| case.positive == class);
            cases.map(|(c, _)| numbers.map_or(c, |n| n.of_case[c])).collect()
        };
        let count = numbers.map_or(study.cases().len(), |n| n.count);
        Self { negative: of_class(false), positive: of_class(true), count }
    }
}

/// What each cluster adds to the error of a cell's AUC.
pub(super) struct ClusteredCell {
    clusters: Vec<Cluster>,
    counts: ClusterCounts,
}

impl ClusteredCell {
    pub(super) fn new(study: &Study, cell: &Cell) -> Self {
        let slots = Slots::of(study);
        let auc = cell.auc();
        let (m, n) = (cell.n_pos as f64, cell.n_neg as f64);
        let mut clusters = vec![Cluster::default(); slots.count];
        for (slot, wins) in cell.positive.iter().zip(&cell.wins_of_positive).enumerate() {
            if wins.0.is_some() {
                let cluster = &mut clusters[slots.positive[slot]];
                cluster.positives += 1;
                cluster.from_positives += (wins.1 / n - auc) / m;
            }
        }
        for (slot, wins) in cell.negative.iter().zip(&cell.wins_of_negative).enumerate() {
            if wins.0.is_some() {
                let cluster = &mut clusters[slots.negative[slot]];
                cluster.negatives += 1;
                cluster.from_negatives += (wins.1 / m - auc) / n;
            }
        }
        let count = |of: fn(&Cluster) -> bool| clusters.iter().filter(|c| of(c)).count();
        let counts = ClusterCounts {
            positive: count(|c| c.positives > 0),
            negative: count(|c| c.negatives > 0),
            all: count(|c| c.positives + c.negatives > 0),
        };
        Self { clusters, counts }
    }

    /// Obuchowski's covariance (Biometrics 1997;53:567) over the clusters that both cells have.
    pub(super) fn covariance(&self, other: &Self) -> f64 {
        let read = |c: &Cluster| c.positives + c.negatives > 0;
        let common = self.clusters.iter().zip(&other.clusters).filter(|(a, b)| read(a) && read(b));
        cluster_covariance(common, self.counts, other.counts)
    }
}

/// The figure of merit without each cluster in turn; clusters that were not read leave it as it is.
pub(super) fn leave_one_cluster_out(study: &Study, cell: &Cell, fom: FigureOfMerit) -> Vec<f64> {
    let slots = Slots::of(study);
    let whole = covariance::value(cell, fom);
    let mut members = vec![(Vec::new(), Vec::new()); slots.count];
    for (slot, &cluster) in slots.negative.iter().enumerate().filter(|(i, _)| cell.negative[*i].is_some()) {
        members[cluster].0.push(slot);
    }
    for (slot, &cluster) in slots.positive.iter().enumerate().filter(|(i, _)| cell.positive[*i].is_some()) {
        members[cluster].1.push(slot);
    }
    let without = |all: &[Option<f64>], left_out: &[usize]| -> Vec<f64> {
        all.iter().enumerate().filter(|(i, _)| !left_out.contains(i)).filter_map(|(_, r)| *r).collect()
    };
    members
        .iter()
        .map(|(negative, positive)| match (negative.len(), positive.len()) {
            (0, 0) => whole,
            (n, p) if fom == FigureOfMerit::Auc => {
                let mut left = cell.total
                    - negative.iter().map(|&i| cell.wins_of_negative[i]).sum::<f64>()
                    - positive.iter().map(|&i| cell.wins_of_positive[i]).sum::<f64>();
                // Pairs inside the cluster were taken off twice.
                for x in negative.iter().filter_map(|&i| cell.negative[i]) {
                    for y in positive.iter().filter_map(|&i| cell.positive[i]) {
                        left += if y > x { 1.0 } else { f64::from(u8::from(y == x)) / 2.0 };
                    }
                }
                left / ((cell.n_neg - n) as f64 * (cell.n_pos - p) as f64)
            }
            _ => fom.of(&without(&cell.negative, negative), &without(&cell.positive, positive)),
        })
        .collect()
}

/// Refuses a study in which a cell has fewer than two clusters with positive cases, or with negative ones: without one of
/// them a class would be empty.
pub(super) fn check_clusters(study: &Study, cells: &[Vec<Cell>]) -> Result<(), MrmcError> {
    if study.cluster_numbers().is_none() {
        return Ok(());
    }
    for (t, row) in cells.iter().enumerate() {
        for (r, cell) in row.iter().enumerate() {
            let counts = ClusteredCell::new(study, cell).counts;
            for (class, found) in [("negative", counts.negative), ("positive", counts.positive)] {
                if found < 2 {
                    return Err(MrmcError::TooFewReadings {
                        reader: study.readers()[r].clone(),
                        treatment: study.treatments()[t].clone(),
                        class,
                        found,
                        needed: 2,
                    });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{
        BootstrapSettings, CovarianceMethod, GallasSettings, MrmcSettings, Reading, bootstrap,
        dorfman_berbaum_metz, gallas, obuchowski_rockette,
    };
    use super::*;
    use crate::{ClusteredRatings, Interval, compare_clustered};
    use proptest::prelude::*;

    /// Two readers who agree entirely: the covariances are those of one.
    fn study(rows: &[(u8, bool, u8)], treatments: usize) -> Study {
        let mut readings = Vec::new();
        for (i, &(rating, positive, _)) in rows.iter().enumerate() {
            for reader in ["a", "b"] {
                readings.push(Reading {
                    reader: reader.into(),
                    treatment: (i % treatments).to_string(),
                    case: i.to_string(),
                    positive,
                    rating: f64::from(rating),
                });
            }
        }
        Study::from_readings(readings)
            .unwrap()
            .with_clusters(|case| rows[case.name.parse::<usize>().unwrap()].2.to_string())
    }

    proptest! {
        #[test]
        fn standard_errors_are_those_of_the_clustered_test(
            rows in proptest::collection::vec((0u8..6, any::<bool>(), 0u8..9), 12..40)
        ) {
            let part = |t: usize| -> (Vec<f64>, Vec<bool>, Vec<u8>) {
                let of = rows.iter().enumerate().filter(|(i, _)| i % 2 == t);
                let (r, rest): (Vec<f64>, Vec<(bool, u8)>) = of.map(|(_, r)| (f64::from(r.0), (r.1, r.2))).unzip();
                let (p, c) = rest.into_iter().unzip();
                (r, p, c)
            };
            let (a, b) = (part(0), part(1));
            let arms = ClusteredRatings::new(&a.0, &a.1, &a.2)
                .and_then(|x| Ok((x, ClusteredRatings::new(&b.0, &b.1, &b.2)?)));
            prop_assume!(arms.is_ok());
            let (x, y) = arms.unwrap();
            let test = compare_clustered(&x, &y, Interval::default()).unwrap();
            let settings = MrmcSettings { covariance: CovarianceMethod::DeLong, ..MrmcSettings::default() };
            let got = obuchowski_rockette(&study(&rows, 2), settings).unwrap();
            let own = x.estimate(Interval::default()).unwrap();
            prop_assert!((got.standard_errors[0][0] - own.se).abs() < 1e-12);
            let difference = &got.reader_differences[0].test;
            prop_assert!((difference.estimate - test.difference).abs() < 1e-12);
            // The clustered test replaces an error of zero by a bound.
            let other = y.estimate(Interval::default()).unwrap();
            if [own.se, other.se, difference.se].iter().all(|se| *se > 1e-6) {
                prop_assert!((difference.se - test.se).abs() < 1e-9, "{} {}", difference.se, test.se);
            }
        }

        #[test]
        fn clusters_of_one_case_change_nothing(rows in proptest::collection::vec((0u8..6, any::<bool>()), 16..40)) {
            let rows: Vec<(u8, bool, u8)> = rows.into_iter().zip(0..).map(|((r, p), i)| (r, p, i)).collect();
            let clustered = study(&rows, 2);
            let plain = Study::from_readings(clustered.readings()).unwrap();
            for covariance in [CovarianceMethod::Jackknife, CovarianceMethod::DeLong] {
                let settings = MrmcSettings { covariance, ..MrmcSettings::default() };
                let (Ok(a), Ok(b)) = (obuchowski_rockette(&clustered, settings), obuchowski_rockette(&plain, settings))
                else { continue };
                for (x, y) in a.standard_errors.iter().flatten().zip(b.standard_errors.iter().flatten()) {
                    prop_assert!((x - y).abs() < 1e-10, "{covariance:?} {x} {y}");
                }
            }
        }

        #[test]
        fn leaving_a_cluster_out_is_leaving_its_cases_out(
            rows in proptest::collection::vec((0u8..6, any::<bool>(), 0u8..5), 12..30)
        ) {
            let study = study(&rows, 1);
            let cell = Cell::new(&study, 0, 0);
            prop_assume!(check_clusters(&study, &[vec![cell.clone()]]).is_ok());
            let quick = leave_one_cluster_out(&study, &cell, FigureOfMerit::Auc);
            // The partial area over the whole range takes the way for any figure of merit.
            let slow = leave_one_cluster_out(&study, &cell, FigureOfMerit::PartialAuc { from: 0.0, to: 1.0 });
            for (x, y) in quick.iter().zip(&slow) {
                prop_assert!((x - y).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn methods_that_take_cases_as_independent_refuse_clusters() {
        let rows: Vec<(u8, bool, u8)> = (0..24).map(|i| (i * 7 % 5, i % 3 == 0, i / 2)).collect();
        let study = study(&rows, 1);
        let unbiased = MrmcSettings { covariance: CovarianceMethod::Unbiased, ..MrmcSettings::default() };
        for error in [
            obuchowski_rockette(&study, unbiased).unwrap_err(),
            gallas(&study, GallasSettings::default()).unwrap_err(),
            dorfman_berbaum_metz(&study, MrmcSettings::default()).unwrap_err(),
            bootstrap(&study, BootstrapSettings::default()).unwrap_err(),
        ] {
            assert!(error.to_string().contains("not defined for cases in clusters"), "{error}");
        }
    }
}
