//! Detection of unsynchronised use of shared memory by two threads of a block.

/// The moment of an access: block-wide barriers and warp-wide synchronisations passed, and the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub epoch: u32,
    pub warp_epoch: u32,
    pub thread: u32,
}

const NEVER: Moment = Moment { epoch: u32::MAX, warp_epoch: 0, thread: u32::MAX };

impl Moment {
    /// Whether nothing orders two accesses.
    fn conflicts(self, other: Moment) -> bool {
        self.thread != other.thread
            && self.epoch == other.epoch
            && (self.thread / 32 != other.thread / 32 || self.warp_epoch == other.warp_epoch)
    }
}

/// The last write and the last read of every byte.
pub struct Races {
    bytes: Vec<(Moment, Moment)>,
}

impl Races {
    pub fn new(len: usize) -> Self {
        Races { bytes: vec![(NEVER, NEVER); len] }
    }

    pub fn clear(&mut self) {
        self.bytes.fill((NEVER, NEVER));
    }

    /// Notes a load; returns the writer it races with.
    pub fn load(&mut self, at: usize, len: usize, now: Moment) -> Option<u32> {
        let mut conflict = None;
        for (write, read) in &mut self.bytes[at..at + len] {
            if write.epoch != u32::MAX && write.conflicts(now) {
                conflict = Some(write.thread);
            }
            *read = now;
        }
        conflict
    }

    /// Notes a store; returns the thread it races with. Two stores of the same value do not count.
    pub fn store(&mut self, at: usize, len: usize, now: Moment, same_value: bool) -> Option<u32> {
        let mut conflict = None;
        for (write, read) in &mut self.bytes[at..at + len] {
            if !same_value && write.epoch != u32::MAX && write.conflicts(now) {
                conflict = Some(write.thread);
            }
            if !same_value && read.epoch != u32::MAX && read.conflicts(now) {
                conflict = Some(read.thread);
            }
            *write = now;
        }
        conflict
    }
}
