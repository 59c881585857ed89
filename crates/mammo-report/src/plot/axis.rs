use crate::number_text;

/// How values map to lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences are equal lengths.
    #[default]
    Linear,
    /// Equal ratios are equal lengths; values that are not positive are left out.
    Log,
}

/// One axis of a plot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// What it counts, with its unit: `frequency [cycles per pixel]`.
    pub label: String,
    /// How values map to lengths.
    pub scale: Scale,
    /// Lower and upper end; `None` fits the data.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis that fits the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A logarithmic axis that fits the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, range: None }
    }
}

/// An axis with its ends and its place in the drawing.
pub(super) struct Mapping {
    scale: Scale,
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Mapping {
    /// Fits `axis` to `values` and lays it from `start` to `end` in SVG units.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let usable = |v: &f64| v.is_finite() && (axis.scale == Scale::Linear || *v > 0.0);
        let (low, high) = axis
            .range
            .filter(|(low, high)| usable(low) && usable(high) && low < high)
            .unwrap_or_else(|| fitted(axis.scale, values.filter(usable)));
        Self { scale: axis.scale, low, high, start, end }
    }

    fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    /// Where a value lies in SVG units; `None` where it cannot be drawn. Values beyond the ends are drawn at most a tenth
    /// of the axis outside, where the plot's frame cuts them.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() || self.scale == Scale::Log && value <= 0.0 {
            return None;
        }
        Some(self.start + self.share(value).clamp(-0.1, 1.1) * (self.end - self.start))
    }

    /// The places and labels of the ticks.
    pub(super) fn ticks(&self) -> Vec<(f64, TickLabel)> {
        let values = match self.scale {
            Scale::Linear => linear_ticks(self.low, self.high),
            Scale::Log => log_ticks(self.low, self.high),
        };
        values.into_iter().filter_map(|(v, label)| Some((self.place(v)?, label))).collect()
    }
}

/// What stands at a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TickLabel {
    /// Plain digits.
    Plain(String),
    /// A power of ten, for numbers with too many digits.
    PowerOfTen(i32),
}

/// The ends of an axis that shows all values with a little air.
fn fitted(scale: Scale, values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    match scale {
        _ if low > high => {
            if scale == Scale::Log {
                (0.1, 1.0)
            } else {
                (0.0, 1.0)
            }
        }
        Scale::Linear => {
            let span = if high > low { high - low } else { low.abs().max(1.0) };
            // Starting at zero where the data nearly do keeps bars of change honest.
            let low = if low >= 0.0 && low < 0.35 * span { 0.0 } else { low - 0.04 * span };
            (low, high + 0.04 * span)
        }
        Scale::Log => {
            let air = (high / low).powf(0.03).max(1.05);
            (low / air, high * air)
        }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, about six of them.
fn linear_ticks(low: f64, high: f64) -> Vec<(f64, TickLabel)> {
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&s| s >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).clamp(0.0, 20.0) as usize;
    (0..=count)
        .map(|i| {
            let value = (first + i as f64) * step;
            (value, TickLabel::Plain(grouped(&number_text(value, decimals))))
        })
        .collect()
}

/// Powers of ten, thinned to about six; with 2 and 5 between where the axis is short.
fn log_ticks(low: f64, high: f64) -> Vec<(f64, TickLabel)> {
    let decades = (high / low).log10();
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let every = ((decades / 6.0).ceil() as i32).max(1);
    let mantissas: &[f64] = if decades < 3.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    // One notation for the whole axis.
    let short_digits = low > 0.9e-3 && high < 1.1e5;
    let mut ticks = Vec::new();
    for exponent in (first..=last).filter(|e| e.rem_euclid(every) == 0) {
        for mantissa in mantissas {
            let value = mantissa * 10f64.powi(exponent);
            if value < low * 0.999 || value > high * 1.001 {
                continue;
            }
            let label = if short_digits || (0..=1).contains(&exponent) {
                TickLabel::Plain(grouped(&number_text(value, (-exponent).max(0) as usize)))
            } else if *mantissa == 1.0 {
                TickLabel::PowerOfTen(exponent)
            } else {
                TickLabel::Plain(String::new())
            };
            ticks.push((value, label));
        }
    }
    ticks
}

/// Digits before the point in groups of three, with a narrow blank, from five digits on.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_once('.').map_or((text, None), |(w, r)| (w, Some(r)));
    let digits = whole.chars().filter(char::is_ascii_digit).count();
    let mut out = String::new();
    let mut left = digits;
    for c in whole.chars() {
        out.push(c);
        if c.is_ascii_digit() {
            left -= 1;
            if digits > 4 && left > 0 && left % 3 == 0 {
                out.push('\u{202f}');
            }
        }
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<(f64, TickLabel)>) -> Vec<String> {
        ticks
            .into_iter()
            .map(|(_, label)| match label {
                TickLabel::Plain(text) => text,
                TickLabel::PowerOfTen(exponent) => format!("10^{exponent}"),
            })
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(linear_ticks(0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(linear_ticks(-0.1, 0.1)).first().unwrap(), "\u{2212}0.10");
        assert_eq!(labels(linear_ticks(0.0, 60000.0))[1], "10\u{202f}000");
        assert_eq!(labels(log_ticks(0.004, 0.5)), ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(
            labels(log_ticks(1e-8, 1e-2)),
            ["10^-8", "10^-7", "10^-6", "10^-5", "10^-4", "10^-3", "10^-2"]
        );
    }

    #[test]
    fn many_ranges_give_a_few_ticks() {
        for exponent in -12..12 {
            for span in [1.0, 1.7, 3.0, 4.4, 9.9] {
                let high = span * 10f64.powi(exponent);
                let linear = linear_ticks(0.0, high).len();
                assert!((4..=8).contains(&linear), "{high}: {linear}");
            }
        }
        for decades in 1..30 {
            let log = log_ticks(1.0, 10f64.powi(decades)).len();
            assert!((2..=11).contains(&log), "{decades}: {log}");
        }
    }

    #[test]
    fn data_that_cannot_be_drawn_do_no_harm() {
        let mapping = |axis: &Axis, values: &[f64]| Mapping::new(axis, values.iter().copied(), 0.0, 100.0);
        let log = mapping(&Axis::log("x"), &[0.0, -1.0, f64::NAN, 1.0, 100.0]);
        assert_eq!(log.place(0.0), None);
        assert!((log.place(10.0).unwrap() - 50.0).abs() < 1e-9);
        for axis in [Axis::log("x"), Axis::linear("x")] {
            assert!(!mapping(&axis, &[]).ticks().is_empty());
            assert!(mapping(&axis, &[3.0, 3.0]).place(3.0).unwrap().is_finite());
            assert_eq!(mapping(&axis, &[1.0]).place(f64::INFINITY), None);
        }
    }
}
