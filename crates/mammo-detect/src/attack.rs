use crate::DetectError;
use mammo_core::Plane;
use mammo_train::TrainedClassifier;

/// An attack on a classifier of images by the slope of its own answer, as against what a CycleGAN does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientAttack {
    /// Largest change of a pixel, in the image's range of 1.
    pub reach: f32,
    /// Steps: 1 is the fast gradient sign method (Goodfellow, Shlens and Szegedy, arXiv 1412.6572), more its iterated form
    /// (Kurakin, Goodfellow and Bengio, arXiv 1607.02533), in steps of 2.5 times the reach by their number (Madry et al.,
    /// arXiv 1706.06083).
    pub steps: usize,
}

impl GradientAttack {
    /// Changes `plane` so that the classifier takes it for the other class: its logit falls if the image is `positive`, and
    /// rises otherwise. The air stays as it is; values stay in `[0, 1]`.
    ///
    /// # Errors
    /// [`DetectError::Attack`] for a reach that is no positive number or no steps, and what the classifier refuses.
    pub fn apply(
        &self,
        classifier: &TrainedClassifier,
        plane: &Plane,
        positive: bool,
    ) -> Result<Plane, DetectError> {
        if !(self.reach > 0.0 && self.reach <= 1.0) || self.steps == 0 {
            return Err(DetectError::Attack { reach: self.reach, steps: self.steps });
        }
        let away = if positive { -1.0 } else { 1.0 };
        let step = if self.steps == 1 { self.reach } else { 2.5 * self.reach / self.steps as f32 };
        let mut moved = plane.clone();
        for _ in 0..self.steps {
            let slope = classifier.slope(&moved)?;
            let further = moved.zip(&slope, |v, s| if s == 0.0 { v } else { v + away * step * s.signum() });
            // A pixel that reached 0 would pass for air and never move again.
            moved = further.zip(plane, |v, from| {
                if from == 0.0 {
                    0.0
                } else {
                    v.clamp(from - self.reach, from + self.reach).clamp(f32::MIN_POSITIVE, 1.0)
                }
            });
        }
        Ok(moved)
    }
}
