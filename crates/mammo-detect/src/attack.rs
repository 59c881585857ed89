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
    /// ```
    /// use mammo_core::{Plane, Seed, Stream};
    /// use mammo_detect::GradientAttack;
    /// use mammo_models::ClassifierConfig;
    /// use mammo_train::{ClassifierTraining, Example, Examples, train_classifier};
    ///
    /// /// Dark pictures and bright ones.
    /// struct Levels;
    /// impl Examples for Levels {
    ///     fn len(&self) -> usize {
    ///         8
    ///     }
    ///     fn draw(&self, index: usize, _: &mut Stream) -> Example {
    ///         let level = 0.3 + 0.05 * index as f32;
    ///         Example { plane: Plane::filled(32, 32, level), positive: index >= 4, region: None }
    ///     }
    /// }
    /// let training = ClassifierTraining::new(ClassifierConfig::malignancy(), Seed(1));
    /// let classifier = train_classifier(&training, &Levels, &mut |_, _, _| true)?.expect("nobody ended it");
    /// let bright = Plane::filled(32, 32, 0.6);
    /// let moved = GradientAttack { reach: 0.05, steps: 5 }.apply(&classifier, &bright, true)?;
    /// assert!(classifier.logit(&moved)? < classifier.logit(&bright)?);
    /// assert!(bright.zip(&moved, |a, b| (a - b).abs()).min_max().1 < 0.051);
    /// # Ok::<(), mammo_detect::DetectError>(())
    /// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Seed, Stream};
    use mammo_models::ClassifierConfig;
    use mammo_train::{ClassifierTraining, Example, Examples, train_classifier};

    /// Pictures with a bright spot, and without.
    struct Spots;

    impl Examples for Spots {
        fn len(&self) -> usize {
            16
        }

        fn draw(&self, index: usize, _: &mut Stream) -> Example {
            let (positive, at) = (index % 2 == 1, 8 + index);
            let plane = Plane::from_fn(32, 40, |x, y| {
                let near = x.abs_diff(at).pow(2) + y.abs_diff(20).pow(2) < 12;
                if x > 28 { 0.0 } else { 0.4 + if positive && near { 0.2 } else { 0.0 } }
            });
            Example { plane, positive, region: None }
        }
    }

    #[test]
    fn an_attack_stays_within_its_reach_leaves_the_air_and_works_both_ways() {
        let training = ClassifierTraining::new(ClassifierConfig::malignancy(), Seed(1));
        let classifier = train_classifier(&training, &Spots, &mut |_, _, _| true).unwrap().unwrap();
        let picture = |index| Spots.draw(index, &mut Seed(1).stream("any")).plane;
        for (index, positive) in [(2, false), (3, true)] {
            let plane = picture(index);
            let logit = |plane: &Plane| classifier.logit(plane).unwrap();
            let mut moved_by = Vec::new();
            for steps in [1, 10] {
                let moved =
                    GradientAttack { reach: 0.03, steps }.apply(&classifier, &plane, positive).unwrap();
                assert!(plane.zip(&moved, |a, b| (a - b).abs()).min_max().1 < 0.0301);
                assert!((29..32).all(|x| moved.get(x, 20) == 0.0));
                let towards = logit(&moved) - logit(&plane);
                moved_by.push(if positive { -towards } else { towards });
            }
            assert!(moved_by.iter().all(|m| *m > 0.0), "{moved_by:?}");
        }
        for attack in [GradientAttack { reach: 0.0, steps: 1 }, GradientAttack { reach: 0.1, steps: 0 }] {
            let message = attack.apply(&classifier, &picture(0), true).unwrap_err().to_string();
            assert!(message.contains("an attack with reach"), "{message}");
        }
    }
}
