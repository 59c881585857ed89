//! Streams, events, stream capture and graphs.

use super::{in_context, store};
use crate::device::code;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

const NON_BLOCKING: c_uint = 1;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreate(out: *mut usize, flags: c_uint) -> u32 {
    in_context(|d| {
        d.check()?;
        let s = d.create_stream(flags & NON_BLOCKING == 0);
        unsafe { store(out, s) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreateWithPriority(out: *mut usize, flags: c_uint, _priority: c_int) -> u32 {
    unsafe { cuStreamCreate(out, flags) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamDestroy_v2(stream: usize) -> u32 {
    in_context(|d| d.destroy_stream(stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamSynchronize(stream: usize) -> u32 {
    in_context(|d| d.not_in_capture(stream, "synchronisation of a stream"))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamQuery(stream: usize) -> u32 {
    in_context(|d| d.not_in_capture(stream, "query of a stream"))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamGetFlags(stream: usize, out: *mut c_uint) -> u32 {
    in_context(|d| {
        let blocking = d.stream_blocking(stream)?;
        unsafe { store(out, c_uint::from(!blocking)) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamGetPriority(stream: usize, out: *mut c_int) -> u32 {
    in_context(|d| {
        d.stream_blocking(stream)?;
        unsafe { store(out, 0) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamWaitEvent(stream: usize, event: usize, _flags: c_uint) -> u32 {
    in_context(|d| d.wait_event(stream, event))
}

/// Memory is visible to every stream.
#[unsafe(no_mangle)]
pub extern "C" fn cuStreamAttachMemAsync(
    _stream: usize,
    _address: u64,
    _bytes: usize,
    _flags: c_uint,
) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuLaunchHostFunc(
    stream: usize,
    f: Option<unsafe extern "C" fn(*mut c_void)>,
    data: usize,
) -> u32 {
    let Some(f) = f else { return code::INVALID_VALUE };
    in_context(|d| {
        d.submit(
            stream,
            Arc::new(move |_| {
                // SAFETY: the caller of the API promises that the function may be called with its data.
                unsafe { f(data as *mut c_void) };
                Ok(())
            }),
        )
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventCreate(out: *mut usize, _flags: c_uint) -> u32 {
    in_context(|d| {
        d.check()?;
        let e = d.create_event();
        unsafe { store(out, e) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventDestroy_v2(event: usize) -> u32 {
    in_context(|d| d.destroy_event(event))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventRecord(event: usize, stream: usize) -> u32 {
    in_context(|d| d.record_event(event, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventRecordWithFlags(event: usize, stream: usize, _flags: c_uint) -> u32 {
    in_context(|d| d.record_event(event, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventSynchronize(event: usize) -> u32 {
    in_context(|d| d.event_time(event).map(|_| ()))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventQuery(event: usize) -> u32 {
    in_context(|d| d.event_time(event).map(|_| ()))
}

/// Time on the host, which says nothing about a GPU.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventElapsedTime_v2(out: *mut f32, start: usize, end: usize) -> u32 {
    in_context(|d| {
        let (Some(a), Some(b)) = (d.event_time(start)?, d.event_time(end)?) else {
            return Err(code::INVALID_HANDLE);
        };
        let ms = b.saturating_duration_since(a).as_secs_f32() - a.saturating_duration_since(b).as_secs_f32();
        unsafe { store(out, ms * 1e3) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventElapsedTime(out: *mut f32, start: usize, end: usize) -> u32 {
    unsafe { cuEventElapsedTime_v2(out, start, end) }
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamBeginCapture_v2(stream: usize, mode: c_uint) -> u32 {
    in_context(|d| d.begin_capture(stream, mode))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamEndCapture(stream: usize, out: *mut usize) -> u32 {
    in_context(|d| {
        let ended = d.end_capture(stream);
        unsafe { store(out, ended.unwrap_or(0))? };
        ended.map(|_| ())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamIsCapturing(stream: usize, out: *mut c_uint) -> u32 {
    in_context(|d| {
        let (s, _) = d.capture_status(stream)?;
        unsafe { store(out, s) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamGetCaptureInfo_v3(
    stream: usize,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut usize,
    dependencies: *mut usize,
    edges: *mut usize,
    count: *mut usize,
) -> u32 {
    in_context(|d| {
        let (s, n) = d.capture_status(stream)?;
        unsafe {
            store(status, s)?;
            if !id.is_null() {
                id.write(n);
            }
            for p in [graph, dependencies, edges, count] {
                if !p.is_null() {
                    p.write(0);
                }
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamGetCaptureInfo_v2(
    stream: usize,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut usize,
    dependencies: *mut usize,
    count: *mut usize,
) -> u32 {
    unsafe { cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies, std::ptr::null_mut(), count) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuThreadExchangeStreamCaptureMode(mode: *mut c_uint) -> u32 {
    in_context(|d| {
        let old = d.exchange_mode(unsafe { *mode });
        unsafe { store(mode, old) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGraphInstantiateWithFlags(out: *mut usize, graph: usize, flags: u64) -> u32 {
    in_context(|d| {
        let e = d.instantiate(graph, flags)?;
        unsafe { store(out, e) }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn cuGraphLaunch(exec: usize, stream: usize) -> u32 {
    in_context(|d| d.launch_graph(exec, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuGraphUpload(exec: usize, stream: usize) -> u32 {
    in_context(|d| d.upload(exec, stream))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuGraphDestroy(graph: usize) -> u32 {
    in_context(|d| d.destroy_graph(graph))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuGraphExecDestroy(exec: usize) -> u32 {
    in_context(|d| d.destroy_exec(exec))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGraphExecGetFlags(exec: usize, out: *mut u64) -> u32 {
    in_context(|d| {
        let f = d.exec_flags(exec)?;
        unsafe { store(out, f) }
    })
}

/// Only the number of nodes is given; nodes have no handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGraphGetNodes(graph: usize, nodes: *mut usize, count: *mut usize) -> u32 {
    if !nodes.is_null() {
        return super::not_supported("cuGraphGetNodes with handles", code::NOT_SUPPORTED);
    }
    in_context(|d| {
        let n = d.graph_nodes(graph)?;
        unsafe { store(count, n) }
    })
}
