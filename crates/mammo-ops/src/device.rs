use candle_core::Device;
use serde::{Deserialize, Serialize};

/// Where tensors live and operations run: written `cpu`, `cuda` (the first GPU) or `cuda:1`.
///
/// ```
/// use mammo_ops::DeviceChoice;
/// assert_eq!("cuda:1".parse(), Ok(DeviceChoice::Cuda(1)));
/// assert_eq!(DeviceChoice::Cuda(0).to_string(), "cuda:0");
/// assert!("gpu".parse::<DeviceChoice>().is_err());
/// assert!(DeviceChoice::Cpu.open().unwrap().is_cpu());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
}

/// Why a device cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text names no device.
    #[error("{0:?} is not a device; use cpu or cuda:N, N the number of a GPU")]
    Unknown(String),
    /// The program knows the CPU only.
    #[error(
        "this program was built without CUDA: build it with `cargo xtask cuda build`, or use the device cpu"
    )]
    NotBuilt,
    /// There is no working driver, or no GPU.
    #[error(
        "no GPU can be used, {reason}: install NVIDIA's driver (580 or newer) and look at nvidia-smi, or use the device cpu"
    )]
    NoDriver {
        /// What the driver said.
        reason: String,
    },
    /// The driver does not know the language that the kernels are written in.
    #[error("the GPU's driver is too old for this build ({reason}): update it to 580 or newer")]
    OldDriver {
        /// What the driver said.
        reason: String,
    },
    /// There are fewer GPUs.
    #[error("there is no GPU {ordinal}: this machine has {count}, counted from 0")]
    NoSuchGpu {
        /// The number asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The kernels were compiled to instructions of other GPUs.
    #[error(
        "{name} has compute capability {}.{} and this program was built for {}.{} {}: build it with CUDA_COMPUTE_CAP={has}",
        has / 10, has % 10, needs / 10, needs % 10, if *exactly { "alone" } else { "and newer" }
    )]
    OtherArchitecture {
        /// The GPU's name.
        name: String,
        /// Its compute capability, times ten.
        has: i32,
        /// That of the build, times ten.
        needs: i32,
        /// Whether newer GPUs lack instructions of the build too.
        exactly: bool,
    },
    /// Anything else.
    #[error("GPU {ordinal} cannot be used: {reason}")]
    Failed {
        /// The GPU's number.
        ordinal: usize,
        /// What the driver said.
        reason: String,
    },
}

impl DeviceChoice {
    /// The device, ready for use. A GPU is opened with a stream of its own; open it once, because tensors of two openings
    /// do not mix.
    ///
    /// # Errors
    /// [`DeviceError`], with the remedy.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            #[cfg(feature = "cuda")]
            Self::Cuda(ordinal) => crate::cuda::open(ordinal),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(DeviceError::NotBuilt),
        }
    }
}

/// Bytes of a GPU that are free, and that it has; `None` for the CPU.
pub fn gpu_memory(device: &Device) -> Option<(usize, usize)> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => crate::cuda::memory(device),
        _ => None,
    }
}

impl std::str::FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text.split_once(':') {
            None if text == "cpu" => Some(Self::Cpu),
            None if text == "cuda" => Some(Self::Cuda(0)),
            Some(("cuda", number)) => number.parse().ok().map(Self::Cuda),
            _ => None,
        }
        .ok_or_else(|| DeviceError::Unknown(text.to_owned()))
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}
