use super::{
    Reference, Summary, against,
    table::{count, fixed, limits, p_text, table, test_cells},
    tests_of, value,
};
use crate::mrmc::{
    BootstrapAnalysis, CovarianceMethod, DbmAnalysis, FigureOfMerit, Flag, GallasAnalysis, Inference,
    MomentEstimator, OrAnalysis, StandaloneComparison,
};
use std::fmt::Write;

const TEST_COLUMNS: [&str; 6] = ["estimate", "SE", "interval", "t", "df", "p"];

fn flags_text(flags: &[Flag]) -> String {
    let mut out = String::new();
    if !flags.is_empty() {
        out.push_str("\nTake note\n");
        for flag in flags {
            let _ = writeln!(out, "- {flag}");
        }
    }
    out
}

fn with_first(name: &str, cells: Vec<String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

fn by_reader(
    readers: &[String],
    treatments: &[String],
    values: &[Vec<f64>],
    se: Option<&[Vec<f64>]>,
) -> String {
    let header: Vec<&str> = std::iter::once("reader").chain(treatments.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = readers
        .iter()
        .enumerate()
        .map(|(r, reader)| {
            let cell = |t: usize| match se {
                Some(se) => format!("{:.4} ({:.4})", values[t][r], se[t][r]),
                None => fixed(values[t][r], 4),
            };
            with_first(reader, (0..treatments.len()).map(cell).collect())
        })
        .collect();
    table(&header, &rows)
}

fn inference(title: &str, view: &Inference) -> String {
    let mut out = format!("\n{title}\n");
    if let Some(test) = view.overall {
        let statistic = test.statistic.map_or_else(|| "-".to_owned(), |s| fixed(s, 3));
        let _ = match test.df2 {
            Some(df2) => writeln!(
                out,
                "equal treatments: F({}, {df2:.2}) = {statistic}, p = {}",
                test.df1,
                p_text(test.p)
            ),
            None => writeln!(
                out,
                "equal treatments: chi-square({}) = {statistic}, p = {}",
                test.df1,
                p_text(test.p)
            ),
        };
    }
    let header: Vec<&str> = std::iter::once("").chain(TEST_COLUMNS).collect();
    let differences =
        view.differences.iter().map(|d| with_first(&format!("{} - {}", d.a, d.b), test_cells(&d.test)));
    let means =
        view.treatments.iter().map(|m| with_first(&against(&m.treatment, &m.test), test_cells(&m.test)));
    out.push_str(&table(&header, &means.chain(differences).collect::<Vec<_>>()));
    let means = view.treatments.iter().map(|m| (m.treatment.as_str(), m.logit_limits));
    out.push_str(&logit_line(&mut means.collect::<Vec<_>>().into_iter()));
    out
}

/// Limits of means on the logit scale, which keep their coverage near 0 and 1.
fn logit_line(means: &mut dyn Iterator<Item = (&str, Option<(f64, f64)>)>) -> String {
    let parts: Vec<String> =
        means.filter_map(|(name, l)| l.map(|(low, high)| format!("{name}: {}", limits(low, high)))).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("intervals on the logit scale: {}\n", parts.join("; "))
    }
}

fn head(
    method: &str,
    fom: &str,
    truth: &str,
    readers: usize,
    treatments: usize,
    n_pos: usize,
    n_neg: usize,
) -> String {
    format!(
        "{method}: {fom}, scored against {truth:?}\n{}, {}, {n_pos} positive and {n_neg} negative cases\n\n",
        count(readers, "reader"),
        count(treatments, "treatment"),
    )
}

fn percent(level: f64) -> String {
    format!("{}%", (level * 1e4).round() / 100.0)
}

/// How the figure of merit takes ties, or which curve it belongs to, with its source.
fn curves(fom: FigureOfMerit, references: &mut Vec<Reference>) -> String {
    match fom {
        FigureOfMerit::BinormalAuc => {
            references.push(Reference::DorfmanAlf);
            format!(", and binormal curves were fitted by maximum likelihood [{}]", references.len())
        }
        FigureOfMerit::Auc | FigureOfMerit::PartialAuc { .. } => " and ties count one half".to_owned(),
        _ => String::new(),
    }
}

impl Summary {
    /// An Obuchowski-Rockette analysis.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{MrmcSettings, Reading, Study, obuchowski_rockette}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let summary = Summary::obuchowski_rockette(&obuchowski_rockette(&study, MrmcSettings::default())?);
    /// assert!(summary.text().contains("Hillis"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn obuchowski_rockette(a: &OrAnalysis) -> Self {
        let fom = a.settings.fom.name();
        let sizes = (a.readers.len(), a.treatments.len());
        let mut out = head("Obuchowski-Rockette", &fom, &a.truth, sizes.0, sizes.1, a.n_pos, a.n_neg);
        let _ = writeln!(out, "{fom} (standard error over cases)");
        out.push_str(&by_reader(&a.readers, &a.treatments, &a.values, Some(&a.standard_errors)));
        out.push_str(&inference("Readers and cases random", &a.random_readers_random_cases));
        out.push_str(&inference("Readers fixed, cases random", &a.fixed_readers_random_cases));
        out.push_str(&inference("Readers random, cases fixed", &a.random_readers_fixed_cases));
        let c = &a.components;
        let rows: Vec<Vec<String>> = [
            ("Var(reader)", c.var_r),
            ("Var(treatment x reader)", c.var_tr),
            ("Var(error)", Some(c.var_error)),
            ("Cov1 (same reader)", c.cov1),
            ("Cov2 (same treatment)", Some(c.cov2)),
            ("Cov3 (neither)", c.cov3),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(vec![name.to_owned(), format!("{:.8}", value?)]))
        .collect();
        let _ = write!(out, "\n{}", table(&["component", "estimate"], &rows));
        out.push_str(&flags_text(&a.flags));
        let (covariance, reference) = match (a.settings.covariance, a.clusters) {
            (CovarianceMethod::Jackknife, None) => {
                ("the jackknife over cases [3]".to_owned(), Reference::Hillis2005)
            }
            (CovarianceMethod::Jackknife, Some(n)) => {
                (format!("the jackknife over {n} clusters of dependent cases [3]"), Reference::Hillis2005)
            }
            (CovarianceMethod::DeLong, None) => {
                ("the method of DeLong et al. [3]".to_owned(), Reference::DeLong)
            }
            (CovarianceMethod::DeLong, Some(n)) => (
                format!("Obuchowski's method for {n} clusters of dependent cases [3]"),
                Reference::Obuchowski1997,
            ),
            (CovarianceMethod::Unbiased, _) => {
                ("unbiased U-statistics [3]".to_owned(), Reference::Gallas2006)
            }
        };
        let mut references = vec![Reference::ObuchowskiRockette, Reference::Hillis2007, reference];
        let curves = curves(a.settings.fom, &mut references);
        let methods = format!(
            "{fom} was computed for each of {} readers under {} from {} positive and {} negative cases, scored \
             against {:?}; a higher rating counts as more positive{curves}. Treatments were compared by the \
             Obuchowski-Rockette method [1] with denominator degrees of freedom after Hillis [2], covariances being \
             estimated by {covariance}. Tests are two-sided and intervals have {} coverage; p-values are not adjusted for \
             multiple comparisons.",
            sizes.0,
            count(sizes.1, "treatment"),
            a.n_pos,
            a.n_neg,
            a.truth,
            percent(a.settings.level),
        );
        let tests = tests_of(&a.random_readers_random_cases);
        let (method, analysis) = ("obuchowski_rockette", value(a));
        Self { method, analysis, table: out, methods, references, tests, margins: None }
    }

    /// A Dorfman-Berbaum-Metz analysis.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{MrmcSettings, Reading, Study, dorfman_berbaum_metz}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let summary = Summary::dorfman_berbaum_metz(&dorfman_berbaum_metz(&study, MrmcSettings::default())?);
    /// assert!(summary.methods().contains("pseudovalues"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn dorfman_berbaum_metz(a: &DbmAnalysis) -> Self {
        let fom = a.settings.fom.name();
        let sizes = (a.readers.len(), a.treatments.len());
        let mut out = head("Dorfman-Berbaum-Metz", &fom, &a.truth, sizes.0, sizes.1, a.n_pos, a.n_neg);
        out.push_str(&by_reader(&a.readers, &a.treatments, &a.values, None));
        out.push_str(&inference("Readers and cases random", &a.random_readers_random_cases));
        out.push_str(&inference("Readers fixed, cases random", &a.fixed_readers_random_cases));
        out.push_str(&inference("Readers random, cases fixed", &a.random_readers_fixed_cases));
        let c = &a.components;
        let rows: Vec<Vec<String>> = [
            ("Var(reader)", c.var_r),
            ("Var(case)", c.var_c),
            ("Var(treatment x reader)", c.var_tr),
            ("Var(treatment x case)", c.var_tc),
            ("Var(reader x case)", c.var_rc),
            ("Var(all three, error)", c.var_trc),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(vec![name.to_owned(), format!("{:.8}", value?)]))
        .collect();
        if !rows.is_empty() {
            let _ = write!(out, "\n{}", table(&["component", "estimate"], &rows));
        }
        out.push_str(&flags_text(&a.flags));
        let mut references = vec![Reference::DorfmanBerbaumMetz, Reference::HillisBerbaumMetz];
        let curves = curves(a.settings.fom, &mut references);
        let methods = format!(
            "{fom} was computed for each of {} readers under {} from {} positive and {} negative cases, scored \
             against {:?}; a higher rating counts as more positive{curves}. Jackknife pseudovalues were compared by analysis of variance after Dorfman, Berbaum and Metz [1] \
             with the error terms and degrees of freedom of Hillis et al. [2]. Tests are two-sided and intervals have {} \
             coverage; p-values are not adjusted for multiple comparisons.",
            sizes.0,
            count(sizes.1, "treatment"),
            a.n_pos,
            a.n_neg,
            a.truth,
            percent(a.settings.level),
        );
        let tests = tests_of(&a.random_readers_random_cases);
        let (method, analysis) = ("dorfman_berbaum_metz", value(a));
        Self { method, analysis, table: out, methods, references, tests, margins: None }
    }

    /// A Gallas analysis.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{GallasSettings, Reading, Study, gallas}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let summary = Summary::gallas(&gallas(&study, GallasSettings::default())?);
    /// assert_eq!(summary.json()["method"], "gallas");
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn gallas(a: &GallasAnalysis) -> Self {
        let fom = a.settings.fom.name();
        let readers: std::collections::BTreeSet<&str> = a.readers.iter().map(|r| r.reader.as_str()).collect();
        let mut out = head("Gallas", &fom, &a.truth, readers.len(), a.treatments.len(), a.n_pos, a.n_neg);
        let rows: Vec<Vec<String>> = a
            .readers
            .iter()
            .filter(|r| r.value.is_some())
            .map(|r| {
                let se = match r.variance {
                    Some(v) if v < -1e-15 => "negative".to_owned(),
                    Some(v) => fixed(v.max(0.0).sqrt(), 4),
                    None => "-".to_owned(),
                };
                let value = r.value.map_or_else(String::new, |v| fixed(v, 4));
                vec![
                    r.reader.clone(),
                    r.treatment.clone(),
                    value,
                    se,
                    r.n_pos.to_string(),
                    r.n_neg.to_string(),
                ]
            })
            .collect();
        out.push_str(&table(&["reader", "treatment", &fom, "SE", "positive", "negative"], &rows));
        out.push_str("\nReaders and cases random\n");
        let header: Vec<&str> = std::iter::once("").chain(TEST_COLUMNS).collect();
        let means =
            a.treatments.iter().map(|m| with_first(&against(&m.treatment, &m.test), test_cells(&m.test)));
        let differences =
            a.differences.iter().map(|d| with_first(&format!("{} - {}", d.a, d.b), test_cells(&d.test)));
        out.push_str(&table(&header, &means.chain(differences).collect::<Vec<_>>()));
        let means = a.treatments.iter().map(|m| (m.treatment.as_str(), m.logit_limits));
        out.push_str(&logit_line(&mut means.collect::<Vec<_>>().into_iter()));
        out.push_str(&flags_text(&a.flags));
        let moments = match a.settings.moments {
            MomentEstimator::Unbiased => "unbiased U-statistics [1, 2]",
            MomentEstimator::Empirical => "moments of the empirical distribution [2]",
        };
        let methods = format!(
            "{fom} was averaged over readers, each weighted by the pairs of a positive and a negative case that he or she \
             read, and scored against {:?} ({} positive and {} negative cases, {} readings missing from a fully crossed \
             design). Its variance over readers and cases was estimated by {moments}, with Satterthwaite degrees of freedom \
             [3]. Tests are two-sided and intervals have {} coverage; p-values are not adjusted for multiple comparisons.",
            a.truth,
            a.n_pos,
            a.n_neg,
            a.missing,
            percent(a.settings.level),
        );
        let references =
            vec![Reference::Gallas2006, Reference::Gallas2009, Reference::ObuchowskiGallasHillis];
        let means = a.treatments.iter().map(|m| (against(&m.treatment, &m.test), m.test));
        let differences = a.differences.iter().map(|d| (format!("{} - {}", d.a, d.b), d.test));
        let tests = means.chain(differences).collect();
        let (method, analysis) = ("gallas", value(a));
        Self { method, analysis, table: out, methods, references, tests, margins: None }
    }

    /// Readers against one that stands alone.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{MrmcSettings, Reading, Study, compare_with_standalone}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let study = study.select_treatments(&["original"])?;
    /// let summary = Summary::standalone(&compare_with_standalone(&study, "r2", MrmcSettings::default())?);
    /// assert!(summary.text().contains("mean of readers - r2"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn standalone(a: &StandaloneComparison) -> Self {
        let mut out = format!("Readers against {}: {}\n\n", a.standalone, a.fom.name());
        let mut rows = vec![vec![a.standalone.clone(), fixed(a.standalone_value, 4)]];
        rows.extend(a.readers.iter().zip(&a.values).map(|(r, v)| vec![r.clone(), fixed(*v, 4)]));
        out.push_str(&table(&["reader", &a.fom.name()], &rows));
        out.push('\n');
        let header: Vec<&str> = std::iter::once("").chain(TEST_COLUMNS).collect();
        let name = format!("mean of readers - {}", a.standalone);
        out.push_str(&table(&header, &[with_first(&name, test_cells(&a.test))]));
        out.push_str(&flags_text(&a.flags));
        let methods = format!(
            "The mean {} of {} readers was compared with that of {} on the same cases: each reader's difference entered a \
             single-treatment Obuchowski-Rockette model [1] with degrees of freedom after Hillis [2]; readers and cases \
             are samples, {} is fixed. The interval has {} coverage.",
            a.fom.name(),
            a.readers.len(),
            a.standalone,
            a.standalone,
            percent(a.test.level),
        );
        let references = vec![Reference::ObuchowskiRockette, Reference::Hillis2007];
        let tests = vec![(name, a.test)];
        let (method, analysis) = ("standalone", value(a));
        Self { method, analysis, table: out, methods, references, tests, margins: None }
    }

    /// A bootstrap.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{BootstrapSettings, Reading, Study, bootstrap}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let settings = BootstrapSettings { replicates: 200, ..BootstrapSettings::default() };
    /// assert!(Summary::bootstrap(&bootstrap(&study, settings)?).text().contains("200 replicates"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn bootstrap(a: &BootstrapAnalysis) -> Self {
        let row = |e: &crate::mrmc::BootstrapEstimate| {
            vec![
                e.name.clone(),
                fixed(e.estimate, 4),
                fixed(e.se, 4),
                limits(e.ci_low, e.ci_high),
                fixed(e.bias, 4),
            ]
        };
        let rows: Vec<Vec<String>> = a.treatments.iter().chain(&a.differences).map(row).collect();
        let mut out =
            format!("Bootstrap, {} replicates, seed {}\n\n", a.settings.replicates, a.settings.seed);
        out.push_str(&table(&["", "AUC", "SE", "percentile interval", "bias"], &rows));
        out.push_str(&flags_text(&a.flags));
        let drawn = match a.settings.resample {
            crate::mrmc::Resample::ReadersAndCases => "readers, and cases within each class",
            crate::mrmc::Resample::Cases => "cases within each class",
            crate::mrmc::Resample::Readers => "readers",
        };
        let methods = format!(
            "Reader-averaged areas under the ROC curve were resampled {} times (seed {}), drawing {drawn}; intervals are \
             percentiles with {} coverage. With few readers the variance of this bootstrap is biased [1].",
            a.settings.replicates,
            a.settings.seed,
            percent(a.settings.level)
        );
        Self {
            method: "bootstrap",
            analysis: value(a),
            table: out,
            methods,
            references: vec![Reference::Gallas2009],
            tests: Vec::new(),
            margins: None,
        }
    }
}
