//! Time that passed and time that processors worked.

use std::time::{Duration, Instant};

/// Ticks a second in `/proc/self/stat`, which Linux has promised since its first years.
const TICKS: u64 = 100;

/// Time that passed since a start, and what all threads of this process worked meanwhile.
pub struct Clock {
    started: Instant,
    worked: Option<Duration>,
}

/// What a [`Clock`] showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// Time that passed.
    pub wall: Duration,
    /// Processor time, in steps of 10 ms; `None` where the system does not tell.
    pub cpu: Option<Duration>,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            worked: worked(),
            started: Instant::now(),
        }
    }

    pub fn stop(&self) -> Took {
        let wall = self.started.elapsed();
        let cpu = match (self.worked, worked()) {
            (Some(before), Some(after)) => Some(after.saturating_sub(before)),
            _ => None,
        };
        Took { wall, cpu }
    }
}

/// Processor time of this process so far.
fn worked() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}

/// The middle of the numbers.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let clock = Clock::start();
        let mut sum = 0_u64;
        while clock.started.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let took = clock.stop();
        assert!(took.wall >= Duration::from_millis(60));
        assert!(took.cpu.is_none_or(|cpu| cpu <= took.wall * 4));
    }
}
