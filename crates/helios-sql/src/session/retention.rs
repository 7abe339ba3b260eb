//! How long replaced rows stay readable.
//!
//! The store keeps one horizon for all branches, so it keeps for as long as the branch that wants
//! the longest: a branch says so by its option `retention_period`.

use std::time::Duration;

use helios_base::Interval;
use helios_version::Store;

/// The branch option.
const OPTION: &str = "retention_period";

/// Tells the store to keep what every branch wants kept; `base` is for those that do not say.
pub(super) fn keep(store: &Store, base: Duration) {
    let wanted = store.branches().into_iter().map(|branch| {
        let option = branch.options.iter().find(|(name, _)| name == OPTION);
        let interval =
            option.and_then(|(_, text)| helios_base::datetime::parse_interval(text).ok());
        interval.map_or(base, |interval| length(&interval))
    });
    store.set_retention(wanted.max().unwrap_or(base));
}

/// An interval as a length of time; months have 30 days, as in PostgreSQL.
pub(super) fn length(interval: &Interval) -> Duration {
    let days = i64::from(interval.months) * 30 + i64::from(interval.days);
    let micros = days
        .saturating_mul(86_400_000_000)
        .saturating_add(interval.micros);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use helios_base::BranchId;
    use helios_version::{BranchSpec, Options, Store};

    // Guards against a branch that shortens what another one promised.
    #[test]
    fn the_longest_promise_counts() -> helios_base::Result<()> {
        let store = Store::open_in_memory(Options {
            background: false,
            ..Options::default()
        })?;
        let option = |text: &str| vec![("retention_period".to_owned(), text.to_owned())];
        let day = Duration::from_secs(86_400);
        let retention = |base| {
            super::keep(&store, base);
            store.retention()
        };
        assert_eq!(retention(day), day);
        store.create_branch(BranchSpec {
            name: "long".into(),
            options: option("1 mon 2 days"),
            ..BranchSpec::default()
        })?;
        store.create_branch(BranchSpec {
            name: "short".into(),
            options: option("1 second"),
            ..BranchSpec::default()
        })?;
        assert_eq!(retention(day), day * 32);
        store.alter_branch(BranchId::MAIN, "main", option("3 mons"))?;
        assert_eq!(retention(day), day * 90);
        Ok(())
    }
}
