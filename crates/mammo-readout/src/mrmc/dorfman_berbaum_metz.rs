use super::{
    Difference, Flag, Inference, MrmcError, MrmcSettings, OverallTest, Study, TTest, TreatmentMean,
    cell::{cells, check_cells, check_classes},
    covariance::{leave_one_out, value},
    inference::hillis_df,
    obuchowski_rockette::{data_flags, flag_zero_errors},
};
use serde::{Deserialize, Serialize};

/// Variance components of the pseudovalues; any may come out negative, and is then flagged. Those with a treatment are
/// none in a study of one treatment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DbmComponents {
    /// Readers.
    pub var_r: Option<f64>,
    /// Cases.
    pub var_c: Option<f64>,
    /// Treatments by readers.
    pub var_tr: Option<f64>,
    /// Treatments by cases.
    pub var_tc: Option<f64>,
    /// Readers by cases.
    pub var_rc: Option<f64>,
    /// All three, with the error that cannot be told from it.
    pub var_trc: Option<f64>,
}

/// The result of [`dorfman_berbaum_metz`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DbmAnalysis {
    /// Settings; the covariance is a jackknife whatever they say.
    pub settings: MrmcSettings,
    /// What the truth is called.
    pub truth: String,
    /// Readers in order.
    pub readers: Vec<String>,
    /// Treatments in order.
    pub treatments: Vec<String>,
    /// Positive cases.
    pub n_pos: usize,
    /// Negative cases.
    pub n_neg: usize,
    /// Figure of merit by treatment and reader.
    pub values: Vec<Vec<f64>>,
    /// Variance components.
    pub components: DbmComponents,
    /// Readers and cases are both samples.
    pub random_readers_random_cases: Inference,
    /// The readers are the ones of interest, the cases a sample.
    pub fixed_readers_random_cases: Inference,
    /// The readers are a sample, the cases the ones of interest.
    pub random_readers_fixed_cases: Inference,
    /// What to know about the numbers.
    pub flags: Vec<Flag>,
}

/// Mean squares of the table of pseudovalues `[treatment][reader][case]`.
struct Anova {
    t: f64,
    r: f64,
    c: f64,
    tr: f64,
    tc: f64,
    rc: f64,
    trc: f64,
}

/// Analysis of variance of jackknife pseudovalues (Dorfman, Berbaum and Metz, Investigative Radiology 1992;27:723) with
/// the error terms and degrees of freedom of Hillis, Berbaum and Metz (Academic Radiology 2008;15:647).
///
/// A pseudovalue is `K θ - (K - 1) θ_(k)` for `K` cases, shifted so that their mean is `θ` (normalised pseudovalues:
/// Hillis, Obuchowski, Schartz and Berbaum, Statistics in Medicine 2005;24:1579). For random readers and cases
/// `F = MST / (MSTR + max(MSTC - MSTRC, 0))`, which is the Obuchowski-Rockette test with jackknife covariances. With fixed readers `F = MST / MSTC`, with fixed cases `F = MST / MSTR`.
///
/// # Errors
/// [`MrmcError`] for missing readings (use [`super::obuchowski_rockette`] or [`super::gallas`]), fewer than two readers,
/// fewer than two cases of a class, or settings out of range.
///
/// ```
/// use mammo_readout::mrmc::{MrmcError, MrmcSettings, Reading, Study, dorfman_berbaum_metz, obuchowski_rockette};
///
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
/// let study = Study::from_readings(rows.clone())?;
/// let dbm = dorfman_berbaum_metz(&study, MrmcSettings::default())?.random_readers_random_cases;
/// let or = obuchowski_rockette(&study, MrmcSettings::default())?.random_readers_random_cases;
/// assert!((dbm.differences[0].test.se - or.differences[0].test.se).abs() < 1e-12);
///
/// rows.pop();
/// let missing = dorfman_berbaum_metz(&Study::from_readings(rows)?, MrmcSettings::default());
/// assert!(matches!(missing, Err(MrmcError::MissingReadings { missing: 1, .. })));
/// # Ok::<(), MrmcError>(())
/// ```
pub fn dorfman_berbaum_metz(study: &Study, settings: MrmcSettings) -> Result<DbmAnalysis, MrmcError> {
    settings.check()?;
    let (i, j, k) = (study.treatments().len(), study.readers().len(), study.cases().len());
    if j < 2 {
        return Err(MrmcError::TooFew { what: "readers", found: j, needed: 2 });
    }
    study.unclustered_or("the Dorfman-Berbaum-Metz method")?;
    study.complete_or("the Dorfman-Berbaum-Metz method")?;
    check_classes(study, 2)?;
    let cells = cells(study);
    check_cells(study, &cells, 2)?;
    let fom = settings.fom;
    let values: Vec<Vec<f64>> =
        cells.iter().map(|row| row.iter().map(|cell| value(cell, fom)).collect()).collect();
    let pseudo: Vec<Vec<Vec<f64>>> = cells
        .iter()
        .zip(&values)
        .map(|(row, values)| {
            let of = |(cell, whole): (_, &f64)| {
                let kf = k as f64;
                let values = leave_one_out(cell, fom).into_iter().map(|left| kf * whole - (kf - 1.0) * left);
                let values: Vec<f64> = values.collect();
                // Normalised: where the jackknife sees a bias their mean is not the figure of merit, and is made so.
                let shift = whole - values.iter().sum::<f64>() / kf;
                values.into_iter().map(|v| v + shift).collect()
            };
            row.iter().zip(values).map(of).collect()
        })
        .collect();
    let mut flags = data_flags(study, &cells, fom)?;
    let all = (i > 1).then(|| anova(&pseudo));
    let components = components(all.as_ref(), i, j, k, &mut flags);
    let (jf, kf, df1) = (j as f64, k as f64, i as f64 - 1.0);

    // Each view: the error term of differences with its degrees of freedom, and of single treatments.
    let rr = all.as_ref().map(|a| {
        let error = a.tr + (a.tc - a.trc).max(0.0);
        (error, hillis_df(a.tr, error, df1 * (jf - 1.0)))
    });
    let fr = all.as_ref().map(|a| (a.tc, df1 * (kf - 1.0)));
    let fc = all.as_ref().map(|a| (a.tr, df1 * (jf - 1.0)));
    let single: Vec<Anova> = pseudo.iter().map(|table| anova(std::slice::from_ref(table))).collect();
    let mean_of = |table: &Vec<f64>| table.iter().sum::<f64>() / jf;
    let view =
        |error: Option<(f64, f64)>, of_single: &dyn Fn(&Anova) -> (f64, f64)| -> Result<_, MrmcError> {
            let overall = all.as_ref().zip(error).map(|(a, (e, df2))| OverallTest::f(a.t, e, df1, df2));
            let mut differences = Vec::new();
            if let Some((e, df2)) = error {
                let se = (2.0 * e.max(0.0) / (jf * kf)).sqrt();
                for a in 0..i {
                    for b in a + 1..i {
                        let estimate = mean_of(&values[a]) - mean_of(&values[b]);
                        let test = TTest::new(estimate, se, df2, 0.0, settings.level)?;
                        let name = |t: usize| study.treatments()[t].clone();
                        differences.push(Difference { a: name(a), b: name(b), test });
                    }
                }
            }
            let mut treatments = Vec::new();
            for (t, a) in single.iter().enumerate() {
                let (e, df) = of_single(a);
                let se = (e.max(0.0) / (jf * kf)).sqrt();
                let test = TTest::new(mean_of(&values[t]), se, df, settings.constant(), settings.level)?;
                treatments.push(TreatmentMean::new(&study.treatments()[t], test));
            }
            Ok(Inference { overall: overall.transpose()?, differences, treatments })
        };
    let random = view(rr, &|a| {
        let error = a.r + (a.c - a.rc).max(0.0);
        (error, hillis_df(a.r, error, jf - 1.0))
    })?;
    let readers_fixed = view(fr, &|a| (a.c, kf - 1.0))?;
    let cases_fixed = view(fc, &|a| (a.r, jf - 1.0))?;
    flag_zero_errors(&random, &readers_fixed, &cases_fixed, &mut flags);
    Ok(DbmAnalysis {
        settings,
        truth: study.truth_name().to_owned(),
        readers: study.readers().to_vec(),
        treatments: study.treatments().to_vec(),
        n_pos: study.class_sizes().0,
        n_neg: study.class_sizes().1,
        values,
        components,
        random_readers_random_cases: random,
        fixed_readers_random_cases: readers_fixed,
        random_readers_fixed_cases: cases_fixed,
        flags,
    })
}

fn components(all: Option<&Anova>, i: usize, j: usize, k: usize, flags: &mut Vec<Flag>) -> DbmComponents {
    let (i, j, k) = (i as f64, j as f64, k as f64);
    let components = DbmComponents {
        var_r: all.map(|a| (a.r - a.tr - a.rc + a.trc) / (i * k)),
        var_c: all.map(|a| (a.c - a.tc - a.rc + a.trc) / (i * j)),
        var_tr: all.map(|a| (a.tr - a.trc) / k),
        var_tc: all.map(|a| (a.tc - a.trc) / j),
        var_rc: all.map(|a| (a.rc - a.trc) / i),
        var_trc: all.map(|a| a.trc),
    };
    for (name, value) in [
        ("Var(R)", components.var_r),
        ("Var(C)", components.var_c),
        ("Var(TR)", components.var_tr),
        ("Var(TC)", components.var_tc),
        ("Var(RC)", components.var_rc),
    ] {
        if let Some(value) = value.filter(|v| *v < 0.0) {
            flags.push(Flag::NegativeVariance { component: name.to_owned(), value });
        }
    }
    components
}

fn anova(y: &[Vec<Vec<f64>>]) -> Anova {
    let (i, j, k) = (y.len(), y[0].len(), y[0][0].len());
    let (fi, fj, fk) = (i as f64, j as f64, k as f64);
    let sum = |pick: &mut dyn Iterator<Item = f64>| pick.sum::<f64>();
    let of_tr: Vec<Vec<f64>> =
        y.iter().map(|rows| rows.iter().map(|row| sum(&mut row.iter().copied()) / fk).collect()).collect();
    let of_tc: Vec<Vec<f64>> =
        y.iter().map(|rows| (0..k).map(|c| sum(&mut rows.iter().map(|row| row[c])) / fj).collect()).collect();
    let of_rc: Vec<Vec<f64>> =
        (0..j).map(|r| (0..k).map(|c| sum(&mut y.iter().map(|rows| rows[r][c])) / fi).collect()).collect();
    let of_t: Vec<f64> = of_tr.iter().map(|row| sum(&mut row.iter().copied()) / fj).collect();
    let of_r: Vec<f64> = (0..j).map(|r| sum(&mut of_tr.iter().map(|row| row[r])) / fi).collect();
    let of_c: Vec<f64> = (0..k).map(|c| sum(&mut of_tc.iter().map(|row| row[c])) / fi).collect();
    let all = sum(&mut of_t.iter().copied()) / fi;
    let square = |d: f64| d * d;
    let main = |means: &[f64]| sum(&mut means.iter().map(|m| square(m - all))) / (means.len() as f64 - 1.0);
    let two = |table: &[Vec<f64>], a: &[f64], b: &[f64]| {
        let mut total = 0.0;
        for (row, ma) in table.iter().zip(a) {
            for (v, mb) in row.iter().zip(b) {
                total += square(v - ma - mb + all);
            }
        }
        total / ((a.len() as f64 - 1.0) * (b.len() as f64 - 1.0))
    };
    let mut three = 0.0;
    for t in 0..i {
        for r in 0..j {
            for c in 0..k {
                let pairs = of_tr[t][r] + of_tc[t][c] + of_rc[r][c];
                three += square(y[t][r][c] - pairs + of_t[t] + of_r[r] + of_c[c] - all);
            }
        }
    }
    Anova {
        t: fj * fk * main(&of_t),
        r: fi * fk * main(&of_r),
        c: fi * fj * main(&of_c),
        tr: fk * two(&of_tr, &of_t, &of_r),
        tc: fj * two(&of_tc, &of_t, &of_c),
        rc: fi * two(&of_rc, &of_r, &of_c),
        trc: three / ((fi - 1.0) * (fj - 1.0) * (fk - 1.0)),
    }
}
