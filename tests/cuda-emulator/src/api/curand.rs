//! cuRAND: pseudo-random generators. The numbers are good but not those of cuRAND.

use super::memory::check_live;
use crate::device::{Device, Outcome, lock};
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

const NOT_INITIALIZED: u32 = 101;
const LENGTH_NOT_MULTIPLE: u32 = 105;
const LAUNCH_FAILURE: u32 = 201;

#[derive(Clone)]
struct Generator {
    stream: usize,
    /// SplitMix64; shared with work recorded in graphs, which moves it on at every launch.
    state: Arc<Mutex<u64>>,
}

static GENERATORS: LazyLock<Mutex<HashMap<usize, Generator>>> = LazyLock::new(Mutex::default);

fn generators() -> MutexGuard<'static, HashMap<usize, Generator>> {
    GENERATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// Uniform on (0, 1], as cuRAND's are.
fn uniform(state: &mut u64) -> f64 {
    ((next(state) >> 11) + 1) as f64 / (1u64 << 53) as f64
}

fn normals(state: &mut u64) -> [f64; 2] {
    let r = (-2.0 * uniform(state).ln()).sqrt();
    let (sin, cos) = (TAU * uniform(state)).sin_cos();
    [r * cos, r * sin]
}

/// Writes `n` values of `T` that `fill` makes.
fn generate<T: Copy + 'static>(
    generator: usize,
    to: *mut T,
    n: usize,
    fill: impl Fn(&mut u64, &mut [T]) + Send + Sync + 'static,
) -> u32 {
    let Some(g) = generators().get(&generator).cloned() else { return NOT_INITIALIZED };
    let address = to as u64;
    let work = move |d: &mut Device| -> Outcome {
        check_live(d, address, (n * size_of::<T>()) as u64, "cuRAND output")?;
        // SAFETY: live memory of this size; values of `T` are plain numbers.
        let out = unsafe { std::slice::from_raw_parts_mut(address as *mut T, n) };
        fill(&mut g.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner), out);
        Ok(())
    };
    match lock().submit(g.stream, Arc::new(work)) {
        Ok(()) => 0,
        Err(_) => LAUNCH_FAILURE,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn curandCreateGenerator(out: *mut usize, _kind: u32) -> u32 {
    let h = lock().new_handle();
    generators().insert(h, Generator { stream: 0, state: Arc::new(Mutex::new(0)) });
    unsafe { out.write(h) };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn curandDestroyGenerator(generator: usize) -> u32 {
    if generators().remove(&generator).is_some() { 0 } else { NOT_INITIALIZED }
}

#[unsafe(no_mangle)]
pub extern "C" fn curandSetPseudoRandomGeneratorSeed(generator: usize, seed: u64) -> u32 {
    match generators().get_mut(&generator) {
        Some(g) => {
            g.state = Arc::new(Mutex::new(seed));
            0
        }
        None => NOT_INITIALIZED,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn curandSetGeneratorOffset(generator: usize, offset: u64) -> u32 {
    match generators().get_mut(&generator) {
        Some(g) => {
            let mut s = g.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *s = s.wrapping_add(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(offset));
            0
        }
        None => NOT_INITIALIZED,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn curandSetStream(generator: usize, stream: usize) -> u32 {
    match generators().get_mut(&generator) {
        Some(g) => {
            g.stream = stream;
            0
        }
        None => NOT_INITIALIZED,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn curandGenerate(generator: usize, to: *mut u32, n: usize) -> u32 {
    generate(generator, to, n, |s, out| out.fill_with(|| (next(s) >> 32) as u32))
}

#[unsafe(no_mangle)]
pub extern "C" fn curandGenerateUniform(generator: usize, to: *mut f32, n: usize) -> u32 {
    generate(generator, to, n, |s, out| out.fill_with(|| ((next(s) >> 40) + 1) as f32 / (1u64 << 24) as f32))
}

#[unsafe(no_mangle)]
pub extern "C" fn curandGenerateUniformDouble(generator: usize, to: *mut f64, n: usize) -> u32 {
    generate(generator, to, n, |s, out| out.fill_with(|| uniform(s)))
}

/// As cuRAND's pseudo-random generators, normal numbers come in pairs only.
#[unsafe(no_mangle)]
pub extern "C" fn curandGenerateNormal(
    generator: usize,
    to: *mut f32,
    n: usize,
    mean: f32,
    deviation: f32,
) -> u32 {
    if !n.is_multiple_of(2) {
        return LENGTH_NOT_MULTIPLE;
    }
    generate(generator, to, n, move |s, out| {
        for pair in out.chunks_exact_mut(2) {
            let z = normals(s);
            pair[0] = mean + deviation * z[0] as f32;
            pair[1] = mean + deviation * z[1] as f32;
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn curandGenerateNormalDouble(
    generator: usize,
    to: *mut f64,
    n: usize,
    mean: f64,
    deviation: f64,
) -> u32 {
    if !n.is_multiple_of(2) {
        return LENGTH_NOT_MULTIPLE;
    }
    generate(generator, to, n, move |s, out| {
        for pair in out.chunks_exact_mut(2) {
            let z = normals(s);
            pair[0] = mean + deviation * z[0];
            pair[1] = mean + deviation * z[1];
        }
    })
}
