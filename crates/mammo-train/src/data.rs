use candle_core::{DType, Device, Tensor};
use mammo_core::{Mask, Plane, Seed};
use rand::Rng;
use rayon::prelude::*;
use std::ops::Range;

use crate::{TrainConfig, TrainError};

/// The training images of both domains: values in [0, 1], air exactly 0, breast at the left edge, one size.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    /// Domain A.
    pub healthy: Vec<Plane>,
    /// Domain B.
    pub cancer: Vec<Plane>,
    /// Where in each image its lesion is or would be, for networks with a channel for it.
    pub regions: Option<RegionsOfInterest>,
}

/// A region of interest for every image of a [`TrainingSet`], of the image's size.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionsOfInterest {
    /// Of domain A: where a lesion could be.
    pub healthy: Vec<Mask>,
    /// Of domain B: where the lesion is.
    pub cancer: Vec<Mask>,
}

impl TrainingSet {
    /// Checks that both domains have images and all are of the configured size and range.
    ///
    /// # Errors
    /// [`TrainError::Data`].
    pub fn check(&self, config: &TrainConfig) -> Result<(), TrainError> {
        for (domain, planes) in [("healthy", &self.healthy), ("cancer", &self.cancer)] {
            if planes.is_empty() {
                return Err(TrainError::Data(format!("there is no {domain} image to train on")));
            }
            for (i, plane) in planes.iter().enumerate() {
                if (plane.height(), plane.width()) != (config.height_px, config.width_px) {
                    return Err(TrainError::Data(format!(
                        "{domain} image {i} is {} x {} pixels instead of {} x {} (height x width)",
                        plane.height(),
                        plane.width(),
                        config.height_px,
                        config.width_px
                    )));
                }
                if !plane.data().iter().all(|v| (0.0..=1.0).contains(v)) {
                    return Err(TrainError::Data(format!("{domain} image {i} has values outside [0, 1]")));
                }
            }
        }
        if !config.generator.roi_channel {
            return Ok(());
        }
        let Some(regions) = &self.regions else {
            return Err(TrainError::Data(
                "the networks want a region of interest for every image and there are none".to_owned(),
            ));
        };
        for (domain, planes, masks) in
            [("healthy", &self.healthy, &regions.healthy), ("cancer", &self.cancer, &regions.cancer)]
        {
            if planes.len() != masks.len() {
                return Err(TrainError::Data(format!(
                    "{} {domain} images have {} regions of interest",
                    planes.len(),
                    masks.len()
                )));
            }
            let of_another_size = |(plane, mask): &(&Plane, &Mask)| {
                (plane.width(), plane.height()) != (mask.width(), mask.height())
            };
            if let Some(i) = planes.iter().zip(masks).position(|pair| of_another_size(&pair)) {
                return Err(TrainError::Data(format!(
                    "the region of interest of {domain} image {i} has another size than the image"
                )));
            }
        }
        Ok(())
    }

    /// A digest of sizes and values, which ties checkpoints to their images.
    pub fn digest(&self) -> String {
        let mut bytes = Vec::new();
        for planes in [&self.healthy, &self.cancer] {
            bytes.extend((planes.len() as u64).to_le_bytes());
            for plane in planes {
                bytes.extend((plane.width() as u64).to_le_bytes());
                bytes.extend(plane.data().iter().flat_map(|v| v.to_le_bytes()));
            }
        }
        if let Some(regions) = &self.regions {
            for mask in regions.healthy.iter().chain(&regions.cancer) {
                bytes.extend(mask.data().iter().map(|&inside| u8::from(inside)));
            }
        }
        mammo_files::sha256(&bytes)
    }

    /// The batches of step `step`: both domains drawn independently and augmented.
    pub(crate) fn batch(&self, config: &TrainConfig, step: usize) -> Result<(Tensor, Tensor), TrainError> {
        let regions = self.regions.as_ref().filter(|_| config.generator.roi_channel);
        let draw = |planes: &[Plane], masks: Option<&[Mask]>, stream: &str| -> Result<Tensor, TrainError> {
            let mut rng = config.seed.stream_at(stream, step as u64);
            // Drawn one after the other, so that the draws are what they are; the work behind them is shared.
            let drawn: Vec<_> = (0..config.batch_size)
                .map(|_| {
                    let chosen = rng.random_range(0..planes.len());
                    (chosen, config.augmentation.as_ref().map(|augmentation| augmentation.draw(&mut rng)))
                })
                .collect();
            let image = |(chosen, drawn): &(usize, Option<mammo_augment::Transform>)| {
                let (plane, mask) = (&planes[*chosen], masks.map(|masks| &masks[*chosen]));
                let Some(drawn) = drawn else { return input(mask.is_some(), plane, mask) };
                let mask = mask.map(|mask| drawn.apply_to_mask(mask));
                input(mask.is_some(), &drawn.apply(plane), mask.as_ref())
            };
            let images = drawn.par_iter().map(image).collect::<Result<Vec<_>, _>>()?;
            Ok(Tensor::cat(&images, 0)?)
        };
        Ok((
            draw(&self.healthy, regions.map(|r| r.healthy.as_slice()), "train/healthy")?,
            draw(&self.cancer, regions.map(|r| r.cancer.as_slice()), "train/cancer")?,
        ))
    }
}

/// Batches that another thread prepares ahead of a GPU.
const AHEAD: usize = 4;

/// Calls `work` with a function that gives the batches of the steps, one after the other, on the device. On the CPU they are made
/// when they are asked for; for a GPU, which should not wait for augmentation, another thread makes them ahead.
pub(crate) fn with_batches<R>(
    set: &TrainingSet,
    config: &TrainConfig,
    device: &Device,
    mut steps: Range<usize>,
    work: impl FnOnce(&mut dyn FnMut() -> Result<(Tensor, Tensor), TrainError>) -> R,
) -> R {
    let none_left = || TrainError::Data("there is no batch beyond the last step".to_owned());
    if device.is_cpu() {
        return work(&mut || set.batch(config, steps.next().ok_or_else(none_left)?));
    }
    std::thread::scope(|scope| {
        let (give, take) = std::sync::mpsc::sync_channel(AHEAD);
        scope.spawn(move || {
            // Nobody takes any more when the training ends early.
            let _ = steps.try_for_each(|step| give.send(set.batch(config, step)));
        });
        work(&mut || {
            let (a, b) = take.recv().map_err(|_| none_left())??;
            Ok((a.to_device(device)?, b.to_device(device)?))
        })
    })
}

/// A network's input: the plane, and behind it its region of interest where the network has a channel for it.
pub(crate) fn input(roi_channel: bool, plane: &Plane, region: Option<&Mask>) -> Result<Tensor, TrainError> {
    let image = plane_to_tensor(plane)?;
    if !roi_channel {
        return Ok(image);
    }
    let Some(region) = region else {
        return Err(TrainError::Data(
            "these networks want a region of interest beside the image; give one".to_owned(),
        ));
    };
    if (region.width(), region.height()) != (plane.width(), plane.height()) {
        return Err(TrainError::Data("the region of interest has another size than its image".to_owned()));
    }
    let values: Vec<f32> = region.data().iter().map(|&inside| if inside { 1.0 } else { -1.0 }).collect();
    let region = Tensor::from_vec(values, (1, 1, plane.height(), plane.width()), &Device::Cpu)?;
    Ok(Tensor::cat(&[&image, &region], 1)?)
}

/// A plane in [0, 1] as a network's input: 1 x 1 x H x W in [-1, 1].
///
/// # Errors
/// Failures of the tensor library.
pub fn plane_to_tensor(plane: &Plane) -> Result<Tensor, TrainError> {
    let values: Vec<f32> = plane.data().iter().map(|v| 2.0 * v - 1.0).collect();
    Ok(Tensor::from_vec(values, (1, 1, plane.height(), plane.width()), &Device::Cpu)?)
}

/// The grey values of the first image of a network's output, back in [0, 1]; what lies outside is clipped.
///
/// # Errors
/// Failures of the tensor library.
pub fn tensor_to_plane(tensor: &Tensor) -> Result<Plane, TrainError> {
    let (_, _, height, width) = tensor.dims4()?;
    let values: Vec<f32> = tensor.get(0)?.get(0)?.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?;
    let values = values.iter().map(|v| ((v + 1.0) / 2.0).clamp(0.0, 1.0)).collect();
    Plane::new(width, height, values).map_err(|e| TrainError::Data(e.to_string()))
}

/// The stream that the initial weights of a network are drawn from.
pub(crate) fn init_stream(seed: Seed, network: &str) -> mammo_core::Stream {
    seed.stream(&format!("train/init/{network}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_models::{DiscriminatorConfig, GeneratorConfig};

    fn config() -> TrainConfig {
        TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(3))
    }

    #[test]
    fn planes_survive_the_way_to_the_network_and_back() {
        let plane = Plane::from_fn(4, 8, |x, y| (x + 4 * y) as f32 / 32.0);
        let back = tensor_to_plane(&plane_to_tensor(&plane).unwrap()).unwrap();
        assert!(plane.data().iter().zip(back.data()).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn every_healthy_image_is_used_though_there_are_fewer_cancers() {
        // The study's own code drew both domains by one permutation and so never saw most healthy images.
        let level = |i: usize, n: usize| Plane::filled(32, 32, i as f32 / n as f32);
        let set = TrainingSet {
            healthy: (0..20).map(|i| level(i, 20)).collect(),
            cancer: (0..3).map(|i| level(i, 3)).collect(),
            regions: None,
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut pairs = std::collections::BTreeSet::new();
        for step in 0..400 {
            let (a, b) = set.batch(&config(), step).unwrap();
            let first = |t: &Tensor| t.flatten_all().unwrap().get(0).unwrap().to_scalar::<f32>().unwrap();
            let key = |v: f32| (v * 1000.0).round() as i32;
            seen.insert(key(first(&a)));
            pairs.insert((key(first(&a)), key(first(&b))));
        }
        assert_eq!(seen.len(), 20);
        assert!(pairs.len() > 50, "images are paired anew: {}", pairs.len());
    }

    #[test]
    fn regions_of_interest_move_with_their_images_and_must_be_there() {
        let mut config = config();
        config.generator.roi_channel = true;
        config.discriminator.roi_channel = true;
        config.augmentation = Some(mammo_augment::Augmentation::default());
        let spot = |x: usize, y: usize| (8..20).contains(&x) && (10..20).contains(&y);
        let plane = Plane::from_fn(32, 32, |x, y| if spot(x, y) { 0.9 } else { 0.1 });
        let mask = Mask::from_fn(32, 32, spot);
        let mut set = TrainingSet { healthy: vec![plane.clone()], cancer: vec![plane], regions: None };
        assert!(set.check(&config).unwrap_err().to_string().contains("region of interest"));
        set.regions = Some(RegionsOfInterest { healthy: vec![mask.clone()], cancer: vec![mask] });
        set.check(&config).unwrap();
        let (batch, _) = set.batch(&config, 3).unwrap();
        assert_eq!(batch.dims(), [1, 2, 32, 32]);
        let values: Vec<f32> = batch.flatten_all().unwrap().to_vec1().unwrap();
        let agree = (0..1024).filter(|&i| (values[i] > 0.0) == (values[1024 + i] > 0.0)).count();
        assert!(agree > 1024 - 60, "the mask lies on its bright spot: {agree}");
    }

    #[test]
    fn unfit_images_are_named() {
        let good = Plane::filled(32, 32, 0.5);
        let message = |healthy: Vec<Plane>, cancer: Vec<Plane>| {
            TrainingSet { healthy, cancer, regions: None }.check(&config()).unwrap_err().to_string()
        };
        assert!(message(vec![], vec![good.clone()]).contains("no healthy"));
        assert!(message(vec![good.clone()], vec![Plane::filled(16, 32, 0.5)]).contains("32 x 16"));
        assert!(message(vec![good.map(|_| 1.5)], vec![good]).contains("[0, 1]"));
    }
}
