use candle_core::{DType, Device, Tensor};
use mammo_core::Plane;
use mammo_models::{NLayerDiscriminator, ResnetGenerator};

use crate::data::init_stream;
use crate::{Adam, TrainConfig, TrainError, plane_to_tensor, tensor_to_plane};

/// The four networks of a CycleGAN with their optimisers' states.
pub struct CycleGan {
    /// Healthy to cancer: injects.
    pub g_ab: ResnetGenerator,
    /// Cancer to healthy: removes.
    pub g_ba: ResnetGenerator,
    /// Judges healthy images.
    pub d_a: NLayerDiscriminator,
    /// Judges cancer images.
    pub d_b: NLayerDiscriminator,
    pub(crate) adam: [(&'static str, Adam); 4],
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
        };
        let discriminator = |name: &str| {
            NLayerDiscriminator::new(
                &config.discriminator,
                &mut init_stream(config.seed, name),
                dtype,
                device,
            )
        };
        let (g_ab, g_ba) = (generator("g_ab")?, generator("g_ba")?);
        let (d_a, d_b) = (discriminator("d_a")?, discriminator("d_b")?);
        let adam = [
            ("g_ab", Adam::new(g_ab.parameters())?),
            ("g_ba", Adam::new(g_ba.parameters())?),
            ("d_a", Adam::new(d_a.parameters())?),
            ("d_b", Adam::new(d_b.parameters())?),
        ];
        Ok(Self { g_ab, g_ba, d_a, d_b, adam })
    }

    /// The networks of the newest whole checkpoint below `dir` (the folder that [`crate::train`] was given), and what the
    /// checkpoint says of itself.
    ///
    /// # Errors
    /// [`TrainError::Data`] when there is none, or all are damaged; failures of files and of the tensor library.
    pub fn load(dir: &std::path::Path) -> Result<(Self, crate::Checkpoint), TrainError> {
        crate::checkpoint::load_newest(&dir.join("checkpoints"))
    }

    /// A healthy image with malignant features injected. Values in [0, 1].
    ///
    /// # Errors
    /// When the size does not fit, and failures of the tensor library.
    pub fn inject(&self, healthy: &Plane) -> Result<Plane, TrainError> {
        translate(&self.g_ab, healthy)
    }

    /// A cancer image with its malignant features removed. Values in [0, 1].
    ///
    /// # Errors
    /// When the size does not fit, and failures of the tensor library.
    pub fn remove(&self, cancer: &Plane) -> Result<Plane, TrainError> {
        translate(&self.g_ba, cancer)
    }

    /// The parameters of all networks under `network.parameter`.
    pub(crate) fn parameters(&self) -> [(&'static str, &mammo_models::Parameters); 4] {
        [
            ("g_ab", self.g_ab.parameters()),
            ("g_ba", self.g_ba.parameters()),
            ("d_a", self.d_a.parameters()),
            ("d_b", self.d_b.parameters()),
        ]
    }
}

pub(crate) fn translate(generator: &ResnetGenerator, plane: &Plane) -> Result<Plane, TrainError> {
    let input: Tensor = plane_to_tensor(plane)?;
    tensor_to_plane(&generator.translate(&input)?)
}
