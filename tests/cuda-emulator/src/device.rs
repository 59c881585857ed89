//! The one emulated device: streams, events, captures, graphs and the order of work.
//!
//! Work runs when it is submitted, in the calling thread, under one lock. Streams therefore never run at the same time;
//! what they are for here is the capture of graphs.

use crate::memory::{Kind, Memory, Reserved};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::thread::ThreadId;
use std::time::Instant;

/// Codes of `CUresult`.
pub mod code {
    pub const INVALID_VALUE: u32 = 1;
    pub const OUT_OF_MEMORY: u32 = 2;
    pub const INVALID_DEVICE: u32 = 101;
    pub const INVALID_CONTEXT: u32 = 201;
    pub const NO_BINARY_FOR_GPU: u32 = 209;
    pub const INVALID_PTX: u32 = 218;
    pub const FILE_NOT_FOUND: u32 = 301;
    pub const INVALID_HANDLE: u32 = 400;
    pub const NOT_FOUND: u32 = 500;
    pub const NOT_READY: u32 = 600;
    pub const ILLEGAL_ADDRESS: u32 = 700;
    pub const ASSERT: u32 = 710;
    pub const LAUNCH_FAILED: u32 = 719;
    pub const LAUNCH_TIMEOUT: u32 = 702;
    pub const NOT_SUPPORTED: u32 = 801;
    pub const CAPTURE_UNSUPPORTED: u32 = 900;
    pub const CAPTURE_INVALIDATED: u32 = 901;
    pub const CAPTURE_UNMATCHED: u32 = 903;
    pub const CAPTURE_UNJOINED: u32 = 904;
    pub const CAPTURE_ISOLATION: u32 = 905;
    pub const CAPTURE_IMPLICIT: u32 = 906;
    pub const CAPTURED_EVENT: u32 = 907;
    pub const CAPTURE_WRONG_THREAD: u32 = 908;
}

/// The result of an operation: an error is a `CUresult`.
pub type Outcome<T = ()> = Result<T, u32>;

/// Something a stream does. Graphs do it again at every launch.
pub type Work = Arc<dyn Fn(&mut Device) -> Outcome + Send + Sync>;

/// Capture modes.
pub const MODE_GLOBAL: u32 = 0;
pub const MODE_THREAD_LOCAL: u32 = 1;
pub const MODE_RELAXED: u32 = 2;

/// The handle of the legacy default stream, besides 0.
pub const STREAM_LEGACY: usize = 1;
pub const STREAM_PER_THREAD: usize = 2;

/// Graph instantiation flag: free what is still allocated when the graph is launched again.
pub const AUTO_FREE_ON_LAUNCH: u64 = 1;

/// A stream.
#[derive(Default)]
pub struct Stream {
    /// Whether it synchronises with the legacy default stream.
    pub blocking: bool,
    pub capture: Option<u64>,
    /// Work recorded in the current capture, and how much of it the capture's origin waits for.
    recorded: u64,
    joined: u64,
}

/// What an event was last recorded in.
#[derive(Clone, Copy)]
pub enum Recorded {
    Never,
    Outside(Instant),
    Capture { id: u64, stream: usize, count: u64 },
}

/// A capture in progress.
struct Capture {
    mode: u32,
    thread: ThreadId,
    origin: usize,
    invalid: bool,
    nodes: Vec<Node>,
    allocations: Vec<Reserved>,
    freed: Vec<u64>,
}

/// A node of a graph.
#[derive(Clone)]
struct Node {
    work: Work,
}

/// A captured graph. Its nodes form one sequence.
struct Graph {
    nodes: Vec<Node>,
    allocations: Arc<Mutex<Vec<Reserved>>>,
    has_allocations: bool,
    instances: usize,
}

/// An instantiated graph.
struct Exec {
    graph: usize,
    nodes: Vec<Node>,
    allocations: Arc<Mutex<Vec<Reserved>>>,
    flags: u64,
}

/// The device.
pub struct Device {
    pub memory: Memory,
    streams: HashMap<usize, Stream>,
    events: HashMap<usize, Recorded>,
    captures: HashMap<u64, Capture>,
    graphs: HashMap<usize, Graph>,
    execs: HashMap<usize, Exec>,
    thread_modes: HashMap<ThreadId, u32>,
    /// The error that has ended the context.
    pub sticky: Option<u32>,
    next: usize,
}

static DEVICE: LazyLock<Mutex<Device>> = LazyLock::new(|| Mutex::new(Device::isolated()));

/// Locks the device.
pub fn lock() -> MutexGuard<'static, Device> {
    DEVICE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Prints a message of the emulator.
pub fn report(message: &str) {
    eprintln!("cuda-emulator: {message}");
}

/// Whether the environment variable `name` is set to something other than `0`.
pub fn enabled(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0")
}

impl Device {
    /// A device apart from the one the exported functions use.
    pub fn isolated() -> Device {
        let mut streams = HashMap::new();
        streams.insert(STREAM_LEGACY, Stream { blocking: true, ..Stream::default() });
        streams.insert(STREAM_PER_THREAD, Stream { blocking: true, ..Stream::default() });
        Device {
            memory: Memory::default(),
            streams,
            events: HashMap::new(),
            captures: HashMap::new(),
            graphs: HashMap::new(),
            execs: HashMap::new(),
            thread_modes: HashMap::new(),
            sticky: None,
            next: 0x1000,
        }
    }

    pub fn new_handle(&mut self) -> usize {
        self.next += 16;
        self.next
    }

    /// Fails if the context has ended.
    pub fn check(&self) -> Outcome {
        self.sticky.map_or(Ok(()), Err)
    }

    /// Ends the context, as a fault in a kernel does.
    pub fn fail(&mut self, error: u32) -> u32 {
        self.sticky.get_or_insert(error);
        error
    }

    fn key(stream: usize) -> usize {
        if stream == 0 { STREAM_LEGACY } else { stream }
    }

    fn stream(&mut self, stream: usize) -> Outcome<&mut Stream> {
        self.streams.get_mut(&Self::key(stream)).ok_or(code::INVALID_HANDLE)
    }

    pub fn create_stream(&mut self, blocking: bool) -> usize {
        let h = self.new_handle();
        self.streams.insert(h, Stream { blocking, ..Stream::default() });
        h
    }

    pub fn destroy_stream(&mut self, stream: usize) -> Outcome {
        if stream <= STREAM_PER_THREAD {
            return Err(code::INVALID_HANDLE);
        }
        let s = self.streams.remove(&stream).ok_or(code::INVALID_HANDLE)?;
        if let Some(id) = s.capture {
            self.invalidate(id);
        }
        Ok(())
    }

    pub fn stream_blocking(&mut self, stream: usize) -> Outcome<bool> {
        Ok(self.stream(stream)?.blocking)
    }

    fn invalidate(&mut self, capture: u64) {
        if let Some(c) = self.captures.get_mut(&capture) {
            c.invalid = true;
        }
    }

    /// Refuses calls that CUDA calls potentially unsafe while a capture that forbids them is in progress.
    pub fn unsafe_call(&mut self, what: &str) -> Outcome {
        self.check()?;
        let thread = std::thread::current().id();
        if self.thread_modes.get(&thread) == Some(&MODE_RELAXED) {
            return Ok(());
        }
        let mut refused = false;
        for c in self.captures.values_mut() {
            if c.mode == MODE_GLOBAL || c.mode == MODE_THREAD_LOCAL && c.thread == thread {
                c.invalid = true;
                refused = true;
            }
        }
        if refused {
            report(&format!(
                "{what} is not allowed while a stream is being captured; the capture is invalid now"
            ));
            return Err(code::CAPTURE_UNSUPPORTED);
        }
        Ok(())
    }

    /// Refuses use of the legacy default stream while a stream that synchronises with it is being captured.
    fn implicit(&mut self, stream: usize) -> Outcome {
        if Self::key(stream) != STREAM_LEGACY {
            return Ok(());
        }
        let captured: Vec<u64> =
            self.streams.values().filter(|s| s.blocking).filter_map(|s| s.capture).collect();
        for &id in &captured {
            self.invalidate(id);
        }
        if captured.is_empty() { Ok(()) } else { Err(code::CAPTURE_IMPLICIT) }
    }

    /// The capture `stream` takes part in, if any; an invalid one is an error.
    pub fn capturing(&mut self, stream: usize) -> Outcome<Option<u64>> {
        let Some(id) = self.stream(stream)?.capture else { return Ok(None) };
        if self.captures.get(&id).is_none_or(|c| c.invalid) {
            return Err(code::CAPTURE_INVALIDATED);
        }
        Ok(Some(id))
    }

    /// Does `work` on `stream`: now, or recorded in a capture.
    pub fn submit(&mut self, stream: usize, work: Work) -> Outcome {
        self.check()?;
        if let Some(id) = self.capturing(stream)? {
            self.stream(stream)?.recorded += 1;
            self.captures.get_mut(&id).ok_or(code::CAPTURE_INVALIDATED)?.nodes.push(Node { work });
            return Ok(());
        }
        self.implicit(stream)?;
        work(self)
    }

    /// Refuses an operation that a capture cannot hold, and invalidates the capture.
    pub fn not_in_capture(&mut self, stream: usize, what: &str) -> Outcome {
        self.check()?;
        if let Some(id) = self.capturing(stream)? {
            self.invalidate(id);
            report(&format!("{what} cannot be captured; the capture is invalid now"));
            return Err(code::CAPTURE_UNSUPPORTED);
        }
        self.implicit(stream)
    }

    /// `cuCtxSynchronize`: refused while any stream is being captured.
    pub fn synchronize_all(&mut self) -> Outcome {
        self.check()?;
        let ids: Vec<u64> = self.captures.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        for id in ids {
            self.invalidate(id);
        }
        report("the context was synchronised while a stream was being captured; the capture is invalid now");
        Err(code::CAPTURE_UNSUPPORTED)
    }

    /// Allocates in stream order: at once, or as a node of the graph being captured.
    pub fn allocate_on(&mut self, stream: usize, bytes: usize) -> Outcome<u64> {
        self.check()?;
        if let Some(id) = self.capturing(stream)? {
            let reserved = Reserved::new(bytes).ok_or(code::OUT_OF_MEMORY)?;
            let address = reserved.address;
            self.stream(stream)?.recorded += 1;
            let c = self.captures.get_mut(&id).ok_or(code::CAPTURE_INVALIDATED)?;
            c.nodes.push(Node {
                // The memory comes to life when the graph's launch reaches this node.
                work: Arc::new(move |d: &mut Device| {
                    if d.memory.get(address).is_some() {
                        return Err(code::INVALID_VALUE);
                    }
                    crate::memory::fill(address, bytes, crate::memory::FRESH);
                    d.memory.register(address, bytes, Kind::Graph);
                    Ok(())
                }),
            });
            c.allocations.push(reserved);
            return Ok(address);
        }
        self.implicit(stream)?;
        self.memory.allocate(bytes, Kind::Device).ok_or(code::OUT_OF_MEMORY)
    }

    /// Frees in stream order.
    pub fn free_on(&mut self, stream: usize, address: u64) -> Outcome {
        self.check()?;
        if let Some(id) = self.capturing(stream)? {
            self.stream(stream)?.recorded += 1;
            let c = self.captures.get_mut(&id).ok_or(code::CAPTURE_INVALIDATED)?;
            // A captured free must be of memory that the graph itself allocates.
            if !c.allocations.iter().any(|a| a.address == address) || c.freed.contains(&address) {
                report(&format!(
                    "free of {address:#x} in a capture: the graph being captured has not allocated it"
                ));
                return Err(code::INVALID_VALUE);
            }
            c.freed.push(address);
            c.nodes.push(Node {
                work: Arc::new(move |d: &mut Device| {
                    if d.memory.free(address, &[Kind::Graph]) { Ok(()) } else { Err(code::INVALID_VALUE) }
                }),
            });
            return Ok(());
        }
        self.implicit(stream)?;
        if self.memory.free(address, &[Kind::Device, Kind::Graph, Kind::Managed]) {
            Ok(())
        } else {
            report(&format!("free of {address:#x}, which is not a live allocation"));
            Err(code::INVALID_VALUE)
        }
    }

    pub fn create_event(&mut self) -> usize {
        let h = self.new_handle();
        self.events.insert(h, Recorded::Never);
        h
    }

    pub fn destroy_event(&mut self, event: usize) -> Outcome {
        self.events.remove(&event).map(|_| ()).ok_or(code::INVALID_HANDLE)
    }

    pub fn record_event(&mut self, event: usize, stream: usize) -> Outcome {
        self.check()?;
        if !self.events.contains_key(&event) {
            return Err(code::INVALID_HANDLE);
        }
        let recorded = match self.capturing(stream)? {
            Some(id) => {
                Recorded::Capture { id, stream: Self::key(stream), count: self.stream(stream)?.recorded }
            }
            None => {
                self.implicit(stream)?;
                Recorded::Outside(Instant::now())
            }
        };
        self.events.insert(event, recorded);
        Ok(())
    }

    pub fn wait_event(&mut self, stream: usize, event: usize) -> Outcome {
        self.check()?;
        let recorded = *self.events.get(&event).ok_or(code::INVALID_HANDLE)?;
        let capture = self.capturing(stream)?;
        match (capture, recorded) {
            (_, Recorded::Never) | (None, Recorded::Outside(_)) => Ok(()),
            (Some(id), Recorded::Outside(_)) => {
                self.invalidate(id);
                report(
                    "a captured stream waits for an event recorded outside the capture; the capture is invalid now",
                );
                Err(code::CAPTURE_ISOLATION)
            }
            (None, Recorded::Capture { id, .. }) => {
                if !self.captures.contains_key(&id) {
                    return Err(code::CAPTURED_EVENT);
                }
                // The stream joins the capture.
                let s = self.stream(stream)?;
                (s.capture, s.recorded, s.joined) = (Some(id), 1, 0);
                Ok(())
            }
            (Some(mine), Recorded::Capture { id, stream: other, count }) => {
                if mine != id {
                    self.invalidate(mine);
                    return Err(code::CAPTURE_ISOLATION);
                }
                if let Some(s) = self.streams.get_mut(&other) {
                    s.joined = s.joined.max(count);
                }
                Ok(())
            }
        }
    }

    /// The time of an event that is being waited for or asked about.
    pub fn event_time(&mut self, event: usize) -> Outcome<Option<Instant>> {
        self.check()?;
        match *self.events.get(&event).ok_or(code::INVALID_HANDLE)? {
            Recorded::Never => Ok(None),
            Recorded::Outside(t) => Ok(Some(t)),
            Recorded::Capture { id, .. } => {
                self.invalidate(id);
                Err(code::CAPTURED_EVENT)
            }
        }
    }

    pub fn begin_capture(&mut self, stream: usize, mode: u32) -> Outcome {
        self.check()?;
        if Self::key(stream) == STREAM_LEGACY {
            return Err(code::CAPTURE_UNSUPPORTED);
        }
        if mode > MODE_RELAXED {
            return Err(code::INVALID_VALUE);
        }
        if self.stream(stream)?.capture.is_some() {
            return Err(code::INVALID_VALUE);
        }
        let id = self.new_handle() as u64;
        let s = self.stream(stream)?;
        (s.capture, s.recorded, s.joined) = (Some(id), 0, 0);
        let capture = Capture {
            mode,
            thread: std::thread::current().id(),
            origin: stream,
            invalid: false,
            nodes: Vec::new(),
            allocations: Vec::new(),
            freed: Vec::new(),
        };
        self.captures.insert(id, capture);
        Ok(())
    }

    /// Ends a capture and returns its graph.
    pub fn end_capture(&mut self, stream: usize) -> Outcome<usize> {
        let id = self.stream(stream)?.capture.ok_or(code::INVALID_VALUE)?;
        let c = self.captures.get(&id).ok_or(code::INVALID_VALUE)?;
        if c.origin != stream {
            self.invalidate(id);
            return Err(code::CAPTURE_UNMATCHED);
        }
        if c.mode != MODE_RELAXED && c.thread != std::thread::current().id() {
            return Err(code::CAPTURE_WRONG_THREAD);
        }
        let c = self.captures.remove(&id).ok_or(code::INVALID_VALUE)?;
        let mut unjoined = false;
        for (&h, s) in &mut self.streams {
            if s.capture == Some(id) {
                unjoined |= h != stream && s.joined < s.recorded;
                s.capture = None;
            }
        }
        self.check()?;
        if c.invalid {
            return Err(code::CAPTURE_INVALIDATED);
        }
        if unjoined {
            return Err(code::CAPTURE_UNJOINED);
        }
        let h = self.new_handle();
        let graph = Graph {
            nodes: c.nodes,
            has_allocations: !c.allocations.is_empty(),
            allocations: Arc::new(Mutex::new(c.allocations)),
            instances: 0,
        };
        self.graphs.insert(h, graph);
        Ok(h)
    }

    /// 0 for none, 1 for active, 2 for invalidated; and the capture's number.
    pub fn capture_status(&mut self, stream: usize) -> Outcome<(u32, u64)> {
        if Self::key(stream) == STREAM_LEGACY {
            self.implicit(stream)?;
        }
        let Some(id) = self.stream(stream)?.capture else { return Ok((0, 0)) };
        Ok((if self.captures.get(&id).is_none_or(|c| c.invalid) { 2 } else { 1 }, id))
    }

    pub fn exchange_mode(&mut self, mode: u32) -> u32 {
        self.thread_modes.insert(std::thread::current().id(), mode).unwrap_or(MODE_GLOBAL)
    }

    pub fn graph_nodes(&self, graph: usize) -> Outcome<usize> {
        Ok(self.graphs.get(&graph).ok_or(code::INVALID_HANDLE)?.nodes.len())
    }

    pub fn instantiate(&mut self, graph: usize, flags: u64) -> Outcome<usize> {
        self.check()?;
        // Auto-free and launch from the device exclude each other; upload needs the call with parameters.
        if flags & !0xF != 0 || flags & 5 == 5 {
            return Err(code::INVALID_VALUE);
        }
        let g = self.graphs.get_mut(&graph).ok_or(code::INVALID_VALUE)?;
        if g.has_allocations && g.instances > 0 {
            report("a graph with allocations can have one instance only");
            return Err(code::NOT_SUPPORTED);
        }
        g.instances += 1;
        let exec = Exec { graph, nodes: g.nodes.clone(), allocations: g.allocations.clone(), flags };
        let h = self.new_handle();
        self.execs.insert(h, exec);
        Ok(h)
    }

    pub fn exec_flags(&self, exec: usize) -> Outcome<u64> {
        Ok(self.execs.get(&exec).ok_or(code::INVALID_HANDLE)?.flags)
    }

    /// Launches a graph on a stream.
    pub fn launch_graph(&mut self, exec: usize, stream: usize) -> Outcome {
        self.check()?;
        if self.capturing(stream)?.is_some() {
            return self.not_in_capture(stream, "launch of a graph");
        }
        self.implicit(stream)?;
        let e = self.execs.get(&exec).ok_or(code::INVALID_VALUE)?;
        let (nodes, flags) = (e.nodes.clone(), e.flags);
        let addresses: Vec<u64> = allocations(&e.allocations).iter().map(|a| a.address).collect();
        for address in addresses {
            if self.memory.get(address).is_none() {
                continue;
            }
            if flags & AUTO_FREE_ON_LAUNCH == 0 {
                report(
                    "a graph is launched again while memory that its last launch allocated has not been freed",
                );
                return Err(code::INVALID_VALUE);
            }
            self.memory.free(address, &[Kind::Graph]);
        }
        for n in nodes {
            (n.work)(self)?;
        }
        Ok(())
    }

    pub fn upload(&mut self, exec: usize, stream: usize) -> Outcome {
        self.not_in_capture(stream, "upload of a graph")?;
        self.execs.get(&exec).map(|_| ()).ok_or(code::INVALID_VALUE)
    }

    pub fn destroy_exec(&mut self, exec: usize) -> Outcome {
        let e = self.execs.remove(&exec).ok_or(code::INVALID_HANDLE)?;
        if let Some(g) = self.graphs.get_mut(&e.graph) {
            g.instances -= 1;
        }
        self.release(e.allocations);
        Ok(())
    }

    pub fn destroy_graph(&mut self, graph: usize) -> Outcome {
        let g = self.graphs.remove(&graph).ok_or(code::INVALID_HANDLE)?;
        self.release(g.allocations);
        Ok(())
    }

    /// Gives back a graph's memory once neither the graph nor an instance is left. Live memory stays.
    fn release(&mut self, allocations: Arc<Mutex<Vec<Reserved>>>) {
        if let Ok(list) = Arc::try_unwrap(allocations) {
            for mut a in list.into_inner().unwrap_or_default() {
                if self.memory.get(a.address).is_some() {
                    a.leak();
                }
            }
        }
    }
}

fn allocations(a: &Mutex<Vec<Reserved>>) -> MutexGuard<'_, Vec<Reserved>> {
    a.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
