use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Wrong codes before an account must wait.
const FREE: u32 = 5;
/// How long it must wait.
const WAIT: Duration = Duration::from_mins(1);
/// Names that are remembered; beyond, the oldest are forgotten, so that memory is bounded.
const REMEMBERED: usize = 10_000;

/// Counts wrong codes by name.
#[derive(Default)]
pub(super) struct Throttle {
    failures: Mutex<BTreeMap<String, (u32, Instant)>>,
}

impl Throttle {
    /// How long `name` must wait before another try.
    pub(super) fn wait(&self, name: &str, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (count, last) = failures.get(name)?;
        let left = (*last + WAIT).checked_duration_since(now)?;
        (*count >= FREE && !left.is_zero()).then_some(left)
    }

    /// Notes how a try ended.
    pub(super) fn note(&self, name: &str, opened: bool, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if opened {
            failures.remove(name);
            return;
        }
        if failures.len() >= REMEMBERED && !failures.contains_key(name) {
            failures.retain(|_, (_, last)| now.saturating_duration_since(*last) < WAIT);
            let oldest = failures.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone());
            if failures.len() >= REMEMBERED
                && let Some(oldest) = oldest
            {
                failures.remove(&oldest);
            }
        }
        let entry = failures.entry(name.to_owned()).or_insert((0, now));
        if now.saturating_duration_since(entry.1) >= WAIT {
            entry.0 = 0;
        }
        *entry = (entry.0 + 1, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_codes_cost_a_minute_and_a_right_one_forgives() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for _ in 0..4 {
            throttle.note("ann", false, now);
        }
        assert_eq!(throttle.wait("ann", now), None);
        throttle.note("ann", false, now);
        assert!(throttle.wait("ann", now).is_some() && throttle.wait("ben", now).is_none());
        assert_eq!(throttle.wait("ann", now + WAIT), None);
        throttle.note("ann", true, now);
        assert_eq!(throttle.wait("ann", now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for i in 0..REMEMBERED + 50 {
            throttle.note(&i.to_string(), false, now);
        }
        assert_eq!(throttle.failures.lock().unwrap().len(), REMEMBERED);
    }
}
