use super::{
    Axis, Scale,
    axis::Mapping,
    color_class, dash, figure, legend_entry,
    line::{BOTTOM, LEFT, RIGHT, TOP, frame, open},
    path,
};
use crate::estimate_text;
use std::fmt::Write;

/// The side of the square between the axes.
const SIDE: f64 = 340.0;
const WIDTH: f64 = LEFT + SIDE + RIGHT;
const HEIGHT: f64 = TOP + SIDE + BOTTOM;

/// One ROC curve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RocCurve {
    /// Its name in the legend.
    pub name: String,
    /// Operating points (1 - specificity, sensitivity) in order, from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
    /// Area under the curve; below 0.5 is shown as it is.
    pub auc: Option<f64>,
    /// Its 95 % confidence interval.
    pub auc_interval_95: Option<(f64, f64)>,
}

/// ROC curves in a square, with the diagonal of chance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RocPlot {
    /// What it shows.
    pub title: String,
    /// How to read it, such as what counts as positive; may be empty.
    pub caption: String,
    /// The curves.
    pub curves: Vec<RocCurve>,
    /// Whether the ratings come from simulated readers; then the plot carries a tag.
    pub simulated: bool,
}

impl RocPlot {
    pub(crate) fn html(&self) -> String {
        let unit = Axis { label: String::new(), scale: Scale::Linear, range: Some((0.0, 1.0)) };
        let x = Mapping::new(&unit, std::iter::empty(), LEFT, LEFT + SIDE);
        let y = Mapping::new(&unit, std::iter::empty(), TOP + SIDE, TOP);
        let at = |(px, py): (f64, f64)| Some((x.place(px.clamp(0.0, 1.0))?, y.place(py.clamp(0.0, 1.0))?));
        let names = self.curves.iter().map(legend_text).collect::<Vec<_>>();
        let mut svg = open(WIDTH, HEIGHT, &format!("{}: ROC curves; {}", self.title, names.join("; ")));
        frame(&mut svg, (WIDTH, HEIGHT), &x, &y, ("1 \u{2212} specificity", "sensitivity"));
        let _ = write!(
            svg,
            "<path class=\"chance\" d=\"{}\"/>",
            path([at((0.0, 0.0)), at((1.0, 1.0))].into_iter())
        );
        let mut legend = String::new();
        for (i, (curve, name)) in self.curves.iter().zip(&names).enumerate() {
            let _ = write!(
                svg,
                "<path class=\"line {}\" stroke-dasharray=\"{}\" d=\"{}\"/>",
                color_class(i),
                dash(i),
                path(curve.points.iter().map(|&p| at(p)))
            );
            legend.push_str(&legend_entry(name, i, dash(i)));
        }
        svg.push_str("</svg>");
        let mut caption = self.caption.clone();
        if !caption.is_empty() {
            caption.push(' ');
        }
        caption.push_str("Dashed diagonal: chance.");
        if self.curves.iter().any(|curve| curve.auc_interval_95.is_some()) {
            caption.push_str(" In brackets: 95\u{a0}% confidence interval.");
        }
        figure("square", &self.title, self.simulated, &legend, &svg, &caption)
    }
}

fn legend_text(curve: &RocCurve) -> String {
    match curve.auc {
        Some(auc) => format!("{}: AUC {}", curve.name, estimate_text(auc, curve.auc_interval_95, 2)),
        None => curve.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_gives_the_area_even_below_chance() {
        let plot = RocPlot {
            curves: vec![RocCurve {
                name: "Reader 1".to_owned(),
                points: vec![(0.0, 0.0), (0.7, 0.2), (1.0, 1.0)],
                auc: Some(0.31),
                auc_interval_95: Some((0.2, 0.44)),
            }],
            simulated: true,
            ..RocPlot::default()
        };
        let html = plot.html();
        assert!(html.contains("Reader 1: AUC 0.31 (0.20 to 0.44)"));
        assert!(html.contains("SIMULATED"));
        // The corners of the square: bottom left and top right.
        assert!(html.contains("d=\"M56.0 370.0L294.0 302.0L396.0 30.0\""), "{html}");
    }
}
