//! Networks from pytorch-CycleGAN-and-pix2pix and back, as safetensors.

use candle_core::{DType, Device, Tensor};
use mammo_models::{Discriminator, ResnetGenerator};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::checkpoint::{self, State};
use crate::{CycleGan, ImagePool, TrainConfig, TrainError};

/// Names of the files, by the names that pytorch-CycleGAN gives its networks. Its `G_A` translates domain A (healthy) to B, and
/// its `D_A` judges what `G_A` makes: images of domain B.
const FILES: [&str; 4] = [
    "latest_net_G_A.safetensors",
    "latest_net_G_B.safetensors",
    "latest_net_D_A.safetensors",
    "latest_net_D_B.safetensors",
];

impl CycleGan {
    /// Writes the four networks into `dir` under pytorch-CycleGAN's names of files and weights: the generators that translate
    /// (their moving averages, where there are any) and the discriminators. Returned are the files.
    ///
    /// # Errors
    /// [`TrainError::Model`] for networks that pytorch-CycleGAN does not have: all but Zhu's; failures of files.
    pub fn export_pytorch(&self, dir: &Path) -> Result<Vec<PathBuf>, TrainError> {
        let networks = [
            self.injector().to_pytorch()?,
            self.remover().to_pytorch()?,
            // Theirs are named by the generator that they judge, ours by the domain.
            self.d_b.to_pytorch()?,
            self.d_a.to_pytorch()?,
        ];
        mammo_files::create_dir(dir)?;
        let mut files = Vec::new();
        for (name, weights) in FILES.iter().zip(networks) {
            let path = dir.join(name);
            let aside = dir.join(format!(".{name}.tmp"));
            candle_core::safetensors::save(&weights, &aside)?;
            std::fs::rename(&aside, &path).map_err(mammo_files::FileError::from)?;
            files.push(path);
        }
        Ok(files)
    }

    /// Networks of `config` with the weights in `dir`, which [`Self::export_pytorch`] or pytorch-CycleGAN wrote (its `.pth` files
    /// saved again as safetensors). Discriminators that are not there begin afresh: translating needs none.
    ///
    /// # Errors
    /// [`TrainError::Data`] naming the file for generators that are missing or do not fit; [`TrainError::Config`].
    pub fn import_pytorch(dir: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        let model = Self::new(config, DType::F32, &Device::Cpu)?;
        let read = |name: &str| -> Result<Option<HashMap<String, Tensor>>, TrainError> {
            let path = dir.join(name);
            if !path.is_file() {
                return Ok(None);
            }
            let weights = candle_core::safetensors::load(&path, &Device::Cpu)
                .map_err(|error| TrainError::Data(format!("{}: no safetensors: {error}", path.display())))?;
            Ok(Some(weights))
        };
        let unfit = |name: &str, error: &dyn std::fmt::Display| {
            TrainError::Data(format!("{}: {error}", dir.join(name).display()))
        };
        let generators: [(&str, &ResnetGenerator); 2] = [(FILES[0], &model.g_ab), (FILES[1], &model.g_ba)];
        for (name, generator) in generators {
            let weights = read(name)?.ok_or_else(|| unfit(name, &"there is no such file"))?;
            generator.load_pytorch(&weights).map_err(|error| unfit(name, &error))?;
        }
        let discriminators: [(&str, &Discriminator); 2] = [(FILES[2], &model.d_b), (FILES[3], &model.d_a)];
        for (name, discriminator) in discriminators {
            if let Some(weights) = read(name)? {
                discriminator.load_pytorch(&weights).map_err(|error| unfit(name, &error))?;
            }
        }
        Ok(model)
    }

    /// Writes the networks as a checkpoint after 0 steps below `dir`, from where [`Self::load`] reads them.
    ///
    /// # Errors
    /// Failures of files.
    pub fn save(&self, dir: &Path, config: &TrainConfig) -> Result<(), TrainError> {
        let checkpoints = dir.join("checkpoints");
        mammo_files::create_dir(&checkpoints)?;
        let pools = (ImagePool::new(config.pool_size), ImagePool::new(config.pool_size));
        let state =
            State { model: self, pools: &pools, step: 0, config, data_sha256: "imported", good: true };
        checkpoint::save(&checkpoints, &state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Plane, Seed};
    use mammo_models::{DiscriminatorConfig, GeneratorConfig};

    fn config(seed: u64) -> TrainConfig {
        TrainConfig::new(GeneratorConfig::zhu(2, 1), DiscriminatorConfig::zhu(2), 32, 32, Seed(seed))
    }

    #[test]
    fn networks_go_out_and_come_back_and_translate_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let one = CycleGan::new(&config(1), DType::F32, &Device::Cpu).unwrap();
        let files = one.export_pytorch(dir.path()).unwrap();
        assert_eq!(files.len(), 4);
        let back = CycleGan::import_pytorch(dir.path(), &config(2)).unwrap();
        let plane = Plane::from_fn(32, 32, |x, y| ((x * 7 + y * 3) % 19) as f32 / 18.0);
        assert_eq!(one.inject(&plane).unwrap(), back.inject(&plane).unwrap());
        assert_eq!(one.remove(&plane).unwrap(), back.remove(&plane).unwrap());
        assert_ne!(one.inject(&plane).unwrap(), one.remove(&plane).unwrap());
        back.save(dir.path(), &config(2)).unwrap();
        let (stored, checkpoint) = CycleGan::load(dir.path()).unwrap();
        assert_eq!(checkpoint.step, 0);
        assert_eq!(stored.inject(&plane).unwrap(), one.inject(&plane).unwrap());

        std::fs::remove_file(&files[3]).unwrap();
        assert!(CycleGan::import_pytorch(dir.path(), &config(3)).is_ok());
        std::fs::write(&files[0], b"no weights").unwrap();
        let message = CycleGan::import_pytorch(dir.path(), &config(3)).err().unwrap().to_string();
        assert!(message.contains("latest_net_G_A") && message.contains("safetensors"), "{message}");
        std::fs::remove_file(&files[0]).unwrap();
        let message = CycleGan::import_pytorch(dir.path(), &config(3)).err().unwrap().to_string();
        assert!(message.contains("no such file"), "{message}");
    }

    #[test]
    fn networks_that_they_do_not_have_stay_here() {
        let dir = tempfile::tempdir().unwrap();
        let config =
            TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(1));
        let model = CycleGan::new(&config, DType::F32, &Device::Cpu).unwrap();
        let message = model.export_pytorch(&dir.path().join("out")).unwrap_err().to_string();
        assert!(message.contains("preset zhu") && !dir.path().join("out").exists(), "{message}");
    }
}
