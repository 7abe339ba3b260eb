//! Column definitions and constraints.

use helios_base::{Error, ObjectNames, RegKind, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::SequenceId;

use crate::bind::Binder;
use crate::bind::types::serial;
use crate::parse::ast::{
    self, Action, ColumnDef, Constraint, ConstraintKind, ExprKind, Ident, TextExpr,
};
use crate::plan::{
    CheckSpec, ColumnSpec, ForeignAction, ForeignKeySpec, IdentitySpec, KeySpec, PlanColumn,
};

/// The constraints of a table to create, or of a column to add.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    pub keys: Vec<KeySpec>,
    pub foreign_keys: Vec<ForeignKeySpec>,
    pub checks: Vec<CheckSpec>,
}

/// The columns that expressions of a table may read, while the table is being defined.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub table: String,
    pub columns: Vec<PlanColumn>,
    /// Names of generated columns, which other generated columns may not read.
    pub generated: Vec<String>,
}

impl Binder<'_> {
    /// The type and the properties of a column. Its expressions are checked when all columns are
    /// known, by [`Binder::column_constraints`].
    pub(super) fn column_spec(&self, column: &ColumnDef) -> Result<ColumnSpec> {
        let serial = serial(&column.ty);
        let is_serial = serial.is_some();
        let ty = match serial {
            Some(ty) => ty,
            None => self.data_type(&column.ty)?,
        };
        if matches!(
            ty,
            helios_base::DataType::Unknown
                | helios_base::DataType::Record
                | helios_base::DataType::Void
        ) {
            return Err(self.fail(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{}\" has pseudo-type {ty}", column.name.name),
                column.ty.pos,
            ));
        }
        self.refuse_rows(&ty, column.ty.pos)?;
        if let Some(collation) = &column.collation {
            self.collation(collation)?;
        }
        Ok(ColumnSpec {
            name: column.name.name.clone(),
            ty,
            not_null: is_serial,
            default: None,
            generated: None,
            identity: None,
            serial: is_serial,
        })
    }

    /// Reads the constraints written on a column into its specification and `constraints`.
    pub(super) fn column_constraints(
        &mut self,
        column: &ColumnDef,
        spec: &mut ColumnSpec,
        row: &mut Row,
        constraints: &mut Constraints,
    ) -> Result<()> {
        let mut null_said = None;
        for constraint in &column.constraints {
            let twice = |what: &str| {
                Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    format!(
                        "multiple {what} specified for column \"{}\" of table \"{}\"",
                        column.name.name, row.table
                    ),
                    constraint.pos,
                ))
            };
            let key_like = matches!(
                constraint.kind,
                ConstraintKind::Key { .. } | ConstraintKind::Foreign { .. }
            );
            if constraint.deferrable.is_some() && !key_like {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "misplaced DEFERRABLE clause",
                    constraint.pos,
                ));
            }
            match &constraint.kind {
                ConstraintKind::NotNull | ConstraintKind::Null => {
                    let not_null = matches!(constraint.kind, ConstraintKind::NotNull);
                    if null_said.is_some_and(|said| said != not_null)
                        || (!not_null && spec.not_null)
                    {
                        return Err(self.fail(
                            SqlState::SYNTAX_ERROR,
                            format!(
                                "conflicting NULL/NOT NULL declarations for column \"{}\" of table \
                                 \"{}\"",
                                column.name.name, row.table
                            ),
                            constraint.pos,
                        ));
                    }
                    null_said = Some(not_null);
                    spec.not_null |= not_null;
                }
                ConstraintKind::Default(text) => {
                    if spec.default.is_some() || spec.serial {
                        return twice("default values");
                    }
                    self.default_expr(&text.expr, &spec.ty, &spec.name)?;
                    spec.default = Some(self.default_text(text));
                }
                ConstraintKind::Generated(text) => {
                    if spec.generated.is_some() {
                        return twice("generation clauses");
                    }
                    self.generation(text, spec, row)?;
                    spec.generated = Some(self.text_of(text));
                }
                ConstraintKind::Identity { always, options } => {
                    if spec.identity.is_some() {
                        return twice("identity specifications");
                    }
                    if !spec.ty.is_integer() {
                        return Err(self.fail(
                            SqlState::INVALID_PARAMETER_VALUE,
                            "identity column type must be smallint, integer, or bigint",
                            constraint.pos,
                        ));
                    }
                    spec.not_null = true;
                    spec.identity = Some(IdentitySpec {
                        always: *always,
                        options: self.sequence_options(options)?,
                    });
                }
                ConstraintKind::Check(_)
                | ConstraintKind::Key { .. }
                | ConstraintKind::Foreign { .. } => {
                    if matches!(constraint.kind, ConstraintKind::Key { primary: true, .. }) {
                        spec.not_null = true;
                    }
                    self.constraint(constraint, Some(&column.name), row, constraints)?;
                }
            }
        }
        let both = [
            (spec.default.is_some(), "default"),
            (spec.generated.is_some(), "generation expression"),
            (spec.identity.is_some(), "identity"),
        ];
        let mut said = both.iter().filter(|(said, _)| *said).map(|(_, what)| what);
        if let (Some(first), Some(second)) = (said.next(), said.next()) {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                format!(
                    "both {first} and {second} specified for column \"{}\" of table \"{}\"",
                    spec.name, row.table
                ),
                column.name.pos,
            ));
        }
        Ok(())
    }

    pub(in crate::bind) fn text_of(&self, text: &TextExpr) -> String {
        text.span.of(self.source.unwrap_or_default()).to_owned()
    }

    /// The text of a default as it is kept. The sequence that `nextval` names is the one that the
    /// name means now, whatever the search path is later.
    pub(in crate::bind) fn default_text(&self, text: &TextExpr) -> String {
        let sequence = named_sequence(&text.expr).and_then(|name| {
            let oid = self.context.find(RegKind::Class, name).ok()?;
            self.context.catalog.sequence_by_id(SequenceId(oid))
        });
        sequence.map_or_else(|| self.text_of(text), |sequence| sequence.nextval_sql())
    }

    fn generation(&mut self, text: &TextExpr, spec: &ColumnSpec, row: &Row) -> Result<()> {
        let expr = self.over_columns(
            &text.expr,
            &row.table,
            &row.columns,
            "column generation expressions",
        )?;
        let pos = text.expr.pos;
        for index in expr.used_columns() {
            let name = row.columns.get(index).map_or("", |column| &column.name);
            if name == spec.name || row.generated.iter().any(|known| known == name) {
                return Err(self
                    .fail(
                        SqlState::INVALID_OBJECT_DEFINITION,
                        format!(
                            "cannot use generated column \"{name}\" in column generation expression"
                        ),
                        pos,
                    )
                    .with_detail("A generated column cannot reference another generated column."));
            }
        }
        self.immutable(&expr, "generation expression is not immutable", pos)?;
        let assigned = self.builder.assign(expr, &spec.ty, &spec.name);
        self.place_literal(assigned, pos, &[&text.expr])?;
        Ok(())
    }

    /// A table constraint, or one written on `column`.
    pub(super) fn constraint(
        &mut self,
        constraint: &Constraint,
        column: Option<&Ident>,
        row: &Row,
        constraints: &mut Constraints,
    ) -> Result<()> {
        let name = constraint.name.as_ref().map(|name| name.name.clone());
        if constraint.no_inherit {
            return Err(self.unsupported("NO INHERIT", constraint.pos));
        }
        let deferrable =
            constraint.deferrable == Some(true) || constraint.initially_deferred == Some(true);
        let initially_deferred = constraint.initially_deferred == Some(true);
        let columns_of = |columns: &[Ident]| -> Vec<Ident> {
            match column {
                Some(column) if columns.is_empty() => vec![column.clone()],
                _ => columns.to_vec(),
            }
        };
        match &constraint.kind {
            ConstraintKind::Check(text) => {
                if deferrable {
                    return Err(self.unsupported("a deferrable CHECK constraint", constraint.pos));
                }
                let check = self.check(text, row)?;
                let mut columns: Vec<String> = Vec::new();
                for index in check.used_columns() {
                    if let Some(column) = row.columns.get(index) {
                        columns.push(column.name.to_string());
                    }
                }
                constraints.checks.push(CheckSpec {
                    name,
                    expr: self.text_of(text),
                    columns,
                    not_valid: constraint.not_valid,
                });
            }
            ConstraintKind::Key {
                primary,
                columns,
                include,
                nulls_not_distinct,
                using_index,
                options,
            } => {
                if let Some(index) = using_index {
                    return Err(self.unsupported("a constraint USING INDEX", index.pos));
                }
                if let Some(option) = options.first() {
                    return Err(self.unsupported("WITH options of a constraint", option.pos));
                }
                if constraint.not_valid {
                    let what = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
                    return Err(self.at(
                        Error::unsupported(format!(
                            "{what} constraints cannot be marked NOT VALID"
                        )),
                        constraint.pos,
                    ));
                }
                let columns = columns_of(columns);
                let what = if *primary {
                    "primary key constraint"
                } else {
                    "unique constraint"
                };
                self.key_columns(&columns, row, what)?;
                self.known_columns(include, row)?;
                constraints.keys.push(KeySpec {
                    name,
                    primary: *primary,
                    columns: plain(&columns),
                    include: plain(include),
                    nulls_not_distinct: *nulls_not_distinct,
                    deferrable,
                    initially_deferred,
                });
            }
            ConstraintKind::Foreign {
                columns,
                table,
                referred,
                match_full,
                on_delete,
                on_update,
            } => {
                let columns = columns_of(columns);
                for name in &columns {
                    if !has(row, &name.name) {
                        return Err(self.fail(
                            SqlState::UNDEFINED_COLUMN,
                            format!(
                                "column \"{}\" referenced in foreign key constraint does not exist",
                                name.name
                            ),
                            name.pos,
                        ));
                    }
                }
                if !referred.is_empty() && referred.len() != columns.len() {
                    return Err(self.fail(
                        SqlState::INVALID_FOREIGN_KEY,
                        "number of referencing and referenced columns for foreign key disagree",
                        constraint.pos,
                    ));
                }
                let (on_delete, set_columns) = action(on_delete);
                let (on_update, extra) = action(on_update);
                if let Some(extra) = extra.first() {
                    return Err(self.at(
                        Error::unsupported(
                            "a column list with SET NULL is only supported for ON DELETE actions",
                        ),
                        extra.pos,
                    ));
                }
                for name in &set_columns {
                    if !columns.contains(name) {
                        return Err(self.fail(
                            SqlState::INVALID_COLUMN_REFERENCE,
                            format!(
                                "column \"{}\" referenced in ON DELETE SET action must be part of \
                                 foreign key",
                                name.name
                            ),
                            name.pos,
                        ));
                    }
                }
                constraints.foreign_keys.push(ForeignKeySpec {
                    name,
                    columns: plain(&columns),
                    table: table.clone().into(),
                    referred: plain(referred),
                    match_full: *match_full,
                    set_columns: plain(&set_columns),
                    on_delete,
                    on_update,
                    deferrable,
                    initially_deferred,
                    not_valid: constraint.not_valid,
                });
            }
            _ => return Err(Error::internal("a column's property as a constraint")),
        }
        Ok(())
    }

    fn check(&mut self, text: &TextExpr, row: &Row) -> Result<Expr> {
        let value = self.over_columns(&text.expr, &row.table, &row.columns, "check constraints")?;
        self.place(
            self.builder.condition(value, "CHECK"),
            crate::bind::expr::first_pos(&text.expr),
        )
    }

    pub(super) fn known_columns(&self, names: &[Ident], row: &Row) -> Result<()> {
        match names.iter().find(|name| !has(row, &name.name)) {
            Some(name) => Err(self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" named in key does not exist", name.name),
                name.pos,
            )),
            None => Ok(()),
        }
    }

    fn key_columns(&self, names: &[Ident], row: &Row, what: &str) -> Result<()> {
        self.known_columns(names, row)?;
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|known| known == name) {
                return Err(self.fail(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" appears twice in {what}", name.name),
                    name.pos,
                ));
            }
        }
        Ok(())
    }
}

fn has(row: &Row, name: &str) -> bool {
    row.columns.iter().any(|column| *column.name == *name)
}

fn plain(names: &[Ident]) -> Vec<String> {
    names.iter().map(|name| name.name.clone()).collect()
}

fn action(action: &Action) -> (ForeignAction, Vec<Ident>) {
    match action {
        Action::NoAction => (ForeignAction::NoAction, Vec::new()),
        Action::Restrict => (ForeignAction::Restrict, Vec::new()),
        Action::Cascade => (ForeignAction::Cascade, Vec::new()),
        Action::SetNull(columns) => (ForeignAction::SetNull, columns.clone()),
        Action::SetDefault(columns) => (ForeignAction::SetDefault, columns.clone()),
    }
}

/// The name in `nextval('name')`, if the expression is just that.
fn named_sequence(expr: &ast::Expr) -> Option<&str> {
    let ExprKind::Call(call) = &expr.kind else {
        return None;
    };
    let system = call.name.schema.as_ref();
    let system = system.is_none_or(|schema| schema.name == "pg_catalog");
    let ([arg], "nextval", true) = (&*call.args, call.name.name.name.as_str(), system) else {
        return None;
    };
    match &arg.value.kind {
        ExprKind::Text(name) => Some(name),
        ExprKind::Cast { expr, ty } if ty.name == "regclass" && ty.dimensions == 0 => {
            match &expr.kind {
                ExprKind::Text(name) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}
