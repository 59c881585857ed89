use super::canvas::{Area, Canvas, Scale, colour, dash, short};
use crate::mrmc::{CovarianceMethod, MrmcError, MrmcSettings, Study, obuchowski_rockette};

/// Each reader's AUC under each treatment with one standard error (DeLong) to both sides, readers side by side.
///
/// # Errors
/// [`MrmcError`] as [`obuchowski_rockette`].
///
/// ```
/// use mammo_readout::{mrmc::{Reading, Study}, plot::reader_plot};
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
/// assert!(reader_plot(&study)?.contains("original"));
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn reader_plot(study: &Study) -> Result<String, MrmcError> {
    let settings = MrmcSettings { covariance: CovarianceMethod::DeLong, ..MrmcSettings::default() };
    let analysis = obuchowski_rockette(study, settings)?;
    let (i, j) = (analysis.treatments.len(), analysis.readers.len());
    let slot = (26.0 + 14.0 * i as f64).max(46.0);
    let right = 56.0 + (slot * j as f64).max(260.0);
    let slot = (right - 56.0) / j as f64;
    let area = Area { left: 56.0, right, top: 34.0, bottom: 324.0 };
    let mut canvas = Canvas::new(right + 20.0, 400.0 + 22.0 * i as f64, "AUC by reader and treatment");
    let ends = analysis.values.iter().zip(&analysis.standard_errors).flat_map(|(values, errors)| {
        values.iter().zip(errors).flat_map(|(v, se)| [(v - se).max(0.0), (v + se).min(1.0)])
    });
    let y = Scale::new(Scale::around(ends), area.bottom, area.top);
    canvas.axes(None, Some(&y), area, ("reader", "AUC, with one standard error"));
    for (r, reader) in analysis.readers.iter().enumerate() {
        let centre = area.left + slot * (r as f64 + 0.5);
        canvas.text((centre, area.bottom + 18.0), "middle", &short(reader, (slot / 7.0) as usize));
        for t in 0..i {
            let at = centre + 14.0 * (t as f64 - (i as f64 - 1.0) / 2.0);
            let (value, se) = (analysis.values[t][r], analysis.standard_errors[t][r]);
            let (low, high) = ((value - se).max(0.0), (value + se).min(1.0));
            canvas.line((at, y.at(low)), (at, y.at(high)), colour(t), 1.6, "");
            canvas.mark((at, y.at(value)), t);
        }
    }
    for (t, treatment) in analysis.treatments.iter().enumerate() {
        let mean = y.at(analysis.single[t].mean);
        canvas.line((area.left, mean), (area.right, mean), colour(t), 1.0, dash(t + 1));
        let at = area.bottom + 62.0 + 22.0 * t as f64;
        canvas.mark((area.left + 8.0, at - 4.5), t);
        let text = format!("{}, mean {:.3} (line)", short(treatment, 36), analysis.single[t].mean);
        canvas.text((area.left + 22.0, at), "start", &text);
    }
    Ok(canvas.finish())
}
