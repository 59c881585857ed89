//! cuDNN: descriptors and two-dimensional convolution with its gradients.

use super::memory::check_live;
use crate::convolution::{Shape, backward_data, backward_filter, forward};
use crate::device::{Device, Outcome, lock, report};
use crate::numeric::{Element, Real, Tensor4};
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

mod descriptors;
mod execution;

pub use descriptors::*;
pub use execution::*;

const NOT_INITIALIZED: u32 = 1001;
const BAD_PARAM: u32 = 2000;
const NOT_SUPPORTED: u32 = 3000;
const EXECUTION_FAILED: u32 = 5000;

const FORMAT_NCHW: u32 = 0;
const FORMAT_NHWC: u32 = 1;
const CROSS_CORRELATION: u32 = 1;
const FMA_MATH: u32 = 3;

#[derive(Clone, Copy)]
struct Convolution {
    pad: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    mode: u32,
    compute: u32,
    math: u32,
    groups: c_int,
}

#[derive(Default)]
struct Registry {
    /// Handles and their streams.
    handles: HashMap<usize, usize>,
    tensors: HashMap<usize, Option<Tensor4>>,
    filters: HashMap<usize, Option<Tensor4>>,
    convolutions: HashMap<usize, Option<Convolution>>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A status of cuDNN as an error.
type Status<T = ()> = Result<T, u32>;

fn code(r: Status) -> u32 {
    r.err().unwrap_or(0)
}

fn refuse<T>(status: u32, why: impl std::fmt::Display) -> Status<T> {
    report(&format!("cuDNN call refused: {why}"));
    Err(status)
}

fn element(data_type: u32) -> Status<Element> {
    match data_type {
        0 => Ok(Element::F32),
        1 => Ok(Element::F64),
        2 => Ok(Element::F16),
        9 => Ok(Element::Bf16),
        other => refuse(NOT_SUPPORTED, format!("data type {other}")),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnGetVersion() -> usize {
    91_300
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnGetCudartVersion() -> usize {
    13_000
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnGetErrorString(_status: u32) -> *const c_char {
    c"a cuDNN status of the emulator".as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetLastErrorString(message: *mut c_char, size: usize) {
    if size > 0 {
        unsafe { message.write(0) };
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnAdvVersionCheck() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnCnnVersionCheck() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnOpsVersionCheck() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnGraphVersionCheck() -> u32 {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnCreate(out: *mut usize) -> u32 {
    let h = {
        let mut d = lock();
        if let Err(e) = d.unsafe_call("cudnnCreate") {
            report(&format!("cudnnCreate fails with driver error {e}"));
            return EXECUTION_FAILED;
        }
        d.new_handle()
    };
    registry().handles.insert(h, 0);
    unsafe { out.write(h) };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnDestroy(handle: usize) -> u32 {
    if registry().handles.remove(&handle).is_some() { 0 } else { NOT_INITIALIZED }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnSetStream(handle: usize, stream: usize) -> u32 {
    match registry().handles.get_mut(&handle) {
        Some(s) => {
            *s = stream;
            0
        }
        None => BAD_PARAM,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetStream(handle: usize, out: *mut usize) -> u32 {
    match registry().handles.get(&handle) {
        Some(&s) => {
            unsafe { out.write(s) };
            0
        }
        None => BAD_PARAM,
    }
}

/// A convolution whose descriptors fit each other.
#[derive(Clone, Copy)]
struct Problem {
    x: Tensor4,
    w: Tensor4,
    y: Tensor4,
    shape: Shape,
    tf32: bool,
}

fn problem(x: usize, w: usize, conv: usize, y: usize) -> Status<Problem> {
    let r = registry();
    let unset = "a descriptor that was not created or not set";
    let (Some(Some(x)), Some(Some(w)), Some(Some(y)), Some(Some(c))) =
        (r.tensors.get(&x), r.filters.get(&w), r.tensors.get(&y), r.convolutions.get(&conv))
    else {
        return refuse(BAD_PARAM, unset);
    };
    if x.element != w.element || x.element != y.element {
        return refuse(
            BAD_PARAM,
            format!("element types {:?}, {:?} and {:?} differ", x.element, w.element, y.element),
        );
    }
    let compute_fits = match x.element {
        Element::F32 | Element::Bf16 => c.compute == 0,
        Element::F64 => c.compute == 1,
        Element::F16 => c.compute == 0 || c.compute == 2,
    };
    if !compute_fits {
        return refuse(BAD_PARAM, format!("compute type {} does not fit {:?}", c.compute, x.element));
    }
    if c.groups != 1 {
        return refuse(NOT_SUPPORTED, format!("{} groups", c.groups));
    }
    if c.mode != CROSS_CORRELATION {
        return refuse(NOT_SUPPORTED, "convolution with a flipped filter");
    }
    let ([n, ci, h, wd], [k, cw, kh, kw]) = (x.dims, w.dims);
    let out = |size: usize, axis: usize, kernel: usize| {
        (size + 2 * c.pad[axis])
            .checked_sub(c.dilation[axis] * (kernel - 1) + 1)
            .map_or(0, |v| v / c.stride[axis] + 1)
    };
    let out = [out(h, 0, kh), out(wd, 1, kw)];
    if ci != cw || y.dims != [n, k, out[0], out[1]] {
        return refuse(
            BAD_PARAM,
            format!(
                "input {:?} and filter {:?} give {:?}, not {:?}",
                x.dims,
                w.dims,
                [n, k, out[0], out[1]],
                y.dims
            ),
        );
    }
    let shape = Shape {
        images: n,
        channels: ci,
        height: h,
        width: wd,
        filters: k,
        kernel: [kh, kw],
        out,
        pad: c.pad,
        stride: c.stride,
        dilation: c.dilation,
    };
    Ok(Problem { x: *x, w: *w, y: *y, shape, tf32: x.element == Element::F32 && c.math != FMA_MATH })
}

/// The three operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Forward,
    Data,
    Filter,
}

/// Algorithms of a pass in the order of the heuristics, and whether each promises the same bits every time.
fn algorithms(pass: Pass) -> &'static [(u32, bool)] {
    match pass {
        Pass::Forward => &[(1, true), (0, true)],
        Pass::Data | Pass::Filter => &[(0, false), (1, true)],
    }
}

/// The workspace an algorithm asks for: nothing for the implicit product, else something that grows with the output.
fn workspace(pass: Pass, algorithm: u32, p: &Problem) -> Status<usize> {
    if !algorithms(pass).iter().any(|a| a.0 == algorithm) {
        return refuse(NOT_SUPPORTED, format!("algorithm {algorithm}"));
    }
    if pass == Pass::Forward && algorithm == 0 {
        return Ok(0);
    }
    let output = match pass {
        Pass::Forward => p.y,
        Pass::Data => p.x,
        Pass::Filter => p.w,
    };
    Ok((4096 + output.len() / 4).next_multiple_of(256))
}

/// `cudnnConvolution…AlgoPerf_t`
#[repr(C)]
pub struct Performance {
    algorithm: u32,
    status: u32,
    time: f32,
    memory: usize,
    determinism: u32,
    math: u32,
    reserved: [c_int; 3],
}

unsafe fn list_algorithms(
    pass: Pass,
    p: Status<Problem>,
    wanted: c_int,
    count: *mut c_int,
    out: *mut Performance,
) -> u32 {
    let p = match p {
        Ok(p) => p,
        Err(e) => return e,
    };
    if wanted < 1 || count.is_null() || out.is_null() {
        return BAD_PARAM;
    }
    let list = algorithms(pass);
    let n = list.len().min(wanted as usize);
    for (i, &(algorithm, deterministic)) in list[..n].iter().enumerate() {
        let memory = workspace(pass, algorithm, &p).unwrap_or(0);
        let math =
            if p.x.element == Element::F64 || p.x.element == Element::F32 && !p.tf32 { FMA_MATH } else { 1 };
        let entry = Performance {
            algorithm,
            status: 0,
            time: -1.0,
            memory,
            determinism: u32::from(deterministic),
            math,
            reserved: [0; 3],
        };
        // SAFETY: the caller has room for `wanted` entries.
        unsafe { out.add(i).write(entry) };
    }
    unsafe { count.write(n as c_int) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionForwardAlgorithm_v7(
    _handle: usize,
    x: usize,
    w: usize,
    conv: usize,
    y: usize,
    wanted: c_int,
    count: *mut c_int,
    out: *mut Performance,
) -> u32 {
    unsafe { list_algorithms(Pass::Forward, problem(x, w, conv, y), wanted, count, out) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardDataAlgorithm_v7(
    _handle: usize,
    w: usize,
    dy: usize,
    conv: usize,
    dx: usize,
    wanted: c_int,
    count: *mut c_int,
    out: *mut Performance,
) -> u32 {
    unsafe { list_algorithms(Pass::Data, problem(dx, w, conv, dy), wanted, count, out) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    _handle: usize,
    x: usize,
    dy: usize,
    conv: usize,
    dw: usize,
    wanted: c_int,
    count: *mut c_int,
    out: *mut Performance,
) -> u32 {
    unsafe { list_algorithms(Pass::Filter, problem(x, dw, conv, dy), wanted, count, out) }
}

unsafe fn max_count(pass: Pass, count: *mut c_int) -> u32 {
    unsafe { count.write(algorithms(pass).len() as c_int) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionForwardAlgorithmMaxCount(
    _handle: usize,
    count: *mut c_int,
) -> u32 {
    unsafe { max_count(Pass::Forward, count) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardDataAlgorithmMaxCount(
    _handle: usize,
    count: *mut c_int,
) -> u32 {
    unsafe { max_count(Pass::Data, count) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(
    _handle: usize,
    count: *mut c_int,
) -> u32 {
    unsafe { max_count(Pass::Filter, count) }
}

unsafe fn workspace_size(pass: Pass, p: Status<Problem>, algorithm: u32, out: *mut usize) -> u32 {
    match p.and_then(|p| workspace(pass, algorithm, &p)) {
        Ok(n) => {
            unsafe { out.write(n) };
            0
        }
        Err(e) => e,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionForwardWorkspaceSize(
    _handle: usize,
    x: usize,
    w: usize,
    conv: usize,
    y: usize,
    algorithm: u32,
    out: *mut usize,
) -> u32 {
    unsafe { workspace_size(Pass::Forward, problem(x, w, conv, y), algorithm, out) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardDataWorkspaceSize(
    _handle: usize,
    w: usize,
    dy: usize,
    conv: usize,
    dx: usize,
    algorithm: u32,
    out: *mut usize,
) -> u32 {
    unsafe { workspace_size(Pass::Data, problem(dx, w, conv, dy), algorithm, out) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolutionBackwardFilterWorkspaceSize(
    _handle: usize,
    x: usize,
    dy: usize,
    conv: usize,
    dw: usize,
    algorithm: u32,
    out: *mut usize,
) -> u32 {
    unsafe { workspace_size(Pass::Filter, problem(x, dw, conv, dy), algorithm, out) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetConvolution2dForwardOutputDim(
    conv: usize,
    x: usize,
    w: usize,
    n: *mut c_int,
    c: *mut c_int,
    h: *mut c_int,
    wd: *mut c_int,
) -> u32 {
    let r = registry();
    let (Some(Some(x)), Some(Some(w)), Some(Some(v))) =
        (r.tensors.get(&x), r.filters.get(&w), r.convolutions.get(&conv))
    else {
        return BAD_PARAM;
    };
    let out = |axis: usize| {
        let span = v.dilation[axis] * (w.dims[2 + axis] - 1) + 1;
        (x.dims[2 + axis] + 2 * v.pad[axis]).checked_sub(span).map_or(0, |s| s / v.stride[axis] + 1)
    };
    for (p, value) in [(n, x.dims[0]), (c, w.dims[0]), (h, out(0)), (wd, out(1))] {
        unsafe { p.write(value as c_int) };
    }
    0
}
