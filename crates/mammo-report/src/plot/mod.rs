mod axis;
mod line;
mod roc;

pub use axis::{Axis, Scale};
pub use line::{LinePlot, Marker, Series, Stroke};
pub use roc::{RocCurve, RocPlot};

use crate::html::{escape, simulated_tag};
use std::fmt::Write;

/// Number of series colours in the style sheet; further series repeat them with another dash.
const COLORS: usize = 6;

/// The CSS class that gives series number `index` its colour.
fn color_class(index: usize) -> String {
    format!("s{}", index % COLORS)
}

/// The dash of series number `index`, so that series differ without colour too.
fn dash(index: usize) -> &'static str {
    ["", "9 3", "3 3", "12 3 3 3", "5 2", "2 4"][index % 6]
}

/// An SVG path through points in SVG units; a gap where a value is not finite.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut d, mut pen_down) = (String::new(), false);
    for point in points {
        if let Some((x, y)) = point {
            let _ = write!(d, "{}{x:.1} {y:.1}", if pen_down { "L" } else { "M" });
        }
        pen_down = point.is_some();
    }
    d
}

/// One entry of a legend: the line as it is drawn and its name.
fn legend_entry(name: &str, index: usize, dashed: &str) -> String {
    let class = color_class(index);
    swatch(name, &format!("<path class=\"line {class}\" stroke-dasharray=\"{dashed}\" d=\"M1 5L29 5\"/>"))
}

/// One entry of a legend for a series of dots.
fn legend_dot(name: &str, index: usize) -> String {
    swatch(name, &format!("<circle class=\"dot {}\" cx=\"15\" cy=\"5\" r=\"3\"/>", color_class(index)))
}

fn swatch(name: &str, drawing: &str) -> String {
    format!(
        "<li><svg class=\"swatch\" viewBox=\"0 0 30 10\" aria-hidden=\"true\">{drawing}</svg>{}</li>\n",
        escape(name)
    )
}

/// The figure around a drawing. Title and legend are HTML, so that they wrap and scale with the page's text.
fn figure(class: &str, title: &str, simulated: bool, legend: &str, svg: &str, caption: &str) -> String {
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>\n", escape(caption))
    };
    format!(
        "<figure class=\"plot {class}\">\n<h4>{}{}</h4>\n<ul class=\"legend\">\n{legend}</ul>\n{svg}\n{caption}</figure>\n",
        simulated_tag(simulated),
        escape(title)
    )
}
