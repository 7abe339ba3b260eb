//! Looking up single keys in the cold level.

use bytes::Bytes;
use helios_base::{BranchId, Result, Scn, TableId};

use super::KeyTrail;
use crate::branch::Link;
use crate::core::Core;
use crate::row::ShowRow;

impl Core {
    /// The cold row with this key on one branch.
    pub(crate) fn cold_row(
        &self,
        table: TableId,
        branch: BranchId,
        pk: &[u8],
    ) -> Result<Option<(Scn, Bytes)>> {
        let mut found = None;
        self.show_cold(table, branch, pk, &mut |row| {
            found = Some((row.begin, Bytes::copy_from_slice(row.row)));
            Ok(())
        })?;
        Ok(found)
    }

    /// Shows the cold row with this key on one branch; false if there is none.
    pub(crate) fn show_cold(
        &self,
        table: TableId,
        branch: BranchId,
        pk: &[u8],
        visit: &mut ShowRow<'_>,
    ) -> Result<bool> {
        let Some(level) = self.cold.level(table, branch) else {
            return Ok(false);
        };
        for part in level.covering(pk) {
            let rows = self.cold.rows(part)?;
            if rows.show(pk, part.info.adopted, visit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a reader finds the key in a segment of the branch if nothing shadows it. Who looks for ascending keys has a
    /// trail.
    pub(crate) fn cold_stands(
        &self,
        table: TableId,
        branch: BranchId,
        pk: &[u8],
        mut trail: Option<&mut KeyTrail>,
    ) -> Result<bool> {
        let Some(level) = self.cold.level(table, branch) else {
            return Ok(false);
        };
        for part in level.covering(pk) {
            let rows = self.cold.rows(part)?;
            let place = match &mut trail {
                Some(trail) => trail.find(part.info.id, &**rows, pk)?,
                None => rows.find(pk)?,
            };
            if place.is_some_and(|at| at < part.info.adopted) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As [`Core::cold_stands`]. If that cannot be told, it does.
    pub(crate) fn cold_shows(&self, table: TableId, branch: BranchId, pk: &[u8]) -> bool {
        self.cold_stands(table, branch, pk, None).unwrap_or(true)
    }

    /// Whether a segment of the branch may have the key, adopted or not; reads none.
    #[inline]
    pub(crate) fn cold_covers(&self, table: TableId, branch: BranchId, pk: &[u8]) -> bool {
        match self.cold.level(table, branch) {
            Some(level) => level.covering(pk).next().is_some(),
            None => false,
        }
    }

    /// Whether the branch has the key in a segment, adopted or not, or may soon have. If that cannot be told,
    /// it has.
    pub(crate) fn cold_has(&self, table: TableId, branch: BranchId, pk: &[u8]) -> bool {
        let Some(level) = self.cold.level(table, branch) else {
            return false;
        };
        if level.freezing > 0 {
            return true;
        }
        level.covering(pk).any(|part| {
            let place = self.cold.rows(part).and_then(|rows| rows.find(pk));
            !matches!(place, Ok(None))
        })
    }

    /// Whether any of these branches has, or is making, segments of the table.
    #[inline]
    pub(crate) fn cold_on(&self, table: TableId, mut links: impl Iterator<Item = Link>) -> bool {
        self.cold.in_use() && links.any(|link| self.cold.level(table, link.branch).is_some())
    }
}
