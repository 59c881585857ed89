//! Launching the kernels of this crate.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{
    CudaSlice, CudaView, DevicePtr, DeviceRepr, DriverError, LaunchConfig, PushKernelArg, sys::CUresult,
};
use candle_core::cuda_backend::{CudaDType, WrapErr};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result, Shape, Storage, Tensor, WithDType, bail};

use super::table::Table;

/// The kernels, as the build script compiled them.
pub(super) const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The element types that there are kernels for.
pub(crate) trait Real: WithDType + CudaDType + DeviceRepr {
    /// What the names of its kernels end in.
    const SUFFIX: &'static str;
    /// A number as an argument of its kernels.
    fn argument(value: f64) -> Argument;
}

impl Real for f32 {
    const SUFFIX: &'static str = "f32";

    fn argument(value: f64) -> Argument {
        Argument::F32(value as f32)
    }
}

impl Real for f64 {
    const SUFFIX: &'static str = "f64";

    fn argument(value: f64) -> Argument {
        Argument::F64(value)
    }
}

/// Runs `$body` with `$t` as the storage's element type.
macro_rules! dispatch {
    ($storage:expr, $op:expr, $t:ident => $body:expr) => {
        match candle_core::backend::BackendStorage::dtype($storage) {
            candle_core::DType::F32 => {
                type $t = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $t = f64;
                $body
            }
            other => candle_core::bail!("{} works in f32 and f64, not {other:?}", $op),
        }
    };
}
pub(crate) use dispatch;

/// The values of a contiguous tensor.
pub(crate) fn view<'a, T: Real>(
    storage: &'a CudaStorage,
    layout: &Layout,
    op: &str,
) -> Result<CudaView<'a, T>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<T>()?.slice(start..end)),
        None => bail!("{op} needs contiguous tensors; call contiguous() first"),
    }
}

/// A result as candle takes it.
pub(crate) fn finish<T: Real>(
    values: CudaSlice<T>,
    beside: &CudaStorage,
    shape: impl Into<Shape>,
) -> (CudaStorage, Shape) {
    (CudaStorage::wrap_cuda_slice(values, beside.device().clone()), shape.into())
}

/// Memory of no particular value for so many elements.
pub(super) fn fresh<T: DeviceRepr>(device: &CudaDevice, len: usize) -> Result<CudaSlice<T>> {
    let stream = device.cuda_stream();
    // SAFETY: whoever asks for it writes all of it before anything reads it.
    match unsafe { stream.alloc::<T>(len) } {
        Ok(slice) => Ok(slice),
        Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
            let mib = |bytes: usize| bytes / (1 << 20);
            let (free, total) = stream.context().mem_get_info().unwrap_or_default();
            bail!(
                "the GPU has no memory for {} MiB more ({} of {} MiB are free): lower batch_size, the size of the images or ngf",
                mib(len * size_of::<T>()).max(1),
                mib(free),
                mib(total)
            )
        }
        Err(error) => Err(error).w(),
    }
}

/// Where the values of a buffer begin.
pub(super) fn address<T>(device: &CudaDevice, buffer: &impl DevicePtr<T>) -> u64 {
    let stream = device.cuda_stream();
    let (address, _record) = buffer.device_ptr(&stream);
    address
}

/// Where the values of a contiguous tensor of this type begin. Whoever asks holds the tensor until what uses the address is
/// queued.
pub(crate) fn address_of(tensor: &Tensor, dtype: DType) -> Result<u64> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { bail!("a tensor is not on the GPU with the others") };
    if storage.dtype() != dtype {
        bail!("tensors of {:?} and {dtype:?} do not go together", storage.dtype());
    }
    dispatch!(storage, "address", T => Ok(address(storage.device(), &view::<T>(storage, layout, "address")?)))
}

/// An argument of a kernel.
pub(crate) enum Argument {
    /// An address, 0 for none.
    Address(u64),
    Size(usize),
    Int(i32),
    F32(f32),
    F64(f64),
    Table(Box<Table>),
}

/// A call of a kernel that is being put together, its arguments in the order of its parameters.
pub(super) struct Launch<'a> {
    device: &'a CudaDevice,
    kernel: String,
    arguments: Vec<Argument>,
}

impl<'a> Launch<'a> {
    /// Of the kernel `name` for an element type.
    pub(super) fn of<T: Real>(device: &'a CudaDevice, name: &str) -> Self {
        Self::named(device, format!("{name}_{}", T::SUFFIX))
    }

    /// Of the kernel with this very name.
    pub(super) fn named(device: &'a CudaDevice, kernel: String) -> Self {
        Self { device, kernel, arguments: Vec::new() }
    }

    /// A buffer.
    pub(super) fn buffer<T>(self, buffer: &impl DevicePtr<T>) -> Self {
        let address = address(self.device, buffer);
        self.address(address)
    }

    /// A buffer or none.
    pub(super) fn maybe<T>(self, buffer: Option<&impl DevicePtr<T>>) -> Self {
        let address = buffer.map_or(0, |buffer| address(self.device, buffer));
        self.address(address)
    }

    pub(super) fn address(mut self, address: u64) -> Self {
        self.arguments.push(Argument::Address(address));
        self
    }

    pub(super) fn size(mut self, size: usize) -> Self {
        self.arguments.push(Argument::Size(size));
        self
    }

    pub(super) fn int(mut self, value: usize) -> Result<Self> {
        let Ok(value) = i32::try_from(value) else {
            bail!("{}: {value} is too large for a GPU kernel", self.kernel)
        };
        self.arguments.push(Argument::Int(value));
        Ok(self)
    }

    /// A number of the element type.
    pub(super) fn real<T: Real>(mut self, value: f64) -> Self {
        self.arguments.push(T::argument(value));
        self
    }

    /// A number in double precision, whatever the element type.
    pub(super) fn double(mut self, value: f64) -> Self {
        self.arguments.push(Argument::F64(value));
        self
    }

    pub(super) fn table(mut self, table: Box<Table>) -> Self {
        self.arguments.push(Argument::Table(table));
        self
    }

    /// Over so many elements, each thread taking one or more.
    pub(super) fn over(self, len: usize) -> Result<()> {
        let blocks = len.div_ceil(THREADS as usize).clamp(1, MOST_BLOCKS);
        self.on((blocks, 1, 1), (THREADS, 1, 1))
    }

    /// With a block of [`THREADS`] for each place of a grid.
    pub(super) fn blocks(self, grid: (usize, usize)) -> Result<()> {
        self.on((grid.0, grid.1, 1), (THREADS, 1, 1))
    }

    pub(super) fn on(self, (x, y, z): (usize, usize, usize), block_dim: (u32, u32, u32)) -> Result<()> {
        if y > MOST_ROWS || z > MOST_ROWS {
            bail!("{}: a batch or a layer of this size is too large for a GPU kernel", self.kernel);
        }
        let function = self.device.get_or_load_custom_func(&self.kernel, "mammo-ops", KERNELS)?;
        let mut builder = function.builder();
        for argument in &self.arguments {
            match argument {
                Argument::Address(value) => builder.arg(value),
                Argument::Size(value) => builder.arg(value),
                Argument::Int(value) => builder.arg(value),
                Argument::F32(value) => builder.arg(value),
                Argument::F64(value) => builder.arg(value),
                Argument::Table(table) => builder.arg(&**table),
            };
        }
        let config =
            LaunchConfig { grid_dim: (x as u32, y as u32, z as u32), block_dim, shared_mem_bytes: 0 };
        // SAFETY: the callers in this folder pass what the kernels' declarations in `kernels/` ask for, and buffers as long as
        // their sizes say.
        unsafe { builder.launch(config) }.w()?;
        Ok(())
    }
}

/// Threads of a block; reductions are laid out for so many.
pub(super) const THREADS: u32 = 256;

/// Blocks that occupy any GPU; more elements are taken in turns.
const MOST_BLOCKS: usize = 4096;

/// What CUDA allows in the second and third direction of a grid.
const MOST_ROWS: usize = 65_535;
