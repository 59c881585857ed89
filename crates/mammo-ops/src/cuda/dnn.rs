//! cuDNN: descriptors, and algorithms that are chosen once for every convolution and give the same bits every time.

use candle_core::cuda_backend::DeviceId;
use candle_core::cuda_backend::cudarc::cudnn::{CudnnError, result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream};
use candle_core::{CudaDevice, Error, Result, bail};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Arc;

use super::launch::{address, fresh};

/// Which of a convolution's three operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    Forward,
    BackwardData,
    BackwardWeight,
}

/// How values lie in memory and how they are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// f64 planes.
    F64,
    /// f32 planes, multiplied as f32.
    F32,
    /// f32 with channels last, factors rounded to TF32.
    Tf32,
    /// bf16 with channels last, summed in f32.
    Bf16,
}

impl Form {
    fn data_type(self) -> sys::cudnnDataType_t {
        match self {
            Self::F64 => sys::cudnnDataType_t::CUDNN_DATA_DOUBLE,
            Self::F32 | Self::Tf32 => sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            Self::Bf16 => sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16,
        }
    }

    /// What products are added in.
    fn sum_type(self) -> sys::cudnnDataType_t {
        match self {
            Self::F64 => sys::cudnnDataType_t::CUDNN_DATA_DOUBLE,
            _ => sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
        }
    }

    fn format(self) -> sys::cudnnTensorFormat_t {
        match self {
            Self::F64 | Self::F32 => sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW,
            Self::Tf32 | Self::Bf16 => sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC,
        }
    }

    fn math(self) -> sys::cudnnMathType_t {
        match self {
            // The default would round f32 to TF32.
            Self::F32 => sys::cudnnMathType_t::CUDNN_FMA_MATH,
            Self::F64 | Self::Tf32 => sys::cudnnMathType_t::CUDNN_DEFAULT_MATH,
            Self::Bf16 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
        }
    }
}

/// A convolution as cuDNN sees it: what padding it does not know is part of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Problem {
    pub(super) form: Form,
    /// N, C, H, W.
    pub(super) x: [usize; 4],
    /// N, C, H, W.
    pub(super) y: [usize; 4],
    pub(super) kernel: usize,
    /// Zeros on each side.
    pub(super) padding: usize,
    pub(super) stride: usize,
}

/// A buffer of cuDNN's operands: its address.
pub(super) type Address = u64;

/// Whether cuDNN has a way to a pass of a problem whose results repeat.
pub(super) fn can(device: &CudaDevice, pass: Pass, problem: &Problem) -> Result<bool> {
    Ok(handle(device)?.plan(pass, problem)?.is_some())
}

/// Runs one pass: (x, w) to y, (y, w) to x or (x, y) to w, each the address of values in the problem's form.
pub(super) fn run(
    device: &CudaDevice,
    pass: Pass,
    problem: &Problem,
    operands: [Address; 2],
    output: Address,
) -> Result<()> {
    handle(device)?.run(device, pass, problem, operands, output)
}

/// This thread's handle.
fn handle(device: &CudaDevice) -> Result<Rc<Handle>> {
    HANDLES.with_borrow_mut(|handles| {
        if let Some(handle) = handles.get(&device.id()) {
            return Ok(handle.clone());
        }
        let handle = Rc::new(Handle::new(device)?);
        handles.insert(device.id(), handle.clone());
        Ok(handle)
    })
}

thread_local! {
    /// A handle must not be used by two threads at once.
    static HANDLES: RefCell<HashMap<DeviceId, Rc<Handle>>> = RefCell::new(HashMap::new());
}

/// What was found out about a pass; `None` where there is no way to it.
type Known = Option<Rc<Plan>>;

struct Handle {
    raw: sys::cudnnHandle_t,
    plans: RefCell<HashMap<(Pass, Problem), Known>>,
    /// Scratch memory, the largest last. Smaller ones stay: recorded work knows their addresses.
    workspaces: RefCell<Vec<CudaSlice<u8>>>,
    /// Kept for as long as the handle works on it.
    _stream: Arc<CudaStream>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once. A failure here has nobody to go to.
        let _ = unsafe { result::destroy_handle(self.raw) };
    }
}

fn wrap(error: CudnnError) -> Error {
    Error::Msg(format!("cuDNN: {error:?}"))
}

impl Handle {
    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        stream.context().bind_to_thread().map_err(|e| Error::Msg(format!("CUDA: {e:?}")))?;
        let handle = result::create_handle().map_err(wrap)?;
        let this = Self {
            raw: handle,
            plans: RefCell::default(),
            workspaces: RefCell::default(),
            _stream: stream.clone(),
        };
        // SAFETY: both are alive; the stream is kept.
        unsafe { result::set_stream(handle, stream.cu_stream().cast()) }.map_err(wrap)?;
        Ok(this)
    }

    fn run(
        &self,
        device: &CudaDevice,
        pass: Pass,
        problem: &Problem,
        [a, b]: [Address; 2],
        output: Address,
    ) -> Result<()> {
        let Some(plan) = self.plan(pass, problem)? else {
            bail!("cuDNN knows no way to the convolution {problem:?} whose results repeat");
        };
        let workspace = self.workspace(device, plan.workspace_bytes)?;
        // Factors of the result and of what was there before, in the type of the sums.
        let (one, zero) = (Scalar::of(problem.form, 1.0), Scalar::of(problem.form, 0.0));
        let (one, zero) = (one.pointer(), zero.pointer());
        let (a, b, output, scratch) =
            (a as *const c_void, b as *const c_void, output as *mut c_void, workspace as *mut c_void);
        let (x, w, y, conv) = (plan.x.0, plan.w.0, plan.y.0, plan.conv.0);
        let size = plan.workspace_bytes;
        // SAFETY: the descriptors are alive, and the addresses are of as many values in the form as they say; so the callers
        // in `conv` see to it.
        unsafe {
            match plan.algorithm {
                Algorithm::Forward(algorithm) => result::convolution_forward(
                    self.raw, one, x, a, w, b, conv, algorithm, scratch, size, zero, y, output,
                ),
                Algorithm::BackwardData(algorithm) => result::convolution_backward_data(
                    self.raw, one, w, b, y, a, conv, algorithm, scratch, size, zero, x, output,
                ),
                Algorithm::BackwardWeight(algorithm) => result::convolution_backward_filter(
                    self.raw, one, x, a, y, b, conv, algorithm, scratch, size, zero, w, output,
                ),
            }
        }
        .map_err(wrap)
    }

    fn plan(&self, pass: Pass, problem: &Problem) -> Result<Known> {
        if let Some(plan) = self.plans.borrow().get(&(pass, *problem)) {
            return Ok(plan.clone());
        }
        let plan = Plan::new(self.raw, pass, problem)?.map(Rc::new);
        self.plans.borrow_mut().insert((pass, *problem), plan.clone());
        Ok(plan)
    }

    /// Scratch memory of at least so many bytes. All work is on one stream, so that one buffer serves all.
    fn workspace(&self, device: &CudaDevice, bytes: usize) -> Result<Address> {
        if bytes == 0 {
            return Ok(0);
        }
        let mut workspaces = self.workspaces.borrow_mut();
        if workspaces.last().is_none_or(|largest| largest.len() < bytes) {
            workspaces.push(fresh::<u8>(device, bytes)?);
        }
        Ok(workspaces.last().map_or(0, |largest| address(device, largest)))
    }
}

/// A factor in the type that cuDNN wants.
enum Scalar {
    F32(f32),
    F64(f64),
}

impl Scalar {
    fn of(form: Form, value: f32) -> Self {
        if form == Form::F64 { Self::F64(value.into()) } else { Self::F32(value) }
    }

    fn pointer(&self) -> *const c_void {
        match self {
            Self::F32(value) => std::ptr::from_ref(value).cast(),
            Self::F64(value) => std::ptr::from_ref(value).cast(),
        }
    }
}

macro_rules! descriptor {
    ($name:ident, $raw:ty, $destroy:path) => {
        struct $name($raw);

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: made once, destroyed once.
                let _ = unsafe { $destroy(self.0) };
            }
        }
    };
}
descriptor!(TensorDescriptor, sys::cudnnTensorDescriptor_t, result::destroy_tensor_descriptor);
descriptor!(FilterDescriptor, sys::cudnnFilterDescriptor_t, result::destroy_filter_descriptor);
descriptor!(ConvDescriptor, sys::cudnnConvolutionDescriptor_t, result::destroy_convolution_descriptor);

#[derive(Clone, Copy)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    BackwardData(sys::cudnnConvolutionBwdDataAlgo_t),
    BackwardWeight(sys::cudnnConvolutionBwdFilterAlgo_t),
}

/// A pass that is ready to run.
struct Plan {
    x: TensorDescriptor,
    w: FilterDescriptor,
    y: TensorDescriptor,
    conv: ConvDescriptor,
    algorithm: Algorithm,
    workspace_bytes: usize,
}

/// Algorithms that cuDNN is asked to rank; it knows fewer.
const RANKED: usize = 10;

/// Scratch memory that an algorithm may ask for: faster ones that want more are passed over.
const MOST_WORKSPACE_BYTES: usize = 1 << 30;

impl Plan {
    fn new(handle: sys::cudnnHandle_t, pass: Pass, problem: &Problem) -> Result<Option<Self>> {
        let form = problem.form;
        let tensor = |sizes: [usize; 4]| -> Result<TensorDescriptor> {
            let descriptor = TensorDescriptor(result::create_tensor_descriptor().map_err(wrap)?);
            // SAFETY: just made.
            unsafe {
                result::set_tensor4d_descriptor(descriptor.0, form.format(), form.data_type(), ints(sizes)?)
            }
            .map_err(wrap)?;
            Ok(descriptor)
        };
        let (x, y) = (tensor(problem.x)?, tensor(problem.y)?);
        let w = FilterDescriptor(result::create_filter_descriptor().map_err(wrap)?);
        let kernels = ints([problem.y[1], problem.x[1], problem.kernel, problem.kernel])?;
        // SAFETY: just made.
        unsafe { result::set_filter4d_descriptor(w.0, form.data_type(), form.format(), kernels) }
            .map_err(wrap)?;
        let conv = ConvDescriptor(result::create_convolution_descriptor().map_err(wrap)?);
        let [pad, stride, _, _] = ints([problem.padding, problem.stride, 1, 1])?;
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        // SAFETY: just made.
        unsafe {
            result::set_convolution2d_descriptor(
                conv.0,
                pad,
                pad,
                stride,
                stride,
                1,
                1,
                mode,
                form.sum_type(),
            )
            .map_err(wrap)?;
            result::set_convolution_math_type(conv.0, form.math()).map_err(wrap)?;
        }
        let chosen = choose(handle, pass, &x, &w, &y, &conv)?;
        Ok(chosen.map(|(algorithm, workspace_bytes)| Self { x, w, y, conv, algorithm, workspace_bytes }))
    }
}

fn ints(sizes: [usize; 4]) -> Result<[c_int; 4]> {
    if sizes.iter().any(|&size| c_int::try_from(size).is_err()) {
        bail!("a convolution of sizes {sizes:?} is too large for cuDNN");
    }
    Ok(sizes.map(|size| size as c_int))
}

/// The algorithm that cuDNN expects to be fastest of those whose results repeat to the bit, and the scratch memory it wants; `None`
/// where there is none.
fn choose(
    handle: sys::cudnnHandle_t,
    pass: Pass,
    x: &TensorDescriptor,
    w: &FilterDescriptor,
    y: &TensorDescriptor,
    conv: &ConvDescriptor,
) -> Result<Option<(Algorithm, usize)>> {
    let mut count: c_int = 0;
    macro_rules! first {
        ($rank:path, $kind:path, ($($descriptor:expr),*)) => {{
            // SAFETY: the structures hold numbers only, and so many of them are there to be filled in.
            let mut ranked: [_; RANKED] = unsafe { std::mem::zeroed() };
            match unsafe { $rank(handle, $($descriptor,)* RANKED as c_int, &raw mut count, ranked.as_mut_ptr()) } {
                Err(CudnnError(sys::cudnnStatus_t::CUDNN_STATUS_NOT_SUPPORTED)) => count = 0,
                other => other.map_err(wrap)?,
            }
            ranked[..usize::try_from(count).unwrap_or(0).min(RANKED)]
                .iter()
                .find(|candidate| {
                    candidate.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
                        && candidate.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
                        && candidate.memory <= MOST_WORKSPACE_BYTES
                })
                .map(|candidate| $kind(candidate.algo))
        }};
    }
    let algorithm = match pass {
        Pass::Forward => {
            first!(result::get_convolution_forward_algorithm, Algorithm::Forward, (x.0, w.0, conv.0, y.0))
        }
        Pass::BackwardData => {
            first!(
                result::get_convolution_backward_data_algorithm,
                Algorithm::BackwardData,
                (w.0, y.0, conv.0, x.0)
            )
        }
        Pass::BackwardWeight => {
            first!(
                result::get_convolution_backward_filter_algorithm,
                Algorithm::BackwardWeight,
                (x.0, y.0, conv.0, w.0)
            )
        }
    };
    let Some(algorithm) = algorithm else { return Ok(None) };
    // SAFETY: all are alive.
    let bytes = unsafe {
        match algorithm {
            Algorithm::Forward(algorithm) => {
                result::get_convolution_forward_workspace_size(handle, x.0, w.0, conv.0, y.0, algorithm)
            }
            Algorithm::BackwardData(algorithm) => {
                result::get_convolution_backward_data_workspace_size(handle, w.0, y.0, conv.0, x.0, algorithm)
            }
            Algorithm::BackwardWeight(algorithm) => result::get_convolution_backward_filter_workspace_size(
                handle, x.0, y.0, conv.0, w.0, algorithm,
            ),
        }
    };
    Ok(Some((algorithm, bytes.map_err(wrap)?)))
}
