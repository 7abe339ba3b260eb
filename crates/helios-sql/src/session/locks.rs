//! `LOCK TABLE`.

use helios_base::{Error, Result, SqlState};
use helios_version::{TableLock, Wait};

use super::Session;
use super::run::Sight;
use crate::plan::TableRef;

impl Session {
    pub(super) fn lock_tables(
        &mut self,
        sight: &Sight,
        tables: &[TableRef],
        mode: &str,
        no_wait: bool,
    ) -> Result<()> {
        let Some(txn) = &sight.txn else {
            return Err(Error::internal("LOCK TABLE without transaction"));
        };
        if self.current.as_ref().is_none_or(|current| current.implicit) {
            return Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "LOCK TABLE can only be used in transaction blocks",
            ));
        }
        let mode = match mode {
            "ACCESS SHARE" => TableLock::AccessShare,
            "ROW SHARE" => TableLock::RowShare,
            "ROW EXCLUSIVE" => TableLock::RowExclusive,
            "SHARE UPDATE EXCLUSIVE" => TableLock::ShareUpdateExclusive,
            "SHARE" => TableLock::Share,
            "SHARE ROW EXCLUSIVE" => TableLock::ShareRowExclusive,
            "EXCLUSIVE" => TableLock::Exclusive,
            _ => TableLock::AccessExclusive,
        };
        let wait = if no_wait { Wait::NoWait } else { Wait::Block };
        for table in tables {
            txn.txn().lock_table(table.id, mode, wait)?;
        }
        Ok(())
    }
}
