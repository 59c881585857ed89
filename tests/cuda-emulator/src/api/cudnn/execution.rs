//! Running convolutions.

use super::*;

/// The pointers and scalars of an execution. `alpha` and `beta` are `double` for `f64` data, else `float`.
struct Execution {
    pass: Pass,
    algorithm: u32,
    alpha: *const c_void,
    beta: *const c_void,
    x: u64,
    w: u64,
    y: u64,
    workspace: u64,
    workspace_bytes: usize,
}

/// Executions of algorithms that do not promise the same bits every time.
static LOOSE_EXECUTIONS: AtomicU64 = AtomicU64::new(0);

pub(super) fn run<T: Real>(
    d: &mut Device,
    pass: Pass,
    p: &Problem,
    at: [u64; 3],
    alpha: f64,
    beta: f64,
    loose: bool,
) -> Outcome {
    let [x, w, y] = at;
    check_live(d, x, p.x.extent(), "convolution, input or its gradient")?;
    check_live(d, w, p.w.extent(), "convolution, filter or its gradient")?;
    check_live(d, y, p.y.extent(), "convolution, output or its gradient")?;
    // SAFETY: the extents have just been checked.
    unsafe {
        let (mut values, target, address): (Vec<T>, Tensor4, u64) = match pass {
            Pass::Forward => (forward(&p.shape, &p.x.gather(x, p.tf32), &p.w.gather(w, p.tf32)), p.y, y),
            Pass::Data => (backward_data(&p.shape, &p.y.gather(y, p.tf32), &p.w.gather(w, p.tf32)), p.x, x),
            Pass::Filter => {
                (backward_filter(&p.shape, &p.x.gather(x, p.tf32), &p.y.gather(y, p.tf32)), p.w, w)
            }
        };
        if loose {
            let n = LOOSE_EXECUTIONS.fetch_add(1, Ordering::Relaxed);
            for (i, v) in values.iter_mut().enumerate() {
                if (i as u64).wrapping_add(n).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62 == 0 {
                    *v = v.nudge();
                }
            }
        }
        target.scatter(address, &values, alpha, beta);
    }
    Ok(())
}

unsafe fn execute(handle: usize, p: Status<Problem>, e: &Execution) -> Status {
    let stream = *registry().handles.get(&handle).ok_or(BAD_PARAM)?;
    let p = p?;
    let needed = workspace(e.pass, e.algorithm, &p)?;
    if e.alpha.is_null() || e.beta.is_null() || e.x == 0 || e.w == 0 || e.y == 0 {
        return refuse(BAD_PARAM, "a null pointer");
    }
    if e.workspace_bytes < needed || needed > 0 && e.workspace == 0 {
        return refuse(
            BAD_PARAM,
            format!("a workspace of {} bytes where {needed} are needed", e.workspace_bytes),
        );
    }
    let bytes = p.x.element.bytes() as u64;
    if [e.x, e.w, e.y].iter().any(|a| a % bytes != 0) {
        return refuse(BAD_PARAM, "a misaligned pointer");
    }
    let double = p.x.element == Element::F64;
    // SAFETY: the caller passes scalars of the documented type.
    let scalar =
        |at: *const c_void| unsafe { if double { *at.cast::<f64>() } else { f64::from(*at.cast::<f32>()) } };
    let (alpha, beta) = (scalar(e.alpha), scalar(e.beta));
    let (pass, at, space, size) = (e.pass, [e.x, e.w, e.y], e.workspace, e.workspace_bytes as u64);
    let loose = algorithms(pass).iter().any(|a| a.0 == e.algorithm && !a.1);
    let work = move |d: &mut Device| -> Outcome {
        if needed > 0 {
            check_live(d, space, size, "convolution, workspace")?;
            // A real workspace holds anything afterwards.
            crate::memory::fill(space, size as usize, crate::memory::FRESH);
        }
        if double {
            run::<f64>(d, pass, &p, at, alpha, beta, loose)
        } else {
            run::<f32>(d, pass, &p, at, alpha, beta, loose)
        }
    };
    lock().submit(stream, Arc::new(work)).map_err(|_| EXECUTION_FAILED)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnConvolutionForward(
    handle: usize,
    alpha: *const c_void,
    x_desc: usize,
    x: u64,
    w_desc: usize,
    w: u64,
    conv: usize,
    algorithm: u32,
    workspace: u64,
    workspace_bytes: usize,
    beta: *const c_void,
    y_desc: usize,
    y: u64,
) -> u32 {
    let e = Execution { pass: Pass::Forward, algorithm, alpha, beta, x, w, y, workspace, workspace_bytes };
    unsafe { code(execute(handle, problem(x_desc, w_desc, conv, y_desc), &e)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnConvolutionBackwardData(
    handle: usize,
    alpha: *const c_void,
    w_desc: usize,
    w: u64,
    dy_desc: usize,
    dy: u64,
    conv: usize,
    algorithm: u32,
    workspace: u64,
    workspace_bytes: usize,
    beta: *const c_void,
    dx_desc: usize,
    dx: u64,
) -> u32 {
    let e =
        Execution { pass: Pass::Data, algorithm, alpha, beta, x: dx, w, y: dy, workspace, workspace_bytes };
    unsafe { code(execute(handle, problem(dx_desc, w_desc, conv, dy_desc), &e)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnConvolutionBackwardFilter(
    handle: usize,
    alpha: *const c_void,
    x_desc: usize,
    x: u64,
    dy_desc: usize,
    dy: u64,
    conv: usize,
    algorithm: u32,
    workspace: u64,
    workspace_bytes: usize,
    beta: *const c_void,
    dw_desc: usize,
    dw: u64,
) -> u32 {
    let e =
        Execution { pass: Pass::Filter, algorithm, alpha, beta, x, w: dw, y: dy, workspace, workspace_bytes };
    unsafe { code(execute(handle, problem(x_desc, dw_desc, conv, dy_desc), &e)) }
}
