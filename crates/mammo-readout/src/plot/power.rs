use super::canvas::{Area, Canvas, Scale, colour, dash, short};

/// Power over the size of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurve {
    /// Its name in the legend.
    pub name: String,
    /// Size and power, sizes rising.
    pub points: Vec<(f64, f64)>,
}

/// Power curves over one axis, with a line at 80 %.
///
/// ```
/// use mammo_readout::plot::{PowerCurve, power_plot};
/// let curve = PowerCurve { name: "5 readers".into(), points: vec![(20.0, 0.3), (60.0, 0.7), (120.0, 0.9)] };
/// assert!(power_plot("cases", &[curve]).contains("5 readers"));
/// ```
pub fn power_plot(x_label: &str, curves: &[PowerCurve]) -> String {
    let area = Area { left: 56.0, right: 516.0, top: 34.0, bottom: 324.0 };
    let mut canvas = Canvas::new(540.0, 400.0 + 22.0 * curves.len() as f64, "Power");
    let sizes = || curves.iter().flat_map(|c| &c.points).map(|p| p.0).filter(|v| v.is_finite());
    let largest = sizes().fold(0.0, f64::max);
    let x = Scale::new((0.0, if largest > 0.0 { largest } else { 1.0 }), area.left, area.right);
    let y = Scale::new((0.0, 1.0), area.bottom, area.top);
    canvas.axes(Some(&x), Some(&y), area, (x_label, "power"));
    canvas.line((area.left, y.at(0.8)), (area.right, y.at(0.8)), "#666", 1.0, "3 4");
    for (i, curve) in curves.iter().enumerate() {
        let points: Vec<_> = curve.points.iter().map(|&(s, p)| (x.at(s), y.at(p))).collect();
        canvas.curve(&points, colour(i), 2.2, dash(i));
        let at = area.bottom + 62.0 + 22.0 * i as f64;
        canvas.line((area.left, at - 4.5), (area.left + 34.0, at - 4.5), colour(i), 2.2, dash(i));
        canvas.text((area.left + 42.0, at), "start", &short(&curve.name, 60));
    }
    canvas.finish()
}
