//! What a merge has to do about each object of one kind.

use std::sync::Arc;

use helios_base::Result;
use serde::Serialize;

use crate::catalog::{Catalog, Change, codec};

/// The definitions of the merge base and of both branches.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) base: &'a Catalog,
    pub(super) source: &'a Catalog,
    pub(super) target: &'a Catalog,
}

/// What became of an object that is not alike on both branches.
pub(super) enum Event<D> {
    /// The source alone made it or changed it; whether the target knows it.
    Put { def: Arc<D>, known: bool },
    /// The source alone dropped it; the target's definition.
    Gone(Arc<D>),
    /// Both branches changed it, or one dropped what the other changed.
    Both(Three<D>),
}

/// An object's three definitions.
pub(super) struct Three<D> {
    pub(super) base: Option<Arc<D>>,
    pub(super) source: Option<Arc<D>>,
    pub(super) target: Option<Arc<D>>,
}

impl<D> Three<D> {
    /// A definition that is there.
    pub(super) fn any(&self) -> Option<&D> {
        let found = self.source.as_ref().or(self.target.as_ref());
        found.or(self.base.as_ref()).map(Arc::as_ref)
    }
}

impl<'a> Sides<'a> {
    /// Every number that `ids` finds on one of the sides, once, ascending.
    pub(super) fn union<I: Ord>(&self, ids: impl Fn(&'a Catalog) -> Vec<I>) -> Vec<I> {
        let mut all = ids(self.base);
        all.extend(ids(self.source));
        all.extend(ids(self.target));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The objects that are not as they should be on the target, by number. `of` finds an object,
    /// unless it is one that is not merged.
    ///
    /// # Errors
    /// Those of encoding a definition.
    pub(super) fn events<I: Ord + Copy, D: Serialize>(
        &self,
        ids: impl Fn(&'a Catalog) -> Vec<I>,
        of: impl Fn(&'a Catalog, I) -> Option<Arc<D>>,
    ) -> Result<Vec<(I, Event<D>)>> {
        let mut events = Vec::new();
        for id in self.union(ids) {
            let three = Three {
                base: of(self.base, id),
                source: of(self.source, id),
                target: of(self.target, id),
            };
            if let Some(event) = judge(three)? {
                events.push((id, event));
            }
        }
        Ok(events)
    }
}

/// What one object needs, if anything.
fn judge<D: Serialize>(three: Three<D>) -> Result<Option<Event<D>>> {
    let (base, source, target) = (&three.base, &three.source, &three.target);
    if same(base, source)? || same(source, target)? {
        return Ok(None);
    }
    if !same(base, target)? {
        return Ok(Some(Event::Both(three)));
    }
    Ok(match (three.source, three.target) {
        (Some(def), target) => Some(Event::Put {
            def,
            known: target.is_some(),
        }),
        (None, Some(def)) => Some(Event::Gone(def)),
        (None, None) => None,
    })
}

fn same<D: Serialize>(a: &Option<Arc<D>>, b: &Option<Arc<D>>) -> Result<bool> {
    Ok(match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => codec::encode(a.as_ref())? == codec::encode(b.as_ref())?,
        _ => false,
    })
}

/// The number of the object that a change makes, if the target does not have it.
pub(super) fn brought(change: &Change, target: &Catalog) -> Option<u32> {
    let (object, known) = match change {
        Change::Schema(id, Some(_)) => (id.0, target.schema_by_id(*id).is_some()),
        Change::Table(id, Some(_)) => (id.0, target.table_by_id(*id).is_some()),
        Change::Sequence(id, Some(_)) => (id.0, target.sequence_by_id(*id).is_some()),
        Change::View(id, Some(_)) => (id.0, target.view_by_id(*id).is_some()),
        Change::Type(id, Some(_)) => (id.0, target.type_by_id(*id).is_some()),
        Change::Function(id, Some(_)) => (id.0, target.function_by_id(*id).is_some()),
        _ => return None,
    };
    (!known).then_some(object)
}
