//! Reading the past: the moments of a statement, as its session finds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn, SqlState, Value};
use helios_expr::{EvalContext, Expr};
use helios_table::Catalog;
use helios_version::{Branch, Snapshot, Store};

use super::run::Sight;
use super::{Session, clock};
use crate::bind::Past;
use crate::plan::{AsOf, Bound, Point};
use crate::row::{Look, Looks, scn_at, snapshot_branch};

/// A session that looks at the past for one statement.
pub(super) struct Looking<'a> {
    pub(super) session: &'a Session,
    pub(super) sight: &'a Sight,
    /// The values of the statement's parameters, as far as they are known.
    pub(super) params: Option<&'a [Value]>,
}

impl Past for Looking<'_> {
    fn catalog(&self, at: &AsOf) -> Result<Arc<Catalog>> {
        self.look(at).map(|look| look.catalog)
    }
}

impl Looking<'_> {
    /// What there is at a moment; where it depends on parameters without values, what the
    /// statement itself sees on that branch.
    pub(super) fn look(&self, at: &AsOf) -> Result<Look> {
        let tables = &self.session.engine.shared.tables;
        Ok(match self.other(at)? {
            Some(snapshot) => Look {
                catalog: tables.catalog(&snapshot)?,
                reader: Arc::new(snapshot),
            },
            None => Look {
                reader: self.sight.reader.clone(),
                catalog: self.sight.catalog.clone(),
            },
        })
    }

    /// A moment as a snapshot, without own writes.
    pub(super) fn snapshot(&self, at: &AsOf) -> Result<Snapshot> {
        let store = self.session.engine.shared.tables.store();
        match self.other(at)? {
            Some(snapshot) => Ok(snapshot),
            None => store.snapshot(self.sight.reader.branch(), Some(self.sight.reader.scn())),
        }
    }

    /// The snapshot of a moment; `None` for the statement's own.
    fn other(&self, at: &AsOf) -> Result<Option<Snapshot>> {
        let store = self.session.engine.shared.tables.store();
        let own = &self.sight.reader;
        let (pinned, scn) = match &at.point {
            Some(point) => self.scn(point)?.unzip(),
            None => (None, None),
        };
        let branch = match &at.branch {
            Some(name) => branch_named(store, name)?.id,
            None => pinned.flatten().unwrap_or(own.branch()),
        };
        if branch != own.branch() {
            self.session.state.check_branch_use(branch)?;
        }
        match scn {
            None if branch == own.branch() => Ok(None),
            None => beside(store, branch, own.scn()).map(Some),
            Some(scn) => store.snapshot(branch, Some(scn)).map(Some),
        }
    }

    /// The change number of a moment, and its branch if it names one; `None` if it depends on a
    /// parameter without a value.
    fn scn(&self, point: &Point) -> Result<Option<(Option<BranchId>, Scn)>> {
        let session = self.session;
        let text = session.state.text(clock::now());
        let now = session.clock();
        let mut context = EvalContext {
            transaction_time: now.transaction,
            statement_time: now.statement,
            ..EvalContext::new(&*session.state, &text)
        };
        let mut types = BTreeMap::new();
        point.expr().any(&mut |part| {
            if let Expr::Param { index, ty } = part {
                types.insert(*index, ty.clone());
            }
            false
        });
        let known = self.params.unwrap_or_default();
        let mut params = known.to_vec();
        for (index, ty) in types {
            let Some(value) = params.get_mut(index) else {
                return Ok(None);
            };
            // A first run's values come as the client has them.
            *value = super::run::convert_param(value, &ty, &context)?;
        }
        context.params = &params;
        let store = session.engine.shared.tables.store();
        let branch = snapshot_branch(point, store, &context)?;
        Ok(Some((branch, scn_at(point, store, &context)?)))
    }

    /// What a statement reads at its moments.
    pub(super) fn looks(&self, bound: &Bound) -> Result<Looks> {
        let moments = bound.moments.iter();
        moments.map(|moment| self.look(&moment.at)).collect()
    }

    /// As [`Looking::looks`]; `None` if the statement was bound when something else existed there.
    pub(super) fn looks_if_bound(&self, bound: &Bound) -> Result<Option<Looks>> {
        let looks = self.looks(bound)?;
        let mut pairs = looks.iter().zip(&bound.moments);
        let holds = pairs.all(|(look, moment)| look.catalog.version() == moment.catalog);
        Ok(holds.then_some(looks))
    }
}

/// Another branch at the moment of a statement's own snapshot, so that all its tables are of one
/// moment; the newest if that moment is no longer kept there, or in part only.
fn beside(store: &Store, branch: BranchId, scn: Scn) -> Result<Snapshot> {
    match store.snapshot(branch, Some(scn)) {
        Ok(snapshot) if !snapshot.is_whole() => store.snapshot(branch, None),
        Err(error) if error.sqlstate() == SqlState::SNAPSHOT_TOO_OLD => {
            store.snapshot(branch, None)
        }
        result => result,
    }
}

/// The branch of this name.
///
/// # Errors
/// 42704 with a suggestion.
pub(crate) fn branch_named(store: &Store, name: &str) -> Result<Branch> {
    store.branch(name).ok_or_else(|| {
        let known: Vec<String> = store.branches().into_iter().map(|b| b.name).collect();
        let error = Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("branch \"{name}\" does not exist"),
        );
        match helios_base::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.with_hint(format!("Perhaps you meant the branch \"{near}\".")),
            None => error,
        }
    })
}

/// The point that a named snapshot keeps.
///
/// # Errors
/// 42704 with a suggestion.
pub(crate) fn pin_named(store: &Store, name: &str) -> Result<(BranchId, Scn)> {
    let pins = store.pins();
    if let Some((_, branch, scn)) = pins.iter().find(|(pin, ..)| pin == name) {
        return Ok((*branch, *scn));
    }
    let error = Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("snapshot \"{name}\" does not exist"),
    );
    let known = pins.iter().map(|(pin, ..)| pin.as_str());
    Err(match helios_base::nearest(name, known) {
        Some(near) => error.with_hint(format!("Perhaps you meant the snapshot \"{near}\".")),
        None => error,
    })
}
