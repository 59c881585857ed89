//! The rules of stream capture and graphs, through the driver API.

use cuda_emulator::api::devices::{cuCtxSetCurrent, cuDevicePrimaryCtxRetain};
use cuda_emulator::api::memory::*;
use cuda_emulator::api::streams::*;
use std::sync::{Mutex, MutexGuard};

const UNSUPPORTED: u32 = 900;
const INVALIDATED: u32 = 901;
const UNJOINED: u32 = 904;
const ISOLATION: u32 = 905;
const GLOBAL: u32 = 0;
const THREAD_LOCAL: u32 = 1;
const RELAXED: u32 = 2;
const AUTO_FREE: u64 = 1;

/// Captures of global mode see what other threads do, so that tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let guard = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut context = 0;
    unsafe { cuDevicePrimaryCtxRetain(&mut context, 0) };
    cuCtxSetCurrent(context);
    guard
}

fn stream() -> usize {
    let mut s = 0;
    assert_eq!(unsafe { cuStreamCreate(&mut s, 1) }, 0);
    s
}

fn alloc(stream: usize, bytes: usize) -> u64 {
    let mut a = 0;
    assert_eq!(unsafe { cuMemAllocAsync(&mut a, bytes, stream) }, 0);
    a
}

fn read(a: u64) -> u32 {
    let mut v = 0u32;
    assert_eq!(cuMemcpyDtoH_v2(&raw mut v as usize, a, 4), 0);
    v
}

fn end(stream: usize) -> Result<usize, u32> {
    let mut g = 0;
    match unsafe { cuStreamEndCapture(stream, &mut g) } {
        0 => Ok(g),
        e => Err(e),
    }
}

fn instantiate(graph: usize, flags: u64) -> usize {
    let mut e = 0;
    assert_eq!(unsafe { cuGraphInstantiateWithFlags(&mut e, graph, flags) }, 0);
    e
}

#[test]
fn captured_work_runs_at_launch_only() {
    let _turn = turn();
    let s = stream();
    let (a, b) = (alloc(s, 4), alloc(s, 4));
    assert_eq!(cuMemsetD32Async(a, 1, 1, s), 0);
    assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
    let mut status = 9;
    assert_eq!(unsafe { cuStreamIsCapturing(s, &mut status) }, 0);
    assert_eq!(status, 1);
    assert_eq!(cuMemcpyDtoDAsync_v2(b, a, 4, s), 0);
    assert_eq!(cuMemsetD32Async(a, 7, 1, s), 0);
    let e = instantiate(end(s).unwrap(), 0);
    assert_eq!(read(a), 1);
    assert_eq!(cuGraphLaunch(e, s), 0);
    assert_eq!((read(a), read(b)), (7, 1));
    assert_eq!(cuGraphLaunch(e, s), 0);
    assert_eq!(read(b), 7);
    assert_eq!(cuGraphExecDestroy(e), 0);
}

#[test]
fn forbidden_calls_invalidate_the_capture() {
    let _turn = turn();
    let s = stream();
    let a = alloc(s, 4);
    let mut host = 0u32;
    let at = &raw mut host as usize;
    let mut address = 0;
    let forbidden: [&mut dyn FnMut() -> u32; 6] = [
        &mut || cuStreamSynchronize(s),
        &mut || cuMemcpyHtoDAsync_v2(a, at, 4, s),
        &mut || cuMemcpyDtoHAsync_v2(at, a, 4, s),
        &mut || unsafe { cuMemAlloc_v2(&mut address, 4) },
        &mut || cuMemFree_v2(a),
        &mut || cuda_emulator::api::devices::cuCtxSynchronize(),
    ];
    for call in forbidden {
        assert_eq!(cuStreamBeginCapture_v2(s, GLOBAL), 0);
        assert_eq!(call(), UNSUPPORTED);
        assert_eq!(cuMemsetD32Async(a, 1, 1, s), INVALIDATED);
        assert_eq!(end(s), Err(INVALIDATED));
    }
    // The stream is usable again.
    assert_eq!(cuMemsetD32Async(a, 5, 1, s), 0);
    assert_eq!(read(a), 5);
}

#[test]
fn modes_differ_in_whom_they_forbid() {
    let _turn = turn();
    let s = stream();
    let elsewhere = || {
        std::thread::spawn(|| {
            let mut context = 0;
            unsafe { cuDevicePrimaryCtxRetain(&mut context, 0) };
            cuCtxSetCurrent(context);
            let mut a = 0;
            unsafe { cuMemAlloc_v2(&mut a, 4) }
        })
        .join()
        .unwrap()
    };
    assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
    assert_eq!(elsewhere(), 0);
    assert!(end(s).is_ok());
    assert_eq!(cuStreamBeginCapture_v2(s, GLOBAL), 0);
    assert_eq!(elsewhere(), UNSUPPORTED);
    assert_eq!(end(s), Err(INVALIDATED));
    assert_eq!(cuStreamBeginCapture_v2(s, RELAXED), 0);
    let mut a = 0;
    assert_eq!(unsafe { cuMemAlloc_v2(&mut a, 4) }, 0);
    assert!(end(s).is_ok());
}

#[test]
fn pinned_memory_can_be_copied_in_a_graph() {
    let _turn = turn();
    let s = stream();
    let a = alloc(s, 4);
    let mut pinned = 0;
    assert_eq!(unsafe { cuMemHostAlloc(&mut pinned, 4, 0) }, 0);
    assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
    assert_eq!(cuMemcpyHtoDAsync_v2(a, pinned as usize, 4, s), 0);
    let e = instantiate(end(s).unwrap(), 0);
    unsafe { (pinned as *mut u32).write(11) };
    assert_eq!(cuGraphLaunch(e, s), 0);
    assert_eq!(read(a), 11);
}

#[test]
fn allocations_of_a_graph_live_from_launch_to_free() {
    let _turn = turn();
    let s = stream();
    let out = alloc(s, 4);
    assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
    let inner = alloc(s, 4);
    let kept = alloc(s, 4);
    assert_eq!(cuMemcpyDtoDAsync_v2(out, inner, 4, s), 0);
    assert_eq!(cuMemsetD32Async(kept, 3, 1, s), 0);
    assert_eq!(cuMemFreeAsync(inner, s), 0);
    // Memory that the graph has not allocated cannot be freed in it.
    assert_eq!(cuMemFreeAsync(out, s), 1);
    let graph = end(s).unwrap();
    let e = instantiate(graph, 0);
    assert_eq!(cuMemsetD32Async(kept, 3, 1, s), 1);
    assert_eq!(cuGraphLaunch(e, s), 0);
    // Fresh memory, as at every launch.
    assert_eq!(read(out), u32::MAX);
    assert_eq!(read(kept), 3);
    assert_eq!(cuGraphLaunch(e, s), 1);
    assert_eq!(cuMemFreeAsync(kept, s), 0);
    assert_eq!(cuGraphLaunch(e, s), 0);
    assert_eq!(cuGraphExecDestroy(e), 0);
    assert_eq!(cuMemFreeAsync(kept, s), 0);
    let e = instantiate(graph, AUTO_FREE);
    assert_eq!((cuGraphLaunch(e, s), cuGraphLaunch(e, s)), (0, 0));
    assert_eq!(cuGraphExecDestroy(e), 0);
    assert_eq!(cuGraphDestroy(graph), 0);
    assert_eq!(read(kept), 3);
    assert_eq!(cuMemFreeAsync(kept, s), 0);
}

#[test]
fn events_fork_and_join_captures() {
    let _turn = turn();
    let (s, t) = (stream(), stream());
    let a = alloc(s, 4);
    let (mut fork, mut join, mut outside) = (0, 0, 0);
    for e in [&mut fork, &mut join, &mut outside] {
        assert_eq!(unsafe { cuEventCreate(e, 0) }, 0);
    }
    let begin = || {
        assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
        assert_eq!(cuEventRecord(fork, s), 0);
        assert_eq!(cuStreamWaitEvent(t, fork, 0), 0);
        assert_eq!(cuMemsetD32Async(a, 5, 1, t), 0);
    };
    begin();
    assert_eq!(end(s), Err(UNJOINED));
    begin();
    assert_eq!(cuEventRecord(join, t), 0);
    assert_eq!(cuStreamWaitEvent(s, join, 0), 0);
    let e = instantiate(end(s).unwrap(), 0);
    assert_eq!(cuGraphLaunch(e, s), 0);
    assert_eq!(read(a), 5);
    assert_eq!(cuEventRecord(outside, t), 0);
    assert_eq!(cuStreamBeginCapture_v2(s, THREAD_LOCAL), 0);
    assert_eq!(cuStreamWaitEvent(s, outside, 0), ISOLATION);
    assert_eq!(end(s), Err(INVALIDATED));
}
