use mammo_files::FileError;
use mammo_models::ModelError;
use std::path::PathBuf;

/// Why training could not start, go on or be resumed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A number in the configuration that makes no training.
    #[error("training configuration: {0}")]
    Config(String),
    /// The training images do not fit the configuration.
    #[error("training images: {0}")]
    Data(String),
    /// A checkpoint of another run.
    #[error("{}: this checkpoint belongs to another run ({difference}); start afresh in another folder", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] mammo_ops::DeviceError),
    /// The GPU has too little memory.
    #[error("the GPU is out of memory ({0}): lower batch_size, the size of the images or ngf")]
    DeviceMemory(String),
    /// A network failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The losses are no longer numbers.
    #[error("step {step}: the loss {loss} is not a number; lower the learning rate{}", last_good.as_ref().map_or_else(
        String::new,
        |path| format!("; the last good checkpoint is {}", path.display()),
    ))]
    Diverged {
        /// The step.
        step: usize,
        /// The loss's name.
        loss: &'static str,
        /// The newest checkpoint whose losses looked sound, where there are checkpoints.
        last_good: Option<PathBuf>,
    },
    /// The watchdog gave the training up.
    #[error("step {step}: {what}{}", last_good.as_ref().map_or_else(
        || "; there is no checkpoint from before".to_owned(),
        |path| format!("; the last good checkpoint is {}", path.display()),
    ))]
    GivenUp {
        /// The step.
        step: usize,
        /// What is wrong and what to do.
        what: String,
        /// The newest checkpoint whose losses looked sound.
        last_good: Option<PathBuf>,
    },
    /// What the observer returned.
    #[error("{0}")]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        let text = error.to_string();
        // candle's own operations say no more than this.
        if text.contains("CUDA_ERROR_OUT_OF_MEMORY") {
            Self::DeviceMemory(text)
        } else {
            Self::Model(error.into())
        }
    }
}
