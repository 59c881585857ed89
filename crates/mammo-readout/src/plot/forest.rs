use super::canvas::{Area, Canvas, Scale, colour, short};
use crate::mrmc::{CovarianceMethod, MrmcError, MrmcSettings, Study, TTest, obuchowski_rockette};

/// Differences between treatments as a forest: each reader's (reader fixed), and the mean for random readers and cases.
/// With a single treatment, the mean AUC against chance.
///
/// # Errors
/// [`MrmcError`] as [`obuchowski_rockette`].
///
/// ```
/// use mammo_readout::{mrmc::{Reading, Study}, plot::forest_plot};
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
/// let svg = forest_plot(&study, 0.95)?;
/// assert!(svg.starts_with("<svg") && svg.contains("r2"));
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn forest_plot(study: &Study, level: f64) -> Result<String, MrmcError> {
    let settings = MrmcSettings { covariance: CovarianceMethod::DeLong, level, ..MrmcSettings::default() };
    let analysis = obuchowski_rockette(study, settings)?;
    // Label, test, and whether it is a mean.
    let mut rows: Vec<(String, TTest, bool)> = Vec::new();
    let view = &analysis.random_readers_random_cases;
    for difference in &view.differences {
        let of_pair =
            analysis.reader_differences.iter().filter(|d| d.a == difference.a && d.b == difference.b);
        rows.extend(of_pair.map(|d| (format!("reader {}", d.reader), d.test, false)));
        rows.push((format!("{} \u{2212} {}", difference.a, difference.b), difference.test, true));
    }
    let differences = !rows.is_empty();
    if !differences {
        rows.extend(view.treatments.iter().map(|t| (t.treatment.clone(), t.test, true)));
    }
    let null = if differences { 0.0 } else { settings.fom.chance().unwrap_or(0.0) };
    let bottom = 44.0 + 24.0 * rows.len() as f64;
    let area = Area { left: 210.0, right: 500.0, top: 34.0, bottom };
    let mut canvas = Canvas::new(720.0, bottom + 52.0, "Differences with intervals");
    let ends = rows.iter().flat_map(|(_, t, _)| [t.ci_low, t.ci_high]).chain([null]);
    let x = Scale::new(Scale::around(ends), area.left, area.right);
    let label = if differences { "difference in AUC" } else { "AUC" };
    let coverage = format!("with {} % intervals", (level * 1e4).round() / 100.0);
    canvas.axes(Some(&x), None, area, (&format!("{label}, {coverage}"), ""));
    canvas.line((x.at(null), area.top), (x.at(null), area.bottom), "#666", 1.2, "");
    for (i, (name, test, mean)) in rows.iter().enumerate() {
        let at = area.top + 20.0 + 24.0 * i as f64;
        let centre = x.at(test.estimate);
        let known = test.t.is_some();
        let (low, high) = if known { (x.at(test.ci_low), x.at(test.ci_high)) } else { (centre, centre) };
        canvas.text((area.left - 12.0, at + 4.5), "end", &short(name, 28));
        if *mean {
            let diamond = [(low, at), (centre, at - 6.0), (high, at), (centre, at + 6.0)];
            canvas.area(&diamond, colour(1), 1.0);
        } else {
            canvas.line((low, at), (high, at), colour(0), 1.6, "");
            canvas.mark((centre, at), 0);
        }
        let numbers = if known {
            format!("{:.3} ({:.3} to {:.3})", test.estimate, test.ci_low, test.ci_high)
        } else {
            format!("{:.3} (no interval)", test.estimate)
        };
        canvas.text((area.right + 12.0, at + 4.5), "start", &numbers.replace('-', "\u{2212}"));
    }
    Ok(canvas.finish())
}
