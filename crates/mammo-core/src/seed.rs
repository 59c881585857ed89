use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};

/// A reproducible stream of random numbers (ChaCha8, the same on every machine).
pub type Stream = ChaCha8Rng;

/// The one number that a whole experiment is drawn from.
///
/// Every draw comes from a stream with a name, so that adding draws in one place changes nothing in another, and
/// from an index where work is done in parallel or resumed: step 900 can be drawn without drawing steps 0 to 899.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream called `name`.
    pub fn stream(self, name: &str) -> Stream {
        self.stream_at(name, 0)
    }

    /// The stream called `name`, number `index` (a step, a patient, an image).
    pub fn stream_at(self, name: &str, index: u64) -> Stream {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..24].copy_from_slice(&fnv1a(name.as_bytes()).to_le_bytes());
        key[24..].copy_from_slice(&(name.len() as u64).to_le_bytes());
        Stream::from_seed(key)
    }

    /// A seed for a part of the experiment that names its own streams.
    #[must_use]
    pub fn derive(self, name: &str) -> Self {
        use rand::RngCore;
        Self(self.stream_at(name, u64::MAX).next_u64())
    }
}

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo): stable across Rust versions, which std's hasher is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn streams_differ_by_name_index_and_seed_and_are_stable() {
        let first = |seed: u64, name: &str, index| Seed(seed).stream_at(name, index).next_u64();
        assert_eq!(first(1, "a", 0), first(1, "a", 0));
        assert_ne!(first(1, "a", 0), first(1, "b", 0));
        assert_ne!(first(1, "a", 0), first(1, "a", 1));
        assert_ne!(first(1, "a", 0), first(2, "a", 0));
        // FNV-1a test vector from the authors' list.
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
