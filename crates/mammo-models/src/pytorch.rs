//! Weights under the names that pytorch-CycleGAN-and-pix2pix gives them, so that networks go from there to here and back.
//!
//! Its networks are sequences whose layers are numbered, those without weights as well. Its instance norms learn nothing; older
//! files of it hold running statistics, which its own reader throws away, too.

use candle_core::Tensor;
use std::collections::HashMap;

use crate::{
    Discriminator, DiscriminatorConfig, DiscriminatorKind, GeneratorConfig, ModelError, PaddingMode,
    Parameters, ResnetGenerator, Upsampling,
};

/// Endings of what older files hold beside the weights.
const STATISTICS: [&str; 3] = ["running_mean", "running_var", "num_batches_tracked"];

impl ResnetGenerator {
    /// The weights under pytorch-CycleGAN's names, as its `resnet_6blocks` and `resnet_9blocks` have them.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a network that pytorch-CycleGAN does not have: all but Zhu's.
    ///
    /// ```
    /// use candle_core::{DType, Device};
    /// use mammo_models::{GeneratorConfig, ResnetGenerator};
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    ///
    /// let config = GeneratorConfig::zhu(4, 6);
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let generator = ResnetGenerator::new(&config, &mut rng, DType::F32, &Device::Cpu)?;
    /// let weights = generator.to_pytorch()?;
    /// assert_eq!(weights["model.10.conv_block.1.weight"].dims(), [16, 16, 3, 3]);
    ///
    /// let other = ResnetGenerator::new(&config, &mut rng, DType::F32, &Device::Cpu)?;
    /// other.load_pytorch(&weights)?;
    /// # Ok::<(), mammo_models::ModelError>(())
    /// ```
    pub fn to_pytorch(&self) -> Result<HashMap<String, Tensor>, ModelError> {
        Ok(renamed(self.parameters(), &generator_names(self.config())?))
    }

    /// Takes weights under pytorch-CycleGAN's names.
    ///
    /// # Errors
    /// [`ModelError::Config`] as [`Self::to_pytorch`], and [`ModelError::Parameters`] naming the first weight that is missing,
    /// unknown or of another shape; then nothing has been changed.
    pub fn load_pytorch(&self, weights: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        load(self.parameters(), &generator_names(self.config())?, weights)
    }
}

impl Discriminator {
    /// The weights under pytorch-CycleGAN's names, as its `basic`, `n_layers` and `pixel` discriminators have them.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a network that pytorch-CycleGAN does not have.
    pub fn to_pytorch(&self) -> Result<HashMap<String, Tensor>, ModelError> {
        Ok(renamed(self.parameters(), &discriminator_names(self.config())?))
    }

    /// Takes weights under pytorch-CycleGAN's names.
    ///
    /// # Errors
    /// As [`ResnetGenerator::load_pytorch`].
    pub fn load_pytorch(&self, weights: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        load(self.parameters(), &discriminator_names(self.config())?, weights)
    }
}

/// Layers by our name and by theirs.
type Names = Vec<(String, String)>;

fn generator_names(config: &GeneratorConfig) -> Result<Names, ModelError> {
    let theirs = GeneratorConfig {
        roi_channel: config.roi_channel,
        ..GeneratorConfig::zhu(config.ngf, config.n_blocks)
    };
    if *config != theirs {
        let what = [
            (config.padding != PaddingMode::Reflect, "a padding other than reflect"),
            (config.upsampling != Upsampling::Transposed, "an up-sampling other than transposed convolution"),
            (config.affine, "norms that learn"),
            (config.input_skip, "an input skip"),
            (config.spectral_norm, "a spectral norm"),
        ];
        return Err(foreign("generator", what.iter().find(|(is, _)| *is).map(|(_, what)| *what)));
    }
    let blocks = config.n_blocks;
    let mut names = vec![("stem.conv", 1), ("down1.conv", 4), ("down2.conv", 7)];
    names.extend([("up1.conv", 10 + blocks), ("up2.conv", 13 + blocks), ("head.conv", 17 + blocks)]);
    let mut names: Names =
        names.into_iter().map(|(ours, layer)| (ours.to_owned(), format!("model.{layer}"))).collect();
    for block in 0..blocks {
        // Padding, convolution, norm, ReLU, padding, convolution, norm.
        for (half, layer) in [(1, 1), (2, 5)] {
            names
                .push((format!("res{block}.conv{half}"), format!("model.{}.conv_block.{layer}", 10 + block)));
        }
    }
    Ok(names)
}

fn discriminator_names(config: &DiscriminatorConfig) -> Result<Names, ModelError> {
    let pixel = config.kind == DiscriminatorKind::Pixel;
    let theirs = if pixel {
        DiscriminatorConfig::pixel(config.ndf)
    } else {
        DiscriminatorConfig { n_layers: config.n_layers, ..DiscriminatorConfig::zhu(config.ndf) }
    };
    if *config != (DiscriminatorConfig { roi_channel: config.roi_channel, ..theirs }) {
        let what = [
            (config.affine, "norms that learn"),
            (config.spectral_norm, "a spectral norm"),
            (
                config.padding_mode != PaddingMode::Zero || config.padding != 1,
                "a padding other than one zero",
            ),
        ];
        return Err(foreign("discriminator", what.iter().find(|(is, _)| *is).map(|(_, what)| *what)));
    }
    let (sequence, convolutions) = if pixel { ("net", 3) } else { ("model", config.n_layers + 2) };
    // Convolution and activation first, then convolution, norm and activation.
    let layer = |i: usize| if i == 0 { 0 } else { 3 * i - 1 };
    Ok((0..convolutions).map(|i| (format!("conv{i}"), format!("{sequence}.{}", layer(i)))).collect())
}

fn foreign(network: &str, what: Option<&str>) -> ModelError {
    ModelError::Config(format!(
        "pytorch-CycleGAN has no {network} with {}; its weights go with the networks of the preset zhu alone",
        what.unwrap_or("these settings")
    ))
}

fn renamed(parameters: &Parameters, names: &Names) -> HashMap<String, Tensor> {
    let mut weights = HashMap::new();
    for (ours, theirs) in names {
        for part in ["weight", "bias"] {
            if let Some(var) = parameters.get(&format!("{ours}.{part}")) {
                weights.insert(format!("{theirs}.{part}"), var.as_detached_tensor());
            }
        }
    }
    weights
}

fn load(parameters: &Parameters, names: &Names, weights: &HashMap<String, Tensor>) -> Result<(), ModelError> {
    let mut ours = HashMap::new();
    let mut known = Vec::new();
    for (our, their) in names {
        for part in ["weight", "bias"] {
            let theirs = format!("{their}.{part}");
            let tensor =
                weights.get(&theirs).ok_or_else(|| ModelError::Parameters(format!("{theirs} is missing")))?;
            let expected = parameters.get(&format!("{our}.{part}")).map(|var| var.dims().to_vec());
            if expected.as_deref() != Some(tensor.dims()) {
                return Err(ModelError::Parameters(format!(
                    "{theirs} has shape {:?} instead of {:?}; is it of images with another number of channels, or of \
                     another width?",
                    tensor.dims(),
                    expected.unwrap_or_default()
                )));
            }
            ours.insert(format!("{our}.{part}"), tensor.clone());
            known.push(theirs);
        }
    }
    let mut unknown: Vec<&String> = weights
        .keys()
        .filter(|name| !known.contains(name) && !STATISTICS.iter().any(|ending| name.ends_with(ending)))
        .collect();
    unknown.sort();
    match unknown.first() {
        Some(name) => Err(ModelError::Parameters(format!("{name} is not a parameter of it"))),
        None => parameters.load(&ours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    fn generator(config: &GeneratorConfig, seed: u64) -> ResnetGenerator {
        ResnetGenerator::new(config, &mut ChaCha8Rng::seed_from_u64(seed), DType::F32, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn weights_go_there_and_back_with_the_statistics_of_old_files() {
        let config = GeneratorConfig::zhu(2, 2);
        let (one, other) = (generator(&config, 1), generator(&config, 2));
        let mut weights = one.to_pytorch().unwrap();
        assert_eq!(weights.len(), one.parameters().iter().count());
        weights.insert("model.2.running_mean".into(), Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap());
        other.load_pytorch(&weights).unwrap();
        for (name, var) in one.parameters().iter() {
            assert_eq!(values(var), values(other.parameters().get(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_and_changes_nothing() {
        let config = GeneratorConfig::zhu(2, 1);
        let network = generator(&config, 1);
        let before = values(network.parameters().get("stem.conv.bias").unwrap());
        let refused = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
            let mut weights = generator(&config, 2).to_pytorch().unwrap();
            change(&mut weights);
            network.load_pytorch(&weights).unwrap_err().to_string()
        };
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let missing = refused(&|weights| drop(weights.remove("model.18.bias")));
        assert!(missing.contains("model.18.bias is missing"), "{missing}");
        let colour = refused(&|weights| drop(weights.insert("model.1.weight".into(), zeros(&[2, 3, 7, 7]))));
        assert!(colour.contains("channels"), "{colour}");
        let unknown = refused(&|weights| drop(weights.insert("model.99.weight".into(), zeros(&[1]))));
        assert!(unknown.contains("model.99.weight"), "{unknown}");
        assert_eq!(values(network.parameters().get("stem.conv.bias").unwrap()), before);
        let ours = generator(&GeneratorConfig::becker(2, 1), 1).to_pytorch().unwrap_err().to_string();
        assert!(ours.contains("padding other than reflect"), "{ours}");
    }
}
