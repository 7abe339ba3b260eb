//! Merging types. Two branches that each added labels to an enum keep both, unless the labels
//! claim one place or one name: stored rows know labels by their places.

use std::sync::Arc;

use helios_base::Result;

use super::super::MergeReport;
use super::{Event, SchemaMerge, Sides, Three, created_twice, describe};
use crate::catalog::{Catalog, Change, LabelDef, TypeDef, TypeId, TypeKind};
use crate::ddl::ObjectRef;

impl SchemaMerge<'_> {
    pub(super) fn types(&mut self, sides: Sides<'_>, report: &mut MergeReport) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.types().map(|def| def.id).collect();
        let of = |catalog: &Catalog, id| catalog.type_by_id(id).cloned();
        for (id, event) in sides.events(ids, of)? {
            match event {
                Event::Put { def, known } => {
                    let there = sides.target.type_in(def.schema, &def.name);
                    let there = there.filter(|there| there.id != id).map(|there| there.id);
                    let dropped = |there: &TypeId| {
                        sides.base.type_by_id(*there).is_some()
                            && sides.source.type_by_id(*there).is_none()
                    };
                    if let Some(going) = there.filter(dropped) {
                        self.early.insert(going.0);
                    }
                    if there.is_some_and(|there| !dropped(&there)) {
                        report.schema_conflicts.push(created_twice(&def.name));
                    } else {
                        let line = describe("type", &def.name, known);
                        self.first.push((line, Change::Type(id, Some(def))));
                    }
                }
                Event::Gone(def) => {
                    let line = format!("drop type \"{}\"", def.name);
                    self.drops.push((line, ObjectRef::Type(id)));
                }
                Event::Both(three) => match labels_of_both(&three) {
                    Some(def) => {
                        let line = describe("type", &def.name, true);
                        let change = Change::Type(id, Some(Arc::new(def)));
                        self.first.push((line, change));
                    }
                    None => report.both_changed("type", three.any().map(|def| &def.name)),
                },
            }
        }
        Ok(())
    }
}

/// The enum with the labels that either branch added, if neither did anything else.
fn labels_of_both(three: &Three<TypeDef>) -> Option<TypeDef> {
    let base = three.base.as_ref()?;
    let (source, target) = (three.source.as_ref()?, three.target.as_ref()?);
    let only_labels = |def: &TypeDef| {
        def.name == base.name && def.schema == base.schema && def.comment == base.comment
    };
    if !only_labels(source) || !only_labels(target) {
        return None;
    }
    let (old, theirs, mine) = (base.as_enum()?, source.as_enum()?, target.as_enum()?);
    let keeps = |labels: &[LabelDef]| old.iter().all(|label| labels.contains(label));
    if !keeps(theirs) || !keeps(mine) {
        return None;
    }
    let mut labels = mine.clone();
    for label in theirs.iter().filter(|label| !old.contains(label)) {
        let clash = |known: &LabelDef| known.order == label.order || known.name == label.name;
        if mine.iter().any(clash) {
            return None;
        }
        labels.push(label.clone());
    }
    labels.sort_by_key(|label| label.order);
    let mut merged = TypeDef::clone(target);
    merged.kind = TypeKind::Enum(labels);
    Some(merged)
}
