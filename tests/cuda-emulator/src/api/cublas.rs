//! cuBLAS: matrix products of real types, plain, strided and batched.

use super::memory::check_live;
use crate::device::{Device, Outcome, lock};
use crate::numeric::{Element, Real, gemm};
use crate::ptx::float::to_tf32;
use half::f16;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

const NOT_INITIALIZED: u32 = 1;
const INVALID_VALUE: u32 = 7;
const EXECUTION_FAILED: u32 = 13;
const NOT_SUPPORTED: u32 = 15;

const COMPUTE_16F: u32 = 64;
const COMPUTE_32F: u32 = 68;
const COMPUTE_32F_PEDANTIC: u32 = 69;
const COMPUTE_64F: u32 = 70;
const COMPUTE_32F_FAST_TF32: u32 = 77;
const MATH_TF32: u32 = 3;

#[derive(Clone, Copy, Default)]
struct Handle {
    stream: usize,
    math: u32,
    pointer_mode: u32,
}

static HANDLES: LazyLock<Mutex<HashMap<usize, Handle>>> = LazyLock::new(Mutex::default);

fn handles() -> MutexGuard<'static, HashMap<usize, Handle>> {
    HANDLES.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn update(handle: usize, f: impl FnOnce(&mut Handle)) -> u32 {
    match handles().get_mut(&handle) {
        Some(h) => {
            f(h);
            0
        }
        None => NOT_INITIALIZED,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasCreate_v2(out: *mut usize) -> u32 {
    let h = lock().new_handle();
    handles().insert(h, Handle::default());
    unsafe { out.write(h) };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasDestroy_v2(handle: usize) -> u32 {
    if handles().remove(&handle).is_some() { 0 } else { NOT_INITIALIZED }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGetVersion_v2(_handle: usize, out: *mut c_int) -> u32 {
    unsafe { out.write(130_000) };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasSetStream_v2(handle: usize, stream: usize) -> u32 {
    update(handle, |h| h.stream = stream)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGetStream_v2(handle: usize, out: *mut usize) -> u32 {
    update(handle, |h| unsafe { out.write(h.stream) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasSetWorkspace_v2(handle: usize, _workspace: *mut c_void, _bytes: usize) -> u32 {
    update(handle, |_| ())
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasSetMathMode(handle: usize, mode: u32) -> u32 {
    update(handle, |h| h.math = mode)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGetMathMode(handle: usize, out: *mut u32) -> u32 {
    update(handle, |h| unsafe { out.write(h.math) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasSetPointerMode_v2(handle: usize, mode: u32) -> u32 {
    update(handle, |h| h.pointer_mode = mode)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGetPointerMode_v2(handle: usize, out: *mut u32) -> u32 {
    update(handle, |h| unsafe { out.write(h.pointer_mode) })
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasGetStatusName(_status: u32) -> *const c_char {
    c"CUBLAS_STATUS".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasGetStatusString(_status: u32) -> *const c_char {
    c"a cuBLAS status of the emulator".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasLtGetStatusName(_status: u32) -> *const c_char {
    c"CUBLAS_STATUS".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasLtGetStatusString(_status: u32) -> *const c_char {
    c"a cuBLAS status of the emulator".as_ptr()
}

/// One operand or result of a product, column-major.
#[derive(Clone, Copy)]
struct Matrix {
    at: u64,
    element: Element,
    leading: usize,
    stride: i64,
    transposed: bool,
}

impl Matrix {
    /// The address of batch `i`.
    fn batch(&self, i: usize) -> u64 {
        self.at.wrapping_add_signed(self.stride * i as i64 * self.element.bytes() as i64)
    }

    /// Bytes from the first to the end of the last element of a matrix stored with `rows` and `columns`.
    fn extent(&self, rows: usize, columns: usize) -> u64 {
        if rows == 0 || columns == 0 {
            return 0;
        }
        (((columns - 1) * self.leading + rows) * self.element.bytes()) as u64
    }

    /// The elements of `op(matrix)`, row-major.
    unsafe fn read<T: Real>(&self, i: usize, rows: usize, columns: usize, tf32: bool) -> Vec<T> {
        let base = self.batch(i) as usize;
        let (down, right) = if self.transposed { (self.leading, 1) } else { (1, self.leading) };
        let mut out = Vec::with_capacity(rows * columns);
        for r in 0..rows {
            for c in 0..columns {
                // SAFETY: within the extent, which has been checked.
                let v: T = unsafe {
                    T::load((base + (r * down + c * right) * self.element.bytes()) as *const u8, self.element)
                };
                out.push(if tf32 { T::from_f64(f64::from(to_tf32(v.to_f64() as f32))) } else { v });
            }
        }
        out
    }
}

#[derive(Clone, Copy)]
struct Product {
    m: usize,
    n: usize,
    k: usize,
    alpha: f64,
    beta: f64,
    a: Matrix,
    b: Matrix,
    c: Matrix,
    batches: usize,
    tf32: bool,
}

impl Product {
    fn run<T: Real>(&self, d: &mut Device) -> Outcome {
        let Product { m, n, k, .. } = *self;
        let stored = |t: bool, r: usize, c: usize| if t { (c, r) } else { (r, c) };
        let (ar, ac) = stored(self.a.transposed, m, k);
        let (br, bc) = stored(self.b.transposed, k, n);
        for i in 0..self.batches {
            check_live(d, self.a.batch(i), self.a.extent(ar, ac), "matrix product, operand A")?;
            check_live(d, self.b.batch(i), self.b.extent(br, bc), "matrix product, operand B")?;
            check_live(d, self.c.batch(i), self.c.extent(m, n), "matrix product, result")?;
        }
        (0..self.batches).into_par_iter().for_each(|i| {
            // SAFETY: all extents have just been checked.
            let (a, b): (Vec<T>, Vec<T>) =
                unsafe { (self.a.read(i, m, k, self.tf32), self.b.read(i, k, n, self.tf32)) };
            let mut c = vec![T::default(); m * n];
            gemm(m, n, k, &a, &b, &mut c);
            let base = self.c.batch(i) as usize;
            for col in 0..n {
                for row in 0..m {
                    let p = (base + (col * self.c.leading + row) * self.c.element.bytes()) as *mut u8;
                    // SAFETY: as above.
                    unsafe {
                        let mut v = T::from_f64(self.alpha * c[row * n + col].to_f64());
                        if self.beta != 0.0 {
                            v = T::from_f64(v.to_f64() + self.beta * T::load(p, self.c.element).to_f64());
                        }
                        v.save(p, self.c.element);
                    }
                }
            }
        });
        Ok(())
    }
}

fn element(code: u32) -> Option<Element> {
    Some(match code {
        0 => Element::F32,
        1 => Element::F64,
        2 => Element::F16,
        14 => Element::Bf16,
        _ => return None,
    })
}

/// The arguments common to all products, in the order of `cublasGemmStridedBatchedEx`.
struct Arguments {
    handle: usize,
    transpose: [u32; 2],
    size: [c_int; 3],
    alpha: *const c_void,
    a: (u64, u32, c_int, i64),
    b: (u64, u32, c_int, i64),
    beta: *const c_void,
    c: (u64, u32, c_int, i64),
    batches: c_int,
    compute: u32,
}

unsafe fn product(p: &Arguments) -> u32 {
    let Some(h) = handles().get(&p.handle).copied() else { return NOT_INITIALIZED };
    let [m, n, k] = p.size;
    if m < 0
        || n < 0
        || k < 0
        || p.batches < 0
        || p.transpose.iter().any(|&t| t > 2)
        || p.alpha.is_null()
        || p.beta.is_null()
    {
        return INVALID_VALUE;
    }
    let (Some(ea), Some(eb), Some(ec)) = (element(p.a.1), element(p.b.1), element(p.c.1)) else {
        return NOT_SUPPORTED;
    };
    let double = p.compute == COMPUTE_64F || p.compute == COMPUTE_64F + 1;
    let allowed = match ec {
        Element::F64 => double && ea == Element::F64 && eb == Element::F64,
        Element::F16 | Element::Bf16 => {
            ea == ec && eb == ec && !double && (p.compute != COMPUTE_16F || ec == Element::F16)
        }
        Element::F32 => ea == eb && ea != Element::F64 && !double && p.compute != COMPUTE_16F,
    };
    if !allowed || !matches!(p.compute, COMPUTE_16F..=COMPUTE_32F_FAST_TF32) {
        return NOT_SUPPORTED;
    }
    let leading = |t: bool, rows: c_int, columns: c_int| if t { columns } else { rows }.max(1);
    let (ta, tb) = (p.transpose[0] != 0, p.transpose[1] != 0);
    if p.a.2 < leading(ta, m, k) || p.b.2 < leading(tb, k, n) || p.c.2 < m.max(1) {
        return INVALID_VALUE;
    }
    // SAFETY: the scalars have the type of the computation.
    let scalar = |at: *const c_void| unsafe {
        match p.compute {
            COMPUTE_16F | 65 => f64::from((*at.cast::<f16>()).to_f32()),
            _ if double => *at.cast::<f64>(),
            _ => f64::from(*at.cast::<f32>()),
        }
    };
    let f32_data = ea == Element::F32 && eb == Element::F32;
    let tf32 = f32_data
        && p.compute != COMPUTE_32F_PEDANTIC
        && (p.compute == COMPUTE_32F_FAST_TF32 || p.compute == COMPUTE_32F && h.math & 7 == MATH_TF32);
    let matrix = |(at, _, ld, stride): (u64, u32, c_int, i64), element, transposed| Matrix {
        at,
        element,
        leading: ld as usize,
        stride,
        transposed,
    };
    let work = Product {
        m: m as usize,
        n: n as usize,
        k: k as usize,
        alpha: scalar(p.alpha),
        beta: scalar(p.beta),
        a: matrix(p.a, ea, ta),
        b: matrix(p.b, eb, tb),
        c: matrix(p.c, ec, false),
        batches: p.batches as usize,
        tf32,
    };
    let result = lock()
        .submit(h.stream, Arc::new(move |d| if double { work.run::<f64>(d) } else { work.run::<f32>(d) }));
    if result.is_ok() { 0 } else { EXECUTION_FAILED }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGemmStridedBatchedEx(
    handle: usize,
    ta: u32,
    tb: u32,
    m: c_int,
    n: c_int,
    k: c_int,
    alpha: *const c_void,
    a: u64,
    a_type: u32,
    lda: c_int,
    stride_a: i64,
    b: u64,
    b_type: u32,
    ldb: c_int,
    stride_b: i64,
    beta: *const c_void,
    c: u64,
    c_type: u32,
    ldc: c_int,
    stride_c: i64,
    batches: c_int,
    compute: u32,
    _algorithm: c_int,
) -> u32 {
    unsafe {
        product(&Arguments {
            handle,
            transpose: [ta, tb],
            size: [m, n, k],
            alpha,
            a: (a, a_type, lda, stride_a),
            b: (b, b_type, ldb, stride_b),
            beta,
            c: (c, c_type, ldc, stride_c),
            batches,
            compute,
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGemmEx(
    handle: usize,
    ta: u32,
    tb: u32,
    m: c_int,
    n: c_int,
    k: c_int,
    alpha: *const c_void,
    a: u64,
    a_type: u32,
    lda: c_int,
    b: u64,
    b_type: u32,
    ldb: c_int,
    beta: *const c_void,
    c: u64,
    c_type: u32,
    ldc: c_int,
    compute: u32,
    algorithm: c_int,
) -> u32 {
    unsafe {
        cublasGemmStridedBatchedEx(
            handle, ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c, c_type, ldc, 0, 1,
            compute, algorithm,
        )
    }
}

macro_rules! typed {
    ($plain:ident, $batched:ident, $code:expr, $compute:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $plain(
            handle: usize,
            ta: u32,
            tb: u32,
            m: c_int,
            n: c_int,
            k: c_int,
            alpha: *const c_void,
            a: u64,
            lda: c_int,
            b: u64,
            ldb: c_int,
            beta: *const c_void,
            c: u64,
            ldc: c_int,
        ) -> u32 {
            unsafe {
                cublasGemmEx(
                    handle, ta, tb, m, n, k, alpha, a, $code, lda, b, $code, ldb, beta, c, $code, ldc,
                    $compute, -1,
                )
            }
        }

        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $batched(
            handle: usize,
            ta: u32,
            tb: u32,
            m: c_int,
            n: c_int,
            k: c_int,
            alpha: *const c_void,
            a: u64,
            lda: c_int,
            stride_a: i64,
            b: u64,
            ldb: c_int,
            stride_b: i64,
            beta: *const c_void,
            c: u64,
            ldc: c_int,
            stride_c: i64,
            batches: c_int,
        ) -> u32 {
            unsafe {
                cublasGemmStridedBatchedEx(
                    handle, ta, tb, m, n, k, alpha, a, $code, lda, stride_a, b, $code, ldb, stride_b, beta,
                    c, $code, ldc, stride_c, batches, $compute, -1,
                )
            }
        }
    };
}
typed!(cublasSgemm_v2, cublasSgemmStridedBatched, 0, COMPUTE_32F);
typed!(cublasDgemm_v2, cublasDgemmStridedBatched, 1, COMPUTE_64F);
