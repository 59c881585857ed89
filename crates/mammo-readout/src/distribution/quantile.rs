/// The point where a rising function passes `p`, by bisection between two points that enclose it; `start` and `width`
/// give the first guess, `low` the lower end of the support.
pub(super) fn invert<E>(p: f64, low: f64, start: f64, cdf: impl Fn(f64) -> Result<f64, E>) -> Result<f64, E> {
    let (mut below, mut above) = (start, start);
    let mut width = start.abs().max(1.0);
    while below > low && cdf(below)? > p {
        above = below;
        below = (below - width).max(low);
        width *= 2.0;
    }
    width = start.abs().max(1.0);
    while above < 1e300 && cdf(above)? < p {
        below = above;
        above += width;
        width *= 2.0;
    }
    for _ in 0..400 {
        let middle = f64::midpoint(below, above);
        if middle <= below || middle >= above || above - below <= 4.0 * f64::EPSILON * middle.abs() {
            break;
        }
        if cdf(middle)? < p {
            below = middle;
        } else {
            above = middle;
        }
    }
    Ok(f64::midpoint(below, above))
}
