//! cuDNN, cuBLAS and cuRAND through their exported functions.

use cuda_emulator::api::cublas::*;
use cuda_emulator::api::cudnn::*;
use cuda_emulator::api::curand::*;
use cuda_emulator::api::devices::{cuCtxSetCurrent, cuDevicePrimaryCtxRetain};
use cuda_emulator::api::memory::{cuMemAlloc_v2, cuMemcpyDtoH_v2, cuMemcpyHtoD_v2};
use std::ffi::c_void;

const BAD_PARAM: u32 = 2000;
const NOT_SUPPORTED: u32 = 3000;
const EXECUTION_FAILED: u32 = 5000;
const F32: u32 = 0;
const F64: u32 = 1;
const NHWC: u32 = 1;

fn upload(v: &[f32]) -> u64 {
    let (mut context, mut a) = (0, 0);
    unsafe { cuDevicePrimaryCtxRetain(&mut context, 0) };
    cuCtxSetCurrent(context);
    assert_eq!(unsafe { cuMemAlloc_v2(&mut a, v.len() * 4) }, 0);
    assert_eq!(cuMemcpyHtoD_v2(a, v.as_ptr() as usize, v.len() * 4), 0);
    a
}

fn download(a: u64, n: usize) -> Vec<f32> {
    let mut v = vec![0f32; n];
    assert_eq!(cuMemcpyDtoH_v2(v.as_mut_ptr() as usize, a, n * 4), 0);
    v
}

struct Convolution {
    handle: usize,
    x: usize,
    w: usize,
    y: usize,
    conv: usize,
}

/// One image of 2 channels, 4 * 4, and 3 filters of 3 * 3, all NHWC.
fn convolution(math: u32) -> Convolution {
    let mut c = Convolution { handle: 0, x: 0, w: 0, y: 0, conv: 0 };
    upload(&[0.0]);
    unsafe {
        assert_eq!(cudnnCreate(&mut c.handle), 0);
        assert_eq!(cudnnCreateTensorDescriptor(&mut c.x), 0);
        assert_eq!(cudnnCreateTensorDescriptor(&mut c.y), 0);
        assert_eq!(cudnnCreateFilterDescriptor(&mut c.w), 0);
        assert_eq!(cudnnCreateConvolutionDescriptor(&mut c.conv), 0);
    }
    assert_eq!(cudnnSetTensor4dDescriptor(c.x, NHWC, F32, 1, 2, 4, 4), 0);
    assert_eq!(cudnnSetFilter4dDescriptor(c.w, F32, NHWC, 3, 2, 3, 3), 0);
    assert_eq!(cudnnSetTensor4dDescriptor(c.y, NHWC, F32, 1, 3, 4, 4), 0);
    assert_eq!(cudnnSetConvolution2dDescriptor(c.conv, 1, 1, 1, 1, 1, 1, 1, F32), 0);
    assert_eq!(cudnnSetConvolutionMathType(c.conv, math), 0);
    c
}

impl Convolution {
    fn forward(&self, x: u64, w: u64, y: u64, workspace: (u64, usize), beta: f32) -> u32 {
        let (alpha, beta) = (1f32, beta);
        let (a, b) = ((&raw const alpha).cast::<c_void>(), (&raw const beta).cast());
        unsafe {
            cudnnConvolutionForward(
                self.handle,
                a,
                self.x,
                x,
                self.w,
                w,
                self.conv,
                1,
                workspace.0,
                workspace.1,
                b,
                self.y,
                y,
            )
        }
    }

    fn workspace(&self) -> usize {
        let mut n = 0;
        assert_eq!(
            unsafe {
                cudnnGetConvolutionForwardWorkspaceSize(
                    self.handle,
                    self.x,
                    self.w,
                    self.conv,
                    self.y,
                    1,
                    &mut n,
                )
            },
            0
        );
        assert!(n >= 4096);
        n
    }
}

#[test]
fn convolution_of_channels_last_data() {
    let c = convolution(3);
    let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
    let w: Vec<f32> = (0..54).map(|i| (i % 5) as f32 - 2.0).collect();
    let mut expected = vec![0f32; 48];
    for k in 0..3 {
        for y in 0..4i32 {
            for z in 0..4i32 {
                for (r, s, ch) in (0..18).map(|i| (i / 6, i / 2 % 3, i % 2)) {
                    let (sy, sz) = (y + r - 1, z + s - 1);
                    if (0..4).contains(&sy) && (0..4).contains(&sz) {
                        let v = x[((sy * 4 + sz) * 2 + ch) as usize];
                        expected[((y * 4 + z) * 3 + k) as usize] +=
                            v * w[(((k * 3 + r) * 3 + s) * 2 + ch) as usize];
                    }
                }
            }
        }
    }
    let (x, w, y) = (upload(&x), upload(&w), upload(&[1.0; 48]));
    let n = c.workspace();
    let space = upload(&vec![0.0; n / 4]);
    assert_eq!(c.forward(x, w, y, (space, n), 0.0), 0);
    assert_eq!(download(y, 48), expected);
    assert_eq!(c.forward(x, w, y, (space, n), 1.0), 0);
    assert_eq!(download(y, 48), expected.iter().map(|v| 2.0 * v).collect::<Vec<_>>());
    // Too small a workspace, and buffers that are too small or not live.
    assert_eq!(c.forward(x, w, y, (space, n - 1), 0.0), BAD_PARAM);
    assert_eq!(c.forward(x, w, y, (0, n), 0.0), BAD_PARAM);
    assert_eq!(c.forward(x, w, y + 4, (space, n), 0.0), EXECUTION_FAILED);
    assert_eq!(c.forward(x, w, y, (x, n), 0.0), EXECUTION_FAILED);
    assert_eq!(c.forward(x + 2, w, y, (space, n), 0.0), BAD_PARAM);
}

#[test]
fn descriptors_must_fit() {
    let c = convolution(3);
    let ask = || {
        let mut n = 0;
        unsafe { cudnnGetConvolutionForwardWorkspaceSize(c.handle, c.x, c.w, c.conv, c.y, 1, &mut n) }
    };
    assert_eq!(ask(), 0);
    cudnnSetTensor4dDescriptor(c.y, NHWC, F32, 1, 3, 4, 3);
    assert_eq!(ask(), BAD_PARAM);
    cudnnSetTensor4dDescriptor(c.y, NHWC, F64, 1, 3, 4, 4);
    assert_eq!(ask(), BAD_PARAM);
    cudnnSetTensor4dDescriptor(c.y, NHWC, F32, 1, 3, 4, 4);
    cudnnSetConvolutionGroupCount(c.conv, 2);
    assert_eq!(ask(), NOT_SUPPORTED);
    cudnnSetConvolution2dDescriptor(c.conv, 1, 1, 1, 1, 1, 1, 1, F64);
    assert_eq!(ask(), BAD_PARAM);
    assert_eq!(cudnnSetTensor4dDescriptor(c.y, NHWC, F32, 0, 3, 4, 4), BAD_PARAM);
}

#[test]
fn heuristics_prefer_what_is_not_deterministic() {
    let c = convolution(3);
    let mut list = [0u64; 2 * 6];
    let mut n = 0;
    let status = unsafe {
        cudnnGetConvolutionBackwardFilterAlgorithm_v7(
            c.handle,
            c.x,
            c.y,
            c.conv,
            c.w,
            2,
            &mut n,
            list.as_mut_ptr().cast(),
        )
    };
    assert_eq!((status, n), (0, 2));
    // Each entry: algorithm, status; time; memory; determinism, math type; …
    assert_eq!((list[0] as u32, list[3] as u32), (0, 0));
    assert_eq!((list[6] as u32, list[9] as u32), (1, 1));
}

#[test]
fn default_math_rounds_to_tf32() {
    let x = 1.0 + 1.0 / 4096.0;
    let result = |math| {
        let c = convolution(math);
        let (x, w, y) = (upload(&[x; 32]), upload(&[1.0; 54]), upload(&[0.0; 48]));
        let n = c.workspace();
        assert_eq!(c.forward(x, w, y, (upload(&vec![0.0; n / 4]), n), 0.0), 0);
        download(y, 48)[15]
    };
    assert_eq!(result(3), 18.0 * x);
    assert_eq!(result(0), 18.0);
}

#[test]
fn matrix_products() {
    let mut h = 0;
    let (a, b, c) =
        (upload(&[1., 2., 3., 4., 5., 6.]), upload(&[1., 0., 2., 1., 1., 1.]), upload(&[f32::NAN; 4]));
    assert_eq!(unsafe { cublasCreate_v2(&mut h) }, 0);
    let (one, zero) = (1f32, 0f32);
    let run = |ta: u32, lda: i32, c: u64| unsafe {
        let (alpha, beta) = ((&raw const one).cast(), (&raw const zero).cast());
        cublasSgemm_v2(h, ta, 0, 2, 2, 3, alpha, a, lda, b, 3, beta, c, 2)
    };
    // Column-major: A has the columns (1, 2), (3, 4), (5, 6).
    assert_eq!(run(0, 2, c), 0);
    assert_eq!(download(c, 4), [11., 14., 9., 12.]);
    assert_eq!(run(1, 3, c), 0);
    assert_eq!(download(c, 4), [7., 16., 6., 15.]);
    assert_eq!(run(1, 2, c), 7);
    assert_eq!(run(0, 2, c + 4), 13);
}

#[test]
fn random_numbers() {
    let (mut g, n) = (0, 10_000);
    let a = upload(&vec![0.0; n]);
    unsafe { curandCreateGenerator(&mut g, 100) };
    let draw = || {
        assert_eq!(curandSetPseudoRandomGeneratorSeed(g, 5), 0);
        assert_eq!(curandGenerateNormal(g, a as *mut f32, n, 1.0, 2.0), 0);
        download(a, n)
    };
    let x = draw();
    assert_eq!(x, draw());
    let mean = x.iter().sum::<f32>() / n as f32;
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n as f32;
    assert!((mean - 1.0).abs() < 0.1 && (variance - 4.0).abs() < 0.3, "{mean} {variance}");
    assert_eq!(curandGenerateUniform(g, a as *mut f32, n), 0);
    assert!(download(a, n).iter().all(|v| *v > 0.0 && *v <= 1.0));
    assert_eq!(curandGenerateNormal(g, a as *mut f32, 3, 0.0, 1.0), 105);
    assert_ne!(curandGenerateUniform(g, a as *mut f32, n + 1), 0);
}
