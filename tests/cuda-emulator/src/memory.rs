//! Device memory: host memory whose live ranges are known exactly.
//!
//! A device address is the address of the host memory behind it. Allocations have margins around them, and freed
//! ones are kept back for a while, so that stray accesses meet memory that is known not to be live.

use std::alloc::{Layout, alloc, dealloc};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Alignment of allocations; also the least margin on either side.
const ALIGN: usize = 512;
/// Freed bytes that are kept back before they are reused.
const QUARANTINE_BYTES: usize = 256 << 20;
/// How many of the freed allocations messages can name.
const NAMED_FREED: usize = 1024;
/// What fresh memory is filled with: NaN in every floating type.
pub const FRESH: u8 = 0xFF;

/// What a live range is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Device,
    /// From a graph's allocation node.
    Graph,
    /// A module's variable.
    Module,
    /// Page-locked host memory, also accessible from kernels.
    Pinned,
    /// Unified memory.
    Managed,
}

/// Host memory with margins.
struct Backing {
    base: *mut u8,
    layout: Layout,
}

// SAFETY: a plain piece of memory.
unsafe impl Send for Backing {}

impl Backing {
    fn new(bytes: usize) -> Option<(Backing, u64)> {
        let size = bytes.checked_add(2 * ALIGN)?.checked_next_multiple_of(ALIGN)?;
        let layout = Layout::from_size_align(size, ALIGN).ok()?;
        // SAFETY: the size is not zero.
        let base = unsafe { alloc(layout) };
        if base.is_null() {
            return None;
        }
        Some((Backing { base, layout }, base as u64 + ALIGN as u64))
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.base, self.layout) }
    }
}

struct Allocation {
    bytes: usize,
    kind: Kind,
    backing: Option<Backing>,
}

/// A live range: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: u64,
    pub end: u64,
    pub kind: Kind,
}

/// The live ranges at one moment, sorted, and the recently freed ones for messages.
#[derive(Debug, Default)]
pub struct LiveMap {
    pub ranges: Vec<Range>,
    freed: Vec<(u64, u64)>,
}

impl LiveMap {
    /// The live range that contains `[address, address + bytes)`.
    pub fn find(&self, address: u64, bytes: u64) -> Option<Range> {
        let end = address.checked_add(bytes)?;
        let i = self.ranges.partition_point(|r| r.start <= address);
        let r = self.ranges[..i].last()?;
        (end <= r.end).then_some(*r)
    }

    /// Says where `address` lies relative to allocations.
    pub fn describe_near(&self, address: u64) -> String {
        if let Some((start, end)) = self.freed.iter().find(|(s, e)| (*s..*e).contains(&address)) {
            return format!(
                "{} bytes into a freed allocation of {} bytes at {start:#x}",
                address - start,
                end - start
            );
        }
        let i = self.ranges.partition_point(|r| r.start <= address);
        let before = self.ranges[..i].last();
        let after = self.ranges.get(i);
        let distance_before = before.map(|r| address.saturating_sub(r.end));
        let distance_after = after.map(|r| r.start - address);
        match (before, after) {
            (Some(b), _) if distance_after.is_none_or(|d| distance_before.is_some_and(|e| e <= d)) => {
                let size = b.end - b.start;
                if address < b.end {
                    format!(
                        "{} bytes into an allocation of {size} bytes at {:#x}, whose end it crosses",
                        address - b.start,
                        b.start
                    )
                } else {
                    format!(
                        "{} bytes past the end of an allocation of {size} bytes at {:#x}",
                        address - b.end,
                        b.start
                    )
                }
            }
            (_, Some(a)) => format!(
                "{} bytes before an allocation of {} bytes at {:#x}",
                a.start - address,
                a.end - a.start,
                a.start
            ),
            _ => "there are no allocations".into(),
        }
    }
}

/// All allocations of the device.
#[derive(Default)]
pub struct Memory {
    live: BTreeMap<u64, Allocation>,
    quarantine: VecDeque<(u64, usize, Option<Backing>)>,
    quarantined: usize,
    map: Option<Arc<LiveMap>>,
    pub used: usize,
}

impl Memory {
    /// Allocates and fills with [`FRESH`]. `None` when the host has no more memory.
    pub fn allocate(&mut self, bytes: usize, kind: Kind) -> Option<u64> {
        let (backing, address) = Backing::new(bytes)?;
        fill(address, bytes, FRESH);
        self.insert(address, bytes, kind, Some(backing));
        Some(address)
    }

    fn insert(&mut self, address: u64, bytes: usize, kind: Kind, backing: Option<Backing>) {
        self.live.insert(address, Allocation { bytes, kind, backing });
        self.used += bytes;
        self.map = None;
    }

    /// Declares existing host memory live.
    pub fn register(&mut self, address: u64, bytes: usize, kind: Kind) {
        self.insert(address, bytes, kind, None);
    }

    /// Ends the life of the allocation that starts at `address`, if there is one of an allowed kind.
    pub fn free(&mut self, address: u64, kinds: &[Kind]) -> bool {
        if !self.live.get(&address).is_some_and(|a| kinds.contains(&a.kind)) {
            return false;
        }
        let a = self.live.remove(&address).expect("just found");
        self.used -= a.bytes;
        self.map = None;
        self.quarantined += a.bytes;
        self.quarantine.push_back((address, a.bytes, a.backing));
        while self.quarantined > QUARANTINE_BYTES {
            let Some((_, bytes, _)) = self.quarantine.pop_front() else { break };
            self.quarantined -= bytes;
        }
        true
    }

    /// The allocation that starts at `address`.
    pub fn get(&self, address: u64) -> Option<(usize, Kind)> {
        self.live.get(&address).map(|a| (a.bytes, a.kind))
    }

    /// The live ranges now.
    pub fn live_map(&mut self) -> Arc<LiveMap> {
        if let Some(m) = &self.map {
            return m.clone();
        }
        let map = Arc::new(LiveMap {
            ranges: self
                .live
                .iter()
                .map(|(&start, a)| Range { start, end: start + a.bytes as u64, kind: a.kind })
                .collect(),
            freed: self
                .quarantine
                .iter()
                .rev()
                .take(NAMED_FREED)
                .map(|(s, n, _)| (*s, s + *n as u64))
                .collect(),
        });
        self.map = Some(map.clone());
        map
    }

    /// The live range that contains `[address, address + bytes)`.
    pub fn find(&self, address: u64, bytes: u64) -> Option<Range> {
        let (&start, a) = self.live.range(..=address).next_back()?;
        let end = start + a.bytes as u64;
        (address.checked_add(bytes)? <= end).then_some(Range { start, end, kind: a.kind })
    }

    /// Number of live allocations of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.live.values().filter(|a| a.kind == kind).count()
    }
}

/// Memory of a graph's allocation node: its address exists as long as the graph, its life begins and ends at launches.
pub struct Reserved {
    backing: Option<Backing>,
    pub address: u64,
    pub bytes: usize,
}

impl Reserved {
    pub fn new(bytes: usize) -> Option<Reserved> {
        let (backing, address) = Backing::new(bytes)?;
        Some(Reserved { backing: Some(backing), address, bytes })
    }

    /// Leaves the memory to live allocations that outlast the graph.
    pub fn leak(&mut self) {
        std::mem::forget(self.backing.take());
    }
}

/// Fills memory that the caller knows to be there.
pub fn fill(address: u64, bytes: usize, value: u8) {
    // SAFETY: the callers pass live allocations.
    unsafe { std::ptr::write_bytes(address as *mut u8, value, bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_exact_and_freed_memory_is_dead() {
        let mut m = Memory::default();
        let a = m.allocate(100, Kind::Device).unwrap();
        assert!(m.find(a, 100).is_some());
        assert!(m.find(a, 101).is_none());
        assert!(m.find(a + 99, 1).is_some());
        assert!(m.find(a - 1, 1).is_none());
        assert!(
            m.live_map()
                .describe_near(a + 103)
                .contains("3 bytes past the end of an allocation of 100 bytes")
        );
        assert!(m.free(a, &[Kind::Device]));
        assert!(!m.free(a, &[Kind::Device]));
        assert!(m.live_map().find(a, 1).is_none());
        assert!(m.live_map().describe_near(a + 4).contains("freed"));
    }
}
