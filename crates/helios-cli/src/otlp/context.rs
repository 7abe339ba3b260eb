//! Names of traces and spans: making them, and reading them as clients write them.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Which span of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub trace: u128,
    pub span: u64,
    /// Whether it is sent to a collector.
    pub sampled: bool,
}

/// A number that nobody else has, and that is not 0: a keyed hash of a counter.
fn random() -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let key = KEY.get_or_init(RandomState::new);
    key.hash_one(NEXT.fetch_add(1, Relaxed)).max(1)
}

/// The name of a new span.
pub fn new_span() -> u64 {
    random()
}

/// The name of a new trace.
pub fn new_trace() -> u128 {
    u128::from(random()) << 64 | u128::from(random())
}

impl Context {
    /// Reads a `traceparent` of W3C Trace Context; `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            let part = parts.next()?;
            let good = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let whole = part.len() == length && part.bytes().all(good);
            u128::from_str_radix(part, 16).ok().filter(|_| whole)
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // Later versions may have more parts.
        let ends = parts.next().is_none() || version > 0;
        let context = Self {
            trace,
            span: u64::try_from(span).ok()?,
            sampled: flags & 1 == 1,
        };
        (ends && version != 0xff && context.trace != 0 && context.span != 0).then_some(context)
    }
}

thread_local! {
    /// The spans that the thread is in, innermost last.
    static ENTERED: RefCell<Vec<Context>> = const { RefCell::new(Vec::new()) };
}

/// The thread is in a span from now on.
pub fn enter(context: Context) {
    // Not there while the thread ends.
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            entered.push(context);
        }
    });
}

/// The thread leaves a span.
pub fn exit(context: Context) {
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut()
            && let Some(place) = entered.iter().rposition(|one| *one == context)
        {
            entered.remove(place);
        }
    });
}

/// The span that the thread is in, if it is sent to a collector.
pub fn current() -> Option<Context> {
    let last = ENTERED.try_with(|entered| entered.try_borrow().ok()?.last().copied());
    last.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_as_the_standard_says() {
        let id = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        let read = Context::parse(&format!("00-{id}-01")).unwrap();
        assert_eq!(format!("{:032x}-{:016x}", read.trace, read.span), id);
        assert!(read.sampled);
        assert!(!Context::parse(&format!("00-{id}-00")).unwrap().sampled);
        assert!(Context::parse(&format!("01-{id}-01-more")).is_some());
        let zeros = "0".repeat(16);
        for bad in [
            format!("00-{id}-01-more"),
            format!("ff-{id}-01"),
            format!("00-{id}"),
            format!("00-{}-01", id.to_ascii_uppercase()),
            format!("00-{zeros}{zeros}-b7ad6b7169203331-01"),
            format!("00-0af7651916cd43dd8448eb211c80319c-{zeros}-01"),
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            String::new(),
        ] {
            assert_eq!(Context::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_new() {
        let names: std::collections::HashSet<u64> = (0..10_000).map(|_| new_span()).collect();
        assert_eq!(names.len(), 10_000);
        assert_ne!(new_trace(), new_trace());
    }
}
