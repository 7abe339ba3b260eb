//! Merging functions and procedures: whole definitions, as nothing in them can be merged.

use helios_base::Result;

use super::super::MergeReport;
use super::{Event, SchemaMerge, Sides, describe};
use crate::catalog::{Catalog, Change, FunctionDef, FunctionId, ReturnShape, is_row_type};
use crate::ddl::ObjectRef;

impl SchemaMerge<'_> {
    pub(super) fn functions(&mut self, sides: Sides<'_>, report: &mut MergeReport) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.functions().map(|def| def.id).collect();
        let of = |catalog: &Catalog, id| {
            let found = catalog.function_by_id(id).cloned();
            found.filter(|def| !crate::is_temporary_schema(&def.schema_name))
        };
        for (id, event) in sides.events(ids, of)? {
            match event {
                Event::Put { def, known } => {
                    let there = sides
                        .target
                        .functions_in(def.schema, &def.name)
                        .find(|there| {
                            there.id != id && there.same_inputs(def.inputs().map(|arg| &arg.ty))
                        })
                        .map(|there| there.id);
                    let dropped = |there: &FunctionId| {
                        sides.base.function_by_id(*there).is_some()
                            && sides.source.function_by_id(*there).is_none()
                    };
                    if let Some(going) = there.filter(dropped) {
                        self.early.insert(going.0);
                    }
                    if there.is_some_and(|there| !dropped(&there)) {
                        let conflict = format!("function {def} was created on both branches");
                        report.schema_conflicts.push(conflict);
                        continue;
                    }
                    let line = describe(def.kind(), &def.name, known);
                    // One that reads relations comes after them.
                    let wait = reads(&def);
                    let change = Change::Function(id, Some(def));
                    if wait {
                        self.last.push((line, change));
                    } else {
                        self.first.push((line, change));
                    }
                }
                Event::Gone(def) => {
                    let line = format!("drop {} {def}", def.kind());
                    self.drops.push((line, ObjectRef::Function(id)));
                }
                Event::Both(three) => {
                    report.both_changed("function", three.any().map(|def| &def.name));
                }
            }
        }
        Ok(())
    }
}

fn reads(def: &FunctionDef) -> bool {
    !def.depends.is_empty()
        || matches!(def.returns.shape, ReturnShape::Relation(_))
        || def.types().any(is_row_type)
}
