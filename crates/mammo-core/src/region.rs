use serde::{Deserialize, Serialize};

/// What a region of interest outlines, after INbreast's spellings are mapped to one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A mass, smooth or not.
    Mass,
    /// A single calcification.
    Calcification,
    /// A cluster of calcifications.
    Cluster,
    /// A region of spiculation.
    SpiculatedRegion,
    /// Asymmetry between the breasts.
    Asymmetry,
    /// Architectural distortion.
    Distortion,
    /// The outline of the pectoral muscle; never a lesion.
    PectoralMuscle,
    /// Outlined without a usable name.
    Other,
}

impl Finding {
    /// Maps a name as it is spelled in INbreast's XML (typos included) to a finding. Unknown names are `Other`.
    pub fn from_inbreast_name(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "mass" => Self::Mass,
            // The release leaves some calcifications unnamed or calls them points.
            "calcification" | "calcifications" | "unnamed" | "point 1" | "point 3" => Self::Calcification,
            "cluster" => Self::Cluster,
            "spiculated region" | "espiculated region" => Self::SpiculatedRegion,
            "asymmetry" | "assymetry" => Self::Asymmetry,
            "distortion" => Self::Distortion,
            "pectoral muscle" => Self::PectoralMuscle,
            _ => Self::Other,
        }
    }
}

/// A position in pixels: `x` counts columns to the right, `y` rows downwards, the origin is the outer corner of
/// the top left pixel, so that pixel's centre is (0.5, 0.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Column, in pixels.
    pub x: f32,
    /// Row, in pixels.
    pub y: f32,
}

/// The form of a region of interest, in pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Shape {
    /// A polygon, closed without repeating its first point.
    Polygon {
        /// Corners in order.
        points: Vec<Point>,
    },
    /// A disc.
    Circle {
        /// Centre.
        center: Point,
        /// Radius in pixels.
        radius: f32,
    },
}

impl Shape {
    /// Whether the point lies inside (even-odd rule for polygons).
    pub fn contains(&self, p: Point) -> bool {
        match self {
            Self::Circle { center, radius } => (p.x - center.x).hypot(p.y - center.y) <= *radius,
            Self::Polygon { points } => {
                let mut inside = false;
                for (i, a) in points.iter().enumerate() {
                    let b = &points[(i + 1) % points.len()];
                    if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
                        inside = !inside;
                    }
                }
                inside
            }
        }
    }

    /// Left, top, right, bottom. An empty polygon has an empty box at the origin.
    pub fn bounds(&self) -> (f32, f32, f32, f32) {
        match self {
            Self::Circle { center, radius } => {
                (center.x - radius, center.y - radius, center.x + radius, center.y + radius)
            }
            Self::Polygon { points } if points.is_empty() => (0.0, 0.0, 0.0, 0.0),
            Self::Polygon { points } => points.iter().fold(
                (f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY),
                |(l, t, r, b), p| (l.min(p.x), t.min(p.y), r.max(p.x), b.max(p.y)),
            ),
        }
    }

    /// Moves every point by `move_point`; lengths (a circle's radius) are multiplied by `scale`.
    #[must_use]
    pub fn transformed(&self, scale: f32, move_point: impl Fn(Point) -> Point) -> Self {
        match self {
            Self::Circle { center, radius } => {
                Self::Circle { center: move_point(*center), radius: radius * scale }
            }
            Self::Polygon { points } => {
                Self::Polygon { points: points.iter().map(|&p| move_point(p)).collect() }
            }
        }
    }
}

/// A region of interest as a release outlines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Roi {
    /// What is outlined.
    pub finding: Finding,
    /// The name as the release spells it.
    pub raw_name: String,
    /// Where, in pixels of the image it belongs to.
    pub shape: Shape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_contain_their_inside_only() {
        let square = Shape::Polygon {
            points: [(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)].map(|(x, y)| Point { x, y }).to_vec(),
        };
        assert!(square.contains(Point { x: 2.0, y: 2.0 }));
        assert!(!square.contains(Point { x: 0.5, y: 2.0 }));
        assert_eq!(square.bounds(), (1.0, 1.0, 3.0, 3.0));
        assert!(!Shape::Polygon { points: vec![] }.contains(Point { x: 0.0, y: 0.0 }));
    }

    #[test]
    fn inbreast_typos_are_mapped() {
        assert_eq!(Finding::from_inbreast_name("Espiculated Region"), Finding::SpiculatedRegion);
        assert_eq!(Finding::from_inbreast_name("Assymetry"), Finding::Asymmetry);
        assert_eq!(Finding::from_inbreast_name("Spiculated region "), Finding::SpiculatedRegion);
        assert_eq!(Finding::from_inbreast_name("Pacemaker"), Finding::Other);
    }
}
