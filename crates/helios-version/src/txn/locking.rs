//! How a transaction locks rows, keys and tables, and learns what others did to them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use helios_base::{Error, Result, Scn, SqlState, TableId};

use super::held::Held;
use super::{FOREVER, Isolation, Locked, Txn, Vacancy, over};
use crate::cache::Newest;
use crate::cold::KeyTrail;
use crate::lock::manager::{LockKey, Outcome, Patience};
use crate::lock::mode::Mode;
use crate::lock::{LockMode, TableLock, Wait};
use crate::row::RowVersion;
use crate::snapshot::Read;
use crate::writes::Own;

impl Txn {
    /// Locks a row until the end of the transaction, whether it exists or not. `None` if it is
    /// locked and `wait` says to skip.
    ///
    /// # Errors
    /// 40P01 deadlock, 55P03 not available, 57014 cancelled. REPEATABLE READ and SERIALIZABLE: 40001
    /// when the row changed after the snapshot, except with [`LockMode::KeyShare`].
    pub fn lock_row(
        &self,
        table: TableId,
        pk: &[u8],
        mode: LockMode,
        wait: Wait,
    ) -> Result<Option<Locked>> {
        let locked = self.lock_and_look(table, pk, mode, wait)?;
        Ok(locked.map(|(locked, _)| locked))
    }

    /// As [`Txn::lock_row`] for the key of a new row.
    ///
    /// # Errors
    /// As [`Txn::lock_row`].
    pub fn vacancy(&self, table: TableId, pk: &[u8]) -> Result<Vacancy> {
        crate::writes::check_key(pk)?;
        let locked = self.lock_and_look(table, pk, LockMode::NoKeyUpdate, Wait::Block)?;
        Ok(match locked {
            Some((_, true)) => Vacancy::Vacant,
            Some((locked, _)) if locked.latest.is_none() => Vacancy::Left,
            _ => Vacancy::Taken,
        })
    }

    /// Takes the whole table of rows for this transaction if nobody else is in it: nobody else locks or writes one of
    /// its rows from then on. False if somebody is.
    ///
    /// # Errors
    /// 25P01 when the transaction is over.
    pub fn take_whole(&self, table: TableId) -> Result<bool> {
        let mut held = self.held.lock();
        if self.state.lock().over {
            return Err(over());
        }
        Ok(held.table(table).covers_rows(LockMode::Update) || self.try_whole(&mut held, table))
    }

    fn try_whole(&self, held: &mut Held, table: TableId) -> bool {
        let key = LockKey::table(self.options.branch, table.0);
        let exclusive = Mode::from(TableLock::Exclusive);
        let outcome = self.core.locks.try_lock(self.owner.number, key, exclusive);
        let Some(outcome) = outcome else {
            return false;
        };
        held.note(key, outcome);
        held.table(table)
            .add(TableLock::Exclusive, self.core.published());
        true
    }

    /// Locks a row; says also whether nothing at all is known of the key: no own write, no version on the own branch,
    /// nothing inherited.
    fn lock_and_look(
        &self,
        table: TableId,
        pk: &[u8],
        mode: LockMode,
        wait: Wait,
    ) -> Result<Option<(Locked, bool)>> {
        let mut held = self.held.lock();
        if !self.take_row(&mut held, table, pk, mode, wait)? {
            return Ok(None);
        }
        let own = self.own(table, pk)?;
        if own.is_none() && held.in_gap(table, pk) {
            held.remember(table, pk, mode, true);
            let locked = Locked {
                latest: None,
                changed_since_snapshot: false,
            };
            return Ok(Some((locked, true)));
        }
        let (row, newest) = self.newest(&mut held, table, pk)?;
        let changed = self.changed(&newest)?;
        if changed && mode != LockMode::KeyShare {
            self.refuse_changed(&newest)?;
        }
        held.remember(table, pk, mode, newest.is_absent());
        let is_vacant = own.is_none() && row.is_none() && newest.is_absent();
        let latest = match own {
            Some(Own::Put(row)) => Some(RowVersion {
                begin: Scn::MAX,
                row,
            }),
            Some(Own::Delete) => None,
            None => row,
        };
        let locked = Locked {
            latest,
            changed_since_snapshot: changed,
        };
        Ok(Some((locked, is_vacant)))
    }

    /// As [`Txn::lock_row`] for a key under which the running statement's view has the row `seen`, or none: it
    /// is looked at again only if it may have changed since the statement began. That is so if anything was
    /// committed meanwhile, unless this transaction had the whole table to itself before.
    ///
    /// # Errors
    /// As [`Txn::lock_row`].
    pub fn lock_seen(
        &self,
        table: TableId,
        pk: &[u8],
        seen: Option<RowVersion>,
        mode: LockMode,
        wait: Wait,
    ) -> Result<Option<Locked>> {
        {
            let mut held = self.held.lock();
            if !self.take_row(&mut held, table, pk, mode, wait)? {
                return Ok(None);
            }
            // Whoever changed the row had its lock until the change was published.
            let view = self.state.lock().view.as_ref().map(Read::scn);
            let alone = held.table(table).alone_since(mode);
            let same = |view| view == self.core.published() || alone.is_some_and(|at| at <= view);
            if view.is_some_and(same) {
                held.remember(table, pk, mode, false);
                return Ok(Some(Locked {
                    latest: seen,
                    changed_since_snapshot: false,
                }));
            }
        }
        self.lock_row(table, pk, mode, wait)
    }

    /// Whether a key has a row, own or newest committed. If so nobody else takes it away, or gives it another key,
    /// until this transaction ends: its row is locked (`KeyShare`) unless it is an own write. The row itself is
    /// not read, which segments make cheaper by far.
    ///
    /// # Errors
    /// As [`Txn::lock_row`], never 40001.
    pub fn share_key(&self, table: TableId, pk: &[u8]) -> Result<bool> {
        self.share(table, pk, None)
    }

    /// As [`Txn::share_key`] for who asks for many keys of one table in ascending order, with a trail that is empty at
    /// first.
    ///
    /// # Errors
    /// As [`Txn::share_key`].
    pub fn share_next_key(&self, table: TableId, pk: &[u8], trail: &mut KeyTrail) -> Result<bool> {
        self.share(table, pk, Some(trail))
    }

    fn share(&self, table: TableId, pk: &[u8], mut trail: Option<&mut KeyTrail>) -> Result<bool> {
        match self.own(table, pk)? {
            Some(Own::Put(_)) => return Ok(true),
            Some(Own::Delete) => return Ok(false),
            None => {}
        }
        let mut held = self.held.lock();
        if held.in_gap(table, pk) {
            return Ok(false);
        }
        let looked = self.core.published();
        if !self.has_row(table, pk, trail.as_deref_mut())? {
            return Ok(false);
        }
        self.take_row(&mut held, table, pk, LockMode::KeyShare, Wait::Block)?;
        held.remember(table, pk, LockMode::KeyShare, false);
        // Who took it away before this lock has published that since.
        if looked == self.core.published() {
            return Ok(true);
        }
        self.has_row(table, pk, trail)
    }

    /// Whether a key has a committed row, own branch and ancestors.
    fn has_row(&self, table: TableId, pk: &[u8], trail: Option<&mut KeyTrail>) -> Result<bool> {
        let branch = self.options.branch;
        if let Some(found) = self.core.has_row(branch, table, pk, trail)? {
            return Ok(found);
        }
        let (_, ancestors) = self.core.links(branch, Scn::MAX)?;
        Ok(match ancestors.split_first() {
            Some((first, rest)) => self.core.get(*first, rest, table, pk)?.is_some(),
            None => false,
        })
    }

    /// Whether the newest version is younger than the statement's snapshot.
    pub(super) fn changed(&self, newest: &Newest) -> Result<bool> {
        let state = self.state.lock();
        if let Some(view) = &state.view {
            return Ok(newest.begin() > view.scn());
        }
        drop(state);
        Ok(newest.begin() > self.statement()?.scn())
    }

    /// First updater wins.
    pub(super) fn refuse_changed(&self, newest: &Newest) -> Result<()> {
        if self.options.isolation == Isolation::ReadCommitted {
            return Ok(());
        }
        let what = match newest {
            Newest::Row(..) | Newest::Cold(..) => "update",
            _ => "delete",
        };
        Err(Error::new(
            SqlState::SERIALIZATION_FAILURE,
            format!("could not serialize access due to concurrent {what}"),
        ))
    }

    pub(super) fn patience(&self, wait: Wait) -> Patience<'_> {
        Patience {
            wait,
            timeout: match self.lock_timeout.load(Ordering::Relaxed) {
                FOREVER => None,
                micros => Some(Duration::from_micros(micros)),
            },
            cancel: &self.options.cancel,
        }
    }

    pub(super) fn take(
        &self,
        held: &mut Held,
        key: LockKey,
        mode: Mode,
        wait: Wait,
    ) -> Result<Outcome> {
        let outcome = self
            .core
            .locks
            .lock(&self.owner, key, mode, &self.patience(wait))?;
        held.note(key, outcome);
        Ok(outcome)
    }

    pub(super) fn take_table(
        &self,
        held: &mut Held,
        table: TableId,
        mode: TableLock,
        wait: Wait,
    ) -> Result<bool> {
        if held.table(table).has(mode) {
            return Ok(true);
        }
        let key = LockKey::table(self.options.branch, table.0);
        if self.take(held, key, mode.into(), wait)? == Outcome::Skipped {
            return Ok(false);
        }
        held.table(table).add(mode, self.core.published());
        Ok(true)
    }

    pub(super) fn take_row(
        &self,
        held: &mut Held,
        table: TableId,
        pk: &[u8],
        mode: LockMode,
        wait: Wait,
    ) -> Result<bool> {
        if self.state.lock().over {
            return Err(over());
        }
        let intent = if mode >= LockMode::NoKeyUpdate {
            TableLock::RowExclusive
        } else {
            TableLock::RowShare
        };
        if !self.take_table(held, table, intent, wait)? {
            return Ok(false);
        }
        if held.table(table).covers_rows(mode) {
            return Ok(true);
        }
        if held.table(table).wants_whole() {
            // Many row locks cost memory.
            if self.try_whole(held, table) {
                return Ok(true);
            }
        }
        let key = LockKey::row(self.options.branch, table.0, pk);
        let outcome = self.take(held, key, mode.into(), wait)?;
        if outcome == Outcome::New {
            held.table(table).rows += 1;
        }
        Ok(outcome != Outcome::Skipped)
    }

    /// Locks a key of a space numbered by the layer above (an index, a name). False if it is locked
    /// and `wait` says to skip.
    ///
    /// # Errors
    /// As [`Txn::lock_row`], never 40001.
    pub fn lock_key(&self, space: u32, key: &[u8], mode: LockMode, wait: Wait) -> Result<bool> {
        let mut held = self.held.lock();
        if self.state.lock().over {
            return Err(over());
        }
        let key = LockKey::key(self.options.branch, space, key);
        Ok(self.take(&mut held, key, mode.into(), wait)? != Outcome::Skipped)
    }

    /// Locks a table on this branch. False if it is locked and `wait` says to skip.
    ///
    /// # Errors
    /// As [`Txn::lock_key`].
    pub fn lock_table(&self, table: TableId, mode: TableLock, wait: Wait) -> Result<bool> {
        let mut held = self.held.lock();
        if self.state.lock().over {
            return Err(over());
        }
        self.take_table(&mut held, table, mode, wait)
    }
}
