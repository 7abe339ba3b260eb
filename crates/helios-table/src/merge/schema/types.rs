//! Merging types. Two branches that each added labels to an enum keep both, unless the labels
//! claim one place or one name: stored rows know labels by their places.

use std::sync::Arc;

use helios_base::Result;

use super::super::MergeReport;
use super::{SchemaMerge, Verdict, both_changed, created_twice, describe, judge, union};
use crate::catalog::{Catalog, Change, LabelDef, TypeDef, TypeKind};
use crate::ddl::ObjectRef;

impl SchemaMerge<'_> {
    pub(super) fn types(
        &mut self,
        base: &Catalog,
        source: &Catalog,
        target: &Catalog,
        report: &mut MergeReport,
    ) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.types().map(|def| def.id).collect();
        for id in union([ids(base), ids(source), ids(target)]) {
            let of = |catalog: &Catalog| catalog.type_by_id(id).cloned();
            let (b, s, t) = (of(base), of(source), of(target));
            match judge(b.as_deref(), s.as_deref(), t.as_deref())? {
                Verdict::Keep => {}
                Verdict::Take => match s {
                    Some(def) => {
                        let there = target.type_in(def.schema, &def.name);
                        if there.is_some_and(|there| there.id != id) {
                            report.schema_conflicts.push(created_twice(&def.name));
                        } else {
                            let line = describe("type", &def.name, t.is_some());
                            self.first.push((line, Change::Type(id, Some(def))));
                        }
                    }
                    None => {
                        let name = t.map(|t| t.name.clone()).unwrap_or_default();
                        let line = format!("drop type \"{name}\"");
                        self.drops.push((line, ObjectRef::Type(id)));
                    }
                },
                Verdict::Conflict => match labels_of_both(b.as_ref(), s.as_ref(), t.as_ref()) {
                    Some(def) => {
                        let line = describe("type", &def.name, true);
                        self.first
                            .push((line, Change::Type(id, Some(Arc::new(def)))));
                    }
                    None => report.schema_conflicts.push(both_changed(
                        "type",
                        s.as_ref().or(t.as_ref()).map_or("", |def| &def.name),
                    )),
                },
            }
        }
        Ok(())
    }
}

/// The enum with the labels that either branch added, if neither did anything else.
fn labels_of_both(
    base: Option<&Arc<TypeDef>>,
    source: Option<&Arc<TypeDef>>,
    target: Option<&Arc<TypeDef>>,
) -> Option<TypeDef> {
    let (base, source, target) = (base?, source?, target?);
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
