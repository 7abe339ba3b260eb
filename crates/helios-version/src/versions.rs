//! All stored versions of the rows of a table, key by key.
//!
//! Every key of a branch stands in `Current`, perhaps as a tombstone, or in a segment, so walking both of each
//! link of the chain meets every key that has versions.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{Result, Scn, TableId};
use helios_kv::{Cursor, Keyspace, KvSnapshot};

use crate::branch::Link;
use crate::core::Core;
use crate::cursor::{ColdRun, Guard};
use crate::keys::{ObjectRange, PREFIX, prefix};
use crate::row::{Bounds, Version};

/// The keys of a table in order, each with its versions; see
/// [`Snapshot::versions`](crate::Snapshot::versions).
///
/// Lives on its own: the snapshot it came from may go.
pub struct VersionCursor {
    core: Arc<Core>,
    table: TableId,
    since: Scn,
    first: Link,
    rest: Arc<[Link]>,
    sources: Vec<Source>,
    _guard: Guard,
}

/// The keys of one branch.
struct Source {
    keys: Keys,
    /// The key it stands on, without prefix.
    head: Option<Vec<u8>>,
}

/// Where they are.
enum Keys {
    Current(Box<dyn Cursor>),
    Cold(Box<ColdRun>),
}

impl Source {
    /// Stands on its first key.
    fn new(keys: Keys) -> Result<Self> {
        let mut source = Self { keys, head: None };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<()> {
        self.head = match &mut self.keys {
            Keys::Current(cursor) => {
                let entry = cursor.next()?;
                entry.map(|(key, _)| key.get(PREFIX..).unwrap_or_default().to_vec())
            }
            Keys::Cold(run) => match run.step()? {
                true => run.row().map(|row| row.pk.to_vec()),
                false => None,
            },
        };
        Ok(())
    }
}

impl VersionCursor {
    pub(crate) fn new(
        core: &Arc<Core>,
        (first, rest): (Link, Arc<[Link]>),
        table: TableId,
        range: Bounds<'_>,
        since: Scn,
        guard: Guard,
    ) -> Result<Self> {
        let stamp = core.cold.stamp();
        let kv = core.kv.snapshot();
        let mut sources = Vec::with_capacity(1 + rest.len());
        for link in std::iter::once(&first).chain(rest.iter()) {
            let keys = ObjectRange::new(table.0, link.branch, range);
            let current = kv.scan(Keyspace::Current, keys.bounds(), false)?;
            sources.push(Source::new(Keys::Current(current))?);
            if let Some(level) = core.cold.level(table, link.branch) {
                for run in ColdRun::of(core, &level, link.scn, range, false) {
                    sources.push(Source::new(Keys::Cold(Box::new(run)))?);
                }
            }
        }
        if !core.cold.is_still(stamp) {
            return Self::new(core, (first, rest), table, range, since, guard);
        }
        Ok(Self {
            core: Arc::clone(core),
            table,
            since,
            first,
            rest,
            sources,
            _guard: guard,
        })
    }

    /// The next key with the versions that some reader at or after the cursor's start, up to the
    /// snapshot, sees; newest first, with deletions between them and the version that the oldest
    /// deletion ended.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    #[allow(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<Version>)>> {
        loop {
            let heads = self
                .sources
                .iter()
                .filter_map(|source| source.head.as_ref());
            let Some(key) = heads.min() else {
                return Ok(None);
            };
            let key = key.clone();
            for source in &mut self.sources {
                if source.head.as_ref() == Some(&key) {
                    source.advance()?;
                }
            }
            let mut versions = self
                .core
                .history(self.first, &self.rest, self.table, &key)?;
            let since = self.since;
            let seen = |version: &Version| version.end.is_none_or(|end| end > since);
            let mut keep = versions.iter().take_while(|version| seen(version)).count();
            // What a deletion ended is what it tells of.
            if keep > 0
                && versions
                    .get(keep - 1)
                    .is_some_and(|v| v.row.is_none() && v.begin >= since)
            {
                keep += 1;
            }
            versions.truncate(keep);
            if !versions.is_empty() {
                return Ok(Some((key, versions)));
            }
        }
    }
}

/// The newest commit seen by the links that wrote any of `tables`.
pub(crate) fn last_change(
    kv: &dyn KvSnapshot,
    links: impl Iterator<Item = Link> + Clone,
    tables: &[TableId],
) -> Result<Option<Scn>> {
    let mut newest = None;
    for table in tables {
        for link in links.clone() {
            let from = prefix(table.0, link.branch);
            let mut upto = from.to_vec();
            upto.extend_from_slice(&link.scn.0.to_be_bytes());
            upto.extend_from_slice(&u32::MAX.to_be_bytes());
            let range = (Bound::Included(&from[..]), Bound::Included(&upto[..]));
            let mut cursor = kv.scan(Keyspace::Changes, range, true)?;
            if let Some((key, _)) = cursor.next()? {
                let (.., scn) = crate::changes::split_key(key)?;
                newest = newest.max(Some(scn));
            }
        }
    }
    Ok(newest)
}
