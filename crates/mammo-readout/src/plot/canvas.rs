use std::fmt::Write;

/// Colours of Okabe and Ito without yellow, black last.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

pub(super) fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

pub(super) fn dash(i: usize) -> &'static str {
    DASHES[i % DASHES.len()]
}

/// A range of values laid over a range of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    pub(super) fn new((low, high): (f64, f64), from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to }
    }

    /// A range that holds all values with a little air.
    pub(super) fn around(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return (0.0, 1.0);
        }
        let air = 0.06 * (high - low).max(1e-3);
        (low - air, high + air)
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(-0.05, 1.05);
        self.from + share * (self.to - self.from)
    }

    /// About six round values inside the range, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        let first = (self.low / step - 1e-9).ceil();
        let count = ((self.high / step + 1e-9).floor() - first).clamp(0.0, 20.0) as usize;
        (0..=count)
            .map(|i| {
                let value = (first + i as f64) * step;
                let value = if value.abs() < step * 1e-9 { 0.0 } else { value };
                (value, format!("{value:.decimals$}").replace('-', "\u{2212}"))
            })
            .collect()
    }
}

/// An SVG document in the making.
pub(super) struct Canvas {
    svg: String,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = String::new();
        let title = escape(title);
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#222\">\n\
             <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        Self { svg }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64, dash: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"M{:.2} {:.2}L{:.2} {:.2}\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-dasharray=\"{dash}\" fill=\"none\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    pub(super) fn curve(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dash: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"{}\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dash}\" fill=\"none\" \
             stroke-linejoin=\"round\"/>",
            path(points)
        );
    }

    pub(super) fn area(&mut self, points: &[(f64, f64)], colour: &str, opacity: f64) {
        let _ = writeln!(
            self.svg,
            "<path d=\"{}Z\" fill=\"{colour}\" fill-opacity=\"{opacity}\" stroke=\"none\"/>",
            path(points)
        );
    }

    /// A mark whose shape tells series apart as well as its colour.
    pub(super) fn mark(&mut self, (x, y): (f64, f64), i: usize) {
        let colour = colour(i);
        let _ = match i % 3 {
            0 => writeln!(self.svg, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"4\" fill=\"{colour}\"/>"),
            1 => writeln!(
                self.svg,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"7.6\" height=\"7.6\" fill=\"{colour}\"/>",
                x - 3.8,
                y - 3.8
            ),
            _ => writeln!(
                self.svg,
                "<path d=\"M{x:.2} {:.2}L{:.2} {:.2}L{:.2} {:.2}Z\" fill=\"{colour}\"/>",
                y - 4.8,
                x + 4.6,
                y + 3.6,
                x - 4.6,
                y + 3.6
            ),
        };
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.2}\" y=\"{y:.2}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    }

    /// Grid, tick labels and frame; the vertical axis' label stands above it.
    pub(super) fn axes(&mut self, x: Option<&Scale>, y: Option<&Scale>, area: Area, labels: (&str, &str)) {
        if let Some(x) = x {
            for (value, label) in x.ticks() {
                let at = x.at(value);
                self.line((at, area.top), (at, area.bottom), "#e4e4e4", 1.0, "");
                self.text((at, area.bottom + 18.0), "middle", &label);
            }
        }
        if let Some(y) = y {
            for (value, label) in y.ticks() {
                let at = y.at(value);
                self.line((area.left, at), (area.right, at), "#e4e4e4", 1.0, "");
                self.text((area.left - 8.0, at + 4.5), "end", &label);
            }
        }
        let frame = [(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
        self.curve(&frame, "#666", 1.0, "");
        self.text((f64::midpoint(area.left, area.right), area.bottom + 38.0), "middle", labels.0);
        self.text((8.0, area.top - 12.0), "start", labels.1);
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// Where a plot's frame lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

fn path(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(out, "{}{x:.2} {y:.2}", if i == 0 { 'M' } else { 'L' });
    }
    out
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A name cut to what fits.
pub(super) fn short(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['\u{2026}']).collect()
}
