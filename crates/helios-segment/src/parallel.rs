//! The same for many things, several at a time.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `one` makes of each number below `count`, in their order, by up to so many threads, of which the caller's is one.
///
/// Who is free takes the next number: things may take different times.
pub fn in_parallel<T: Send>(
    count: usize,
    threads: usize,
    one: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                number if number < count => made.push((number, one(number))),
                _ => return made,
            }
        }
    };
    let mut made = thread::scope(|scope| {
        let others = threads.min(count).saturating_sub(1);
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_made_once_and_in_order() {
        for (count, threads) in [(0, 3), (1, 0), (1, 4), (100, 1), (100, 3)] {
            let made = in_parallel(count, threads, |number| number * 2);
            let wanted: Vec<usize> = (0..count).map(|number| number * 2).collect();
            assert_eq!(made, wanted, "{count} by {threads}");
        }
    }
}
