use super::{
    Reference, Summary,
    table::{fixed, p_text, table, test_cells},
    value,
};
use crate::mrmc::{
    BootstrapAnalysis, CovarianceMethod, DbmAnalysis, Flag, GallasAnalysis, Inference, MomentEstimator,
    OrAnalysis, StandaloneComparison,
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
    let means = view
        .treatments
        .iter()
        .map(|m| with_first(&format!("{} (against {})", m.treatment, m.test.null), test_cells(&m.test)));
    out.push_str(&table(&header, &means.chain(differences).collect::<Vec<_>>()));
    out
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
        "{method}: {fom}, scored against {truth:?}\n{readers} readers, {treatments} treatments, {n_pos} positive and \
         {n_neg} negative cases\n\n"
    )
}

fn percent(level: f64) -> String {
    format!("{}%", (level * 1e4).round() / 100.0)
}

impl Summary {
    /// An Obuchowski-Rockette analysis.
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
            (CovarianceMethod::Jackknife, None) => ("the jackknife over cases [3]".to_owned(), Reference::Hillis2005),
            (CovarianceMethod::Jackknife, Some(n)) => {
                (format!("the jackknife over {n} clusters of dependent cases [3]"), Reference::Hillis2005)
            }
            (CovarianceMethod::DeLong, None) => ("the method of DeLong et al. [3]".to_owned(), Reference::DeLong),
            (CovarianceMethod::DeLong, Some(n)) => (
                format!("Obuchowski's method for {n} clusters of dependent cases [3]"),
                Reference::Obuchowski1997,
            ),
            (CovarianceMethod::Unbiased, _) => {
                ("unbiased U-statistics [3]".to_owned(), Reference::Gallas2006)
            }
        };
        let references = vec![Reference::ObuchowskiRockette, Reference::Hillis2007, reference];
        let methods = format!(
            "{fom} was computed for each of {} readers under {} treatment(s) from {} positive and {} negative cases, scored \
             against {:?}; a higher rating counts as more positive and ties count one half. Treatments were compared by the \
             Obuchowski-Rockette method [1] with denominator degrees of freedom after Hillis [2], covariances being \
             estimated by {covariance}. Tests are two-sided and intervals have {} coverage; p-values are not adjusted for \
             multiple comparisons.",
            sizes.0,
            sizes.1,
            a.n_pos,
            a.n_neg,
            a.truth,
            percent(a.settings.level),
        );
        Self { method: "obuchowski_rockette", analysis: value(a), table: out, methods, references }
    }

    /// A Dorfman-Berbaum-Metz analysis.
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
        let methods = format!(
            "{fom} was computed for each of {} readers under {} treatment(s) from {} positive and {} negative cases, scored \
             against {:?}. Jackknife pseudovalues were compared by analysis of variance after Dorfman, Berbaum and Metz [1] \
             with the error terms and degrees of freedom of Hillis et al. [2]. Tests are two-sided and intervals have {} \
             coverage; p-values are not adjusted for multiple comparisons.",
            sizes.0,
            sizes.1,
            a.n_pos,
            a.n_neg,
            a.truth,
            percent(a.settings.level),
        );
        let references = vec![Reference::DorfmanBerbaumMetz, Reference::HillisBerbaumMetz];
        Self { method: "dorfman_berbaum_metz", analysis: value(a), table: out, methods, references }
    }

    /// A Gallas analysis.
    pub fn gallas(a: &GallasAnalysis) -> Self {
        let fom = a.settings.fom.name();
        let readers: std::collections::BTreeSet<&str> = a.readers.iter().map(|r| r.reader.as_str()).collect();
        let mut out = head("Gallas", &fom, &a.truth, readers.len(), a.treatments.len(), a.n_pos, a.n_neg);
        let rows: Vec<Vec<String>> = a
            .readers
            .iter()
            .filter(|r| r.value.is_some())
            .map(|r| {
                let se = r.variance.map_or_else(|| "-".to_owned(), |v| fixed(v.max(0.0).sqrt(), 4));
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
        let means = a
            .treatments
            .iter()
            .map(|m| with_first(&format!("{} (against {})", m.treatment, m.test.null), test_cells(&m.test)));
        let differences =
            a.differences.iter().map(|d| with_first(&format!("{} - {}", d.a, d.b), test_cells(&d.test)));
        out.push_str(&table(&header, &means.chain(differences).collect::<Vec<_>>()));
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
        Self { method: "gallas", analysis: value(a), table: out, methods, references }
    }

    /// Readers against one that stands alone.
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
        Self { method: "standalone", analysis: value(a), table: out, methods, references }
    }

    /// A bootstrap.
    pub fn bootstrap(a: &BootstrapAnalysis) -> Self {
        let row = |e: &crate::mrmc::BootstrapEstimate| {
            vec![
                e.name.clone(),
                fixed(e.estimate, 4),
                fixed(e.se, 4),
                format!("{:.4} to {:.4}", e.ci_low, e.ci_high),
                fixed(e.bias, 4),
            ]
        };
        let rows: Vec<Vec<String>> = a.treatments.iter().chain(&a.differences).map(row).collect();
        let mut out =
            format!("Bootstrap, {} replicates, seed {}\n\n", a.settings.replicates, a.settings.seed);
        out.push_str(&table(&["", "AUC", "SE", "percentile interval", "bias"], &rows));
        if a.replicates_with_reader_left_out > 0 {
            let _ = writeln!(
                out,
                "\nTake note\n- in {} replicates a reader had drawn one class only and was left out",
                a.replicates_with_reader_left_out
            );
        }
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
        }
    }
}
