use super::{
    Axis,
    axis::{Mapping, TickLabel},
    color_class, dash, figure, legend_dot, legend_entry, path,
};
use crate::html::escape;
use std::fmt::Write;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 345.0;
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 14.0;
pub(super) const TOP: f64 = 30.0;
pub(super) const BOTTOM: f64 = 52.0;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stroke {
    /// A line; series differ by colour and dash.
    #[default]
    Line,
    /// A thin, pale line for values behind a smoothed series.
    Faint,
    /// A dot for each point.
    Dots,
}

/// One curve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points (x, y) in order; a value that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub stroke: Stroke,
}

impl Series {
    /// A line.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, stroke: Stroke::Line }
    }
}

/// A vertical line at a value of the x axis with a short label, such as a checkpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marker {
    /// Where.
    pub x: f64,
    /// What.
    pub label: String,
}

/// Curves over one pair of axes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinePlot {
    /// What it shows.
    pub title: String,
    /// How to read it; may be empty.
    pub caption: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Vertical lines.
    pub markers: Vec<Marker>,
    /// Whether the numbers come from simulated readers; then the plot carries a tag.
    pub simulated: bool,
}

impl LinePlot {
    pub(crate) fn html(&self) -> String {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let xs = all().map(|p| p.0).chain(self.markers.iter().map(|marker| marker.x));
        let x = Mapping::new(&self.x, xs, LEFT, WIDTH - RIGHT);
        let y = Mapping::new(&self.y, all().map(|p| p.1), HEIGHT - BOTTOM, TOP);
        let mut svg = open(WIDTH, HEIGHT, &self.description());
        frame(&mut svg, (WIDTH, HEIGHT), &x, &y, (&self.x.label, &self.y.label));
        for marker in &self.markers {
            if let Some(at) = x.place(marker.x) {
                let _ = write!(
                    svg,
                    "<path class=\"marker\" d=\"M{at:.1} {TOP}L{at:.1} {}\"/><text class=\"markerlabel\" x=\"{:.1}\" \
                     y=\"{}\">{}</text>",
                    HEIGHT - BOTTOM,
                    at + 4.0,
                    TOP + 12.0,
                    escape(&marker.label)
                );
            }
        }
        // The frame cuts curves that leave a range that the caller chose.
        let _ = write!(
            svg,
            "<svg x=\"{LEFT}\" y=\"{TOP}\" width=\"{w}\" height=\"{h}\" viewBox=\"{LEFT} {TOP} {w} {h}\">",
            w = WIDTH - LEFT - RIGHT,
            h = HEIGHT - TOP - BOTTOM
        );
        let mut legend = String::new();
        for (i, series) in self.series.iter().enumerate() {
            let points = series.points.iter().map(|&(px, py)| Some((x.place(px)?, y.place(py)?)));
            let color = color_class(i);
            match series.stroke {
                Stroke::Dots => {
                    for (px, py) in points.flatten() {
                        let _ = write!(
                            svg,
                            "<circle class=\"dot {color}\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"2.6\"/>"
                        );
                    }
                }
                Stroke::Line | Stroke::Faint => {
                    let class = if series.stroke == Stroke::Faint { "line faint" } else { "line" };
                    let _ = write!(
                        svg,
                        "<path class=\"{class} {color}\" stroke-dasharray=\"{}\" d=\"{}\"/>",
                        dash(i),
                        path(points)
                    );
                }
            }
            legend.push_str(&match series.stroke {
                Stroke::Dots => legend_dot(&series.name, i),
                Stroke::Line | Stroke::Faint => legend_entry(&series.name, i, dash(i)),
            });
        }
        svg.push_str("</svg></svg>");
        figure("wide", &self.title, self.simulated, &legend, &svg, &self.caption)
    }

    /// What a screen reader says.
    fn description(&self) -> String {
        let names = self.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ");
        format!("{}: {} against {}; {names}", self.title, self.y.label, self.x.label)
    }
}

/// The start of a drawing.
pub(super) fn open(width: f64, height: f64, description: &str) -> String {
    format!(
        "<svg class=\"drawing\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(description)
    )
}

/// Grid lines, tick labels, frame and axis labels.
pub(super) fn frame(
    svg: &mut String,
    (width, height): (f64, f64),
    x: &Mapping,
    y: &Mapping,
    (x_label, y_label): (&str, &str),
) {
    let (right, bottom) = (width - RIGHT, height - BOTTOM);
    for (at, label) in x.ticks() {
        let _ = write!(svg, "<path class=\"grid\" d=\"M{at:.1} {TOP}L{at:.1} {bottom}\"/>");
        tick(svg, at, bottom + 18.0, "middle", &label);
    }
    for (at, label) in y.ticks() {
        let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}L{right} {at:.1}\"/>");
        tick(svg, LEFT - 8.0, at + 4.5, "end", &label);
    }
    let _ = write!(svg, "<path class=\"frame\" d=\"M{LEFT} {TOP}L{LEFT} {bottom}L{right} {bottom}\"/>");
    // The label of the vertical axis stands above it: it reads without tilting the head and has room for its unit.
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"axis\" x=\"2\" y=\"15\">{}</text>",
        f64::midpoint(LEFT, right),
        height - 8.0,
        escape(x_label),
        escape(y_label)
    );
}

fn tick(svg: &mut String, x: f64, y: f64, anchor: &str, label: &TickLabel) {
    let text = match label {
        TickLabel::Plain(text) => escape(text),
        TickLabel::PowerOfTen(exponent) => {
            let sign = if *exponent < 0 { "\u{2212}" } else { "" };
            format!("10<tspan class=\"exponent\" dy=\"-5\">{sign}{}</tspan>", exponent.abs())
        }
    };
    let _ =
        write!(svg, "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_markup_are_harmless() {
        let plot = LinePlot {
            title: "a < b".to_owned(),
            x: Axis::log("f"),
            y: Axis::log("p"),
            series: vec![Series::line(
                "s & t",
                vec![(1.0, 1.0), (2.0, f64::NAN), (3.0, 0.0), (4.0, 5.0), (9.0, 7.0)],
            )],
            ..LinePlot::default()
        };
        let html = plot.html();
        assert!(html.contains("a &lt; b") && html.contains("s &amp; t"));
        assert!(!html.contains("NaN") && !html.contains("inf"));
        let curve = html.split("class=\"line s0\"").last().unwrap();
        assert_eq!(curve.split("\"/>").next().unwrap().matches('M').count(), 2);
    }

    #[test]
    fn an_empty_plot_is_drawn() {
        let html = LinePlot::default().html();
        assert!(html.contains("<svg") && !html.contains("NaN"));
    }
}
