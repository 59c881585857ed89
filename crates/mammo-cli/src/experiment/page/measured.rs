//! What was measured while the networks learned.

use super::super::measures::{Likeness, Measures, RealMeasures, grid_onset};
use super::Run;
use mammo_report::{Axis, Block, LinePlot, Marker, Plot, Section, Series, Table};

type Get = fn(&Likeness) -> Option<f64>;

pub(super) fn measured(run: &Run) -> Section {
    let section = Section::new("measured", "Measured while it learned");
    let (Some(real), false) = (&run.real, run.measures.is_empty()) else { return section };
    let chosen =
        run.chosen.as_ref().map(|chosen| Marker { x: chosen.step as f64, label: "translates".into() });
    let plot = |title: &str, caption: &str, y: &str, series: Vec<Series>, simulated: bool| {
        Plot::Line(LinePlot {
            title: title.into(),
            caption: caption.into(),
            x: Axis::linear("step"),
            y: Axis::linear(y),
            series,
            markers: chosen.clone().into_iter().collect(),
            simulated,
        })
    };
    let of = |name: &str, get: &dyn Fn(&Measures) -> Option<f64>| {
        let points = run.measures.iter().filter_map(|m| Some((m.step as f64, get(m)?)));
        Series::line(name, points.collect())
    };
    let both = |get: Get| vec![of("injected", &|m| get(&m.injected)), of("removed", &|m| get(&m.removed))];
    let mut plots = vec![
        plot(
            "Errors",
            "Mean absolute difference from the original: of what comes back, and of what should not have changed.",
            "grey scale",
            vec![of("there and back", &|m| Some(m.cycle_error)), of("identity", &|m| Some(m.identity_error))],
            false,
        ),
        plot(
            "Grid, period of 2 px",
            &grid_caption(&run.measures, real),
            "dB",
            both(|l| Some(l.grid_half_db)),
            false,
        ),
        plot(
            "Grid, period of 4 px",
            "Mean grid score; real images have about 0 dB.",
            "dB",
            both(|l| Some(l.grid_quarter_db)),
            false,
        ),
        plot(
            "Fréchet distance",
            "Of 18 radiomic features from training images of the label aimed at. The table says what real images of these \
             patients have.",
            "squared deviations",
            both(|l| Some(l.frechet)),
            false,
        ),
        plot(
            "Sliced Wasserstein distance",
            "Of 7 x 7 patches from those of training images of the label aimed at, mean over the levels of a pyramid.",
            "deviations",
            both(|l| Some(l.sliced_wasserstein)),
            false,
        ),
        plot(
            "Moved as was meant, by a simulated observer",
            "Share of healthy images whose malignancy score rose after injection, and of cancer images whose score fell.",
            "share",
            vec![of("injected", &|m| m.observer_raised), of("removed", &|m| m.observer_lowered)],
            true,
        ),
    ];
    if run.measures.iter().any(|m| m.injected.memorisation_ratio.is_some()) {
        plots.push(plot(
            "Distance to the nearest training image",
            "Over that of held-out real images: about 1 where nothing was memorised, near 0 where training images come back.",
            "ratio",
            both(|l| l.memorisation_ratio),
            false,
        ));
    }
    if run.measures.iter().any(|m| m.twins.is_some()) {
        plots.push(plot(
            "Removal against the true twins",
            "Medians over lesions: share of the contrast that went, and how much closer to the twin the region came.",
            "share",
            vec![
                of("contrast removed", &|m| m.twins.map(|t| t.contrast_removed)),
                of("approach", &|m| m.twins.map(|t| t.approach)),
            ],
            false,
        ));
        plots.push(plot(
            "Change outside the lesion's region",
            "Mean absolute change of the rest of the breast by removal, median over lesions.",
            "grey scale",
            vec![of("removed", &|m| m.twins.map(|t| t.change_outside))],
            false,
        ));
    }
    section
        .intro(format!(
            "On {} healthy and {} cancer images of patients that neither train nor are judged: what may choose networks or end \
             a training must not be what they are judged by. No intervals: these curves are for choosing; the results above are \
             from other patients.",
            real.images[0], real.images[1]
        ))
        .with(Block::Plots(plots))
        .with(Block::Table(floor(&run.measures, real)))
}

/// The last measurement beside what real images give.
fn floor(measures: &[Measures], real: &RealMeasures) -> Table {
    let mut table = Table::new(
        "The last measurement beside real images of the same patients",
        ["", "Injected", "Real, cancer", "Removed", "Real, healthy"],
    );
    let Some(last) = measures.last() else { return table };
    let rows: [(&str, Get); 5] = [
        ("Grid, period of 2 px [dB]", |l| Some(l.grid_half_db)),
        ("Grid, period of 4 px [dB]", |l| Some(l.grid_quarter_db)),
        ("Fréchet distance", |l| Some(l.frechet)),
        ("Sliced Wasserstein distance", |l| Some(l.sliced_wasserstein)),
        ("Nearer to a training image than 95 % of real ones [share]", |l| l.memorised_share),
    ];
    for (name, get) in rows {
        let cell = |likeness: &Likeness| {
            get(likeness).map_or_else(|| "not measured".to_owned(), |value| format!("{value:.2}"))
        };
        table.row([
            name.to_owned(),
            cell(&last.injected),
            cell(&real.cancer),
            cell(&last.removed),
            cell(&real.healthy),
        ]);
    }
    table.footnotes.push(
        "Distances of sets this small are biased upwards: those of real images are what they can come down to.".into(),
    );
    table
}

fn grid_caption(measures: &[Measures], real: &RealMeasures) -> String {
    match grid_onset(measures, real) {
        Some(step) => format!(
            "Mean grid score; real images have about 0 dB. The grid has set in by step {step}: from there on one direction \
             stays more than 1 dB above real images, at 2 or at 4 px."
        ),
        None => "Mean grid score; real images have about 0 dB. No grid has set in: no direction stays more than 1 dB above real \
                 images at 2 or at 4 px."
            .to_owned(),
    }
}
