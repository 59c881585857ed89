use candle_core::{DType, Device, Tensor};
use mammo_core::{Mask, Plane};
use mammo_models::{Discriminator, ResnetGenerator};

use crate::data::{init_stream, input};
use crate::ema::Averages;
use crate::{Adam, TrainConfig, TrainError, tensor_to_plane};

/// The four networks of a CycleGAN with their optimisers' states.
pub struct CycleGan {
    /// Healthy to cancer: injects.
    pub g_ab: ResnetGenerator,
    /// Cancer to healthy: removes.
    pub g_ba: ResnetGenerator,
    /// Judges healthy images.
    pub d_a: Discriminator,
    /// Judges cancer images.
    pub d_b: Discriminator,
    pub(crate) adam: [(&'static str, Adam); 4],
    /// What images are translated by where there is one.
    averages: Option<Averages>,
}

impl CycleGan {
    /// Networks with fresh weights from the configuration's seed.
    ///
    /// # Errors
    /// [`TrainError::Config`] and failures of the tensor library.
    pub fn new(config: &TrainConfig, dtype: DType, device: &Device) -> Result<Self, TrainError> {
        config.check()?;
        let generator = |name: &str| {
            ResnetGenerator::new(&config.generator, &mut init_stream(config.seed, name), dtype, device)
                .map(|network| network.training_in(config.precision))
        };
        let discriminator = |name: &str| {
            Discriminator::new(&config.discriminator, &mut init_stream(config.seed, name), dtype, device)
                .map(|network| network.training_in(config.precision))
        };
        let (g_ab, g_ba) = (generator("g_ab")?, generator("g_ba")?);
        let (d_a, d_b) = (discriminator("d_a")?, discriminator("d_b")?);
        let adam = [
            ("g_ab", Adam::new(g_ab.parameters())?),
            ("g_ba", Adam::new(g_ba.parameters())?),
            ("d_a", Adam::new(d_a.parameters())?),
            ("d_b", Adam::new(d_b.parameters())?),
        ];
        // The same draws again: the averages begin at the generators' own first weights.
        let averages = config
            .ema_decay
            .map(|_| Ok::<_, TrainError>(Averages { g_ab: generator("g_ab")?, g_ba: generator("g_ba")? }))
            .transpose()?;
        Ok(Self { g_ab, g_ba, d_a, d_b, adam, averages })
    }

    /// The networks of the newest whole checkpoint below `dir` (the folder that [`crate::train`] was given), and what the
    /// checkpoint says of itself.
    ///
    /// # Errors
    /// [`TrainError::Data`] when there is none, or all are damaged; failures of files and of the tensor library.
    pub fn load(dir: &std::path::Path) -> Result<(Self, crate::Checkpoint), TrainError> {
        crate::checkpoint::load_newest(&dir.join("checkpoints"))
    }

    /// The networks of the checkpoint that an observer called the best, and what the checkpoint says of itself; of the newest
    /// if there is none.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_best(dir: &std::path::Path) -> Result<(Self, crate::Checkpoint), TrainError> {
        crate::checkpoint::load_best(&dir.join("checkpoints"))
    }

    /// The generator that injects, as images are translated: its moving average where there is one.
    pub fn injector(&self) -> &ResnetGenerator {
        self.averages.as_ref().map_or(&self.g_ab, |averages| &averages.g_ab)
    }

    /// The generator that removes, as images are translated: its moving average where there is one.
    pub fn remover(&self) -> &ResnetGenerator {
        self.averages.as_ref().map_or(&self.g_ba, |averages| &averages.g_ba)
    }

    /// Where the networks are.
    pub fn device(&self) -> &Device {
        self.g_ab.parameters().device()
    }

    /// A healthy image with malignant features injected. Values in [0, 1].
    ///
    /// # Errors
    /// When the size does not fit, when the networks want a region of interest, and failures of the tensor library.
    pub fn inject(&self, healthy: &Plane) -> Result<Plane, TrainError> {
        translate(self.injector(), healthy, None)
    }

    /// A cancer image with its malignant features removed. Values in [0, 1].
    ///
    /// # Errors
    /// As [`Self::inject`].
    pub fn remove(&self, cancer: &Plane) -> Result<Plane, TrainError> {
        translate(self.remover(), cancer, None)
    }

    /// [`Self::inject`] into a region of interest, which networks without a channel for it do not see.
    ///
    /// # Errors
    /// As [`Self::inject`].
    pub fn inject_at(&self, healthy: &Plane, region: &Mask) -> Result<Plane, TrainError> {
        translate(self.injector(), healthy, Some(region))
    }

    /// [`Self::remove`] from a region of interest, which networks without a channel for it do not see.
    ///
    /// # Errors
    /// As [`Self::inject`].
    pub fn remove_at(&self, cancer: &Plane, region: &Mask) -> Result<Plane, TrainError> {
        translate(self.remover(), cancer, Some(region))
    }

    /// Moves the averages, if there are any.
    pub(crate) fn average(&self, decay: f64, step: usize) -> Result<(), TrainError> {
        self.averages.as_ref().map_or(Ok(()), |averages| averages.follow(&self.g_ab, &self.g_ba, decay, step))
    }

    /// Moves the estimates of all spectral norms by one step.
    pub(crate) fn iterate_spectral_norms(&self) -> Result<(), TrainError> {
        for generator in [&self.g_ab, &self.g_ba] {
            generator.iterate_spectral_norms()?;
        }
        for discriminator in [&self.d_a, &self.d_b] {
            discriminator.iterate_spectral_norms()?;
        }
        Ok(())
    }

    /// The parameters of all networks under `network.parameter`.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, &mammo_models::Parameters)> {
        let mut networks = vec![
            ("g_ab", self.g_ab.parameters()),
            ("g_ba", self.g_ba.parameters()),
            ("d_a", self.d_a.parameters()),
            ("d_b", self.d_b.parameters()),
        ];
        if let Some(averages) = &self.averages {
            networks.push(("average_ab", averages.g_ab.parameters()));
            networks.push(("average_ba", averages.g_ba.parameters()));
        }
        networks
    }
}

pub(crate) fn translate(
    generator: &ResnetGenerator,
    plane: &Plane,
    region: Option<&Mask>,
) -> Result<Plane, TrainError> {
    let input: Tensor =
        input(generator.config().roi_channel, plane, region)?.to_device(generator.parameters().device())?;
    tensor_to_plane(&generator.translate(&input)?)
}
