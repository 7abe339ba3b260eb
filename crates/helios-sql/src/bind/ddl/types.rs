//! `CREATE TYPE`, `CREATE DOMAIN`, `ALTER TYPE`, `ALTER DOMAIN`.

use helios_base::{DataType, Error, Result, SqlState};
use helios_table::catalog::FieldDef;
use helios_table::ddl::{DomainChange, LabelPlace, NewType};

use crate::bind::Binder;
use crate::parse::ast::{self, Constraint, ConstraintKind, TextExpr, TypeChange as Written};
use crate::plan::{AlterType, CreateType, FieldChange, PlanColumn, TypeChange};

impl Binder<'_> {
    pub(super) fn create_type(&mut self, create: &ast::CreateType) -> Result<CreateType> {
        let (new, domain) = match &create.kind {
            ast::NewType::Enum(labels) => (NewType::Enum(labels.clone()), false),
            ast::NewType::Composite(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, ty)| {
                        Ok(FieldDef {
                            name: name.name.clone(),
                            ty: self.field_type(name, ty)?,
                        })
                    })
                    .collect::<Result<_>>()?;
                (NewType::Composite(fields), false)
            }
            ast::NewType::Domain {
                ty,
                collation,
                constraints,
            } => {
                if let Some(collation) = collation {
                    self.collation(collation)?;
                }
                (self.domain(&create.name, ty, constraints)?, true)
            }
        };
        Ok(CreateType {
            name: create.name.clone().into(),
            new,
            domain,
        })
    }

    fn field_type(&self, name: &ast::Ident, ty: &ast::TypeName) -> Result<DataType> {
        let found = self.data_type(ty)?;
        if matches!(found, DataType::Unknown | DataType::Record | DataType::Void) {
            return Err(self.fail(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{}\" has pseudo-type {found}", name.name),
                ty.pos,
            ));
        }
        self.refuse_rows(&found, ty.pos)?;
        Ok(found)
    }

    fn domain(
        &mut self,
        name: &ast::Name,
        ty: &ast::TypeName,
        constraints: &[Constraint],
    ) -> Result<NewType> {
        let base = self.data_type(ty)?;
        let pseudo = matches!(base, DataType::Unknown | DataType::Record | DataType::Void);
        if pseudo {
            return Err(self.fail(
                SqlState::DATATYPE_MISMATCH,
                format!("\"{base}\" is not a valid base type for a domain"),
                ty.pos,
            ));
        }
        self.refuse_rows(&base, ty.pos)?;
        let mut not_null = None;
        let mut default = None;
        let mut checks = Vec::new();
        for constraint in constraints {
            let redundant = |what: &str| {
                Err(self.fail(SqlState::SYNTAX_ERROR, what.to_owned(), constraint.pos))
            };
            match &constraint.kind {
                ConstraintKind::NotNull | ConstraintKind::Null => {
                    let wanted = matches!(constraint.kind, ConstraintKind::NotNull);
                    if not_null.is_some_and(|said| said != wanted) {
                        return redundant("conflicting NULL/NOT NULL constraints");
                    }
                    not_null = Some(wanted);
                }
                ConstraintKind::Default(text) => {
                    if default.is_some() {
                        return redundant("multiple default expressions");
                    }
                    self.default_expr(&text.expr, &base.base(), &name.name.name)?;
                    default = Some(self.text_of(text));
                }
                ConstraintKind::Check(text) => {
                    self.domain_check(text, &base)?;
                    let given = constraint.name.as_ref().map(|name| name.name.clone());
                    checks.push((given, self.text_of(text)));
                }
                _ => return Err(Error::internal("a constraint that no domain has")),
            }
        }
        Ok(NewType::Domain {
            base,
            not_null: not_null.unwrap_or(false),
            default,
            checks,
        })
    }

    fn domain_check(&mut self, text: &TextExpr, base: &DataType) -> Result<()> {
        let value = PlanColumn::new("value", base.base().into_owned());
        let expr = self.over_columns(&text.expr, "", &[value], "check constraints")?;
        let checked = self.builder.condition(expr, "CHECK");
        self.place(checked, crate::bind::expr::first_pos(&text.expr))?;
        Ok(())
    }

    pub(super) fn alter_type(&mut self, alter: &ast::AlterType) -> Result<AlterType> {
        let mut fields = Vec::new();
        for change in &alter.changes {
            fields.push(match change {
                Written::AddField(name, ty) => {
                    FieldChange::Add(name.name.clone(), self.field_type(name, ty)?)
                }
                Written::DropField(name, if_exists) => {
                    FieldChange::Drop(name.name.clone(), *if_exists)
                }
                Written::SetFieldType(name, ty) => {
                    FieldChange::Retype(name.name.clone(), self.field_type(name, ty)?)
                }
                Written::RenameField(from, to) => {
                    FieldChange::Rename(from.name.clone(), to.name.clone())
                }
                _ => break,
            });
        }
        let change = match alter.changes.first() {
            Some(change) if fields.is_empty() => self.type_change(change, alter)?,
            _ => TypeChange::Fields(fields),
        };
        Ok(AlterType {
            name: alter.name.clone().into(),
            domain: alter.domain,
            change,
        })
    }

    fn type_change(&mut self, change: &Written, alter: &ast::AlterType) -> Result<TypeChange> {
        let plain = |change| TypeChange::Domain(change, false);
        Ok(match change {
            Written::AddLabel {
                label,
                place,
                if_not_exists,
            } => TypeChange::AddLabel {
                label: label.clone(),
                place: match place {
                    ast::LabelPlace::Last => LabelPlace::Last,
                    ast::LabelPlace::Before(label) => LabelPlace::Before(label.clone()),
                    ast::LabelPlace::After(label) => LabelPlace::After(label.clone()),
                },
                if_not_exists: *if_not_exists,
            },
            Written::RenameLabel(from, to) => TypeChange::RenameLabel(from.clone(), to.clone()),
            Written::Rename(to) => TypeChange::Rename(to.name.clone()),
            Written::SetSchema(to) => TypeChange::SetSchema(to.name.clone()),
            Written::NotNull(not_null) => plain(DomainChange::NotNull(*not_null)),
            Written::Default(None) => plain(DomainChange::Default(None)),
            Written::Default(Some(text)) => {
                let base = self.domain_base(alter)?;
                self.default_expr(&text.expr, &base, &alter.name.name.name)?;
                plain(DomainChange::Default(Some(self.text_of(text))))
            }
            Written::AddConstraint(constraint) => {
                let ConstraintKind::Check(text) = &constraint.kind else {
                    return Err(self
                        .unsupported("a constraint of a domain other than CHECK", constraint.pos));
                };
                let base = self.domain_base(alter)?;
                self.domain_check(text, &base)?;
                plain(DomainChange::AddCheck {
                    name: constraint.name.as_ref().map(|name| name.name.clone()),
                    sql: self.text_of(text),
                    not_valid: constraint.not_valid,
                })
            }
            Written::DropConstraint(name, if_exists, _) => {
                TypeChange::Domain(DomainChange::DropConstraint(name.name.clone()), *if_exists)
            }
            Written::RenameConstraint(from, to) => plain(DomainChange::RenameConstraint(
                from.name.clone(),
                to.name.clone(),
            )),
            Written::Validate(name) => plain(DomainChange::Validate(name.name.clone())),
            Written::AddField(..)
            | Written::DropField(..)
            | Written::SetFieldType(..)
            | Written::RenameField(..) => {
                return Err(Error::internal("a field among other changes of a type"));
            }
        })
    }

    /// The base of the domain to alter.
    fn domain_base(&self, alter: &ast::AlterType) -> Result<DataType> {
        let written = ast::TypeName {
            schema: alter.name.schema.clone(),
            name: alter.name.name.name.clone(),
            modifiers: Vec::new(),
            fields: None,
            dimensions: 0,
            pos: alter.name.pos(),
        };
        let ty = self.data_type(&written)?;
        if !ty.has_domain() {
            return Err(self.fail(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{ty} is not a domain"),
                alter.name.pos(),
            ));
        }
        Ok(ty.base().into_owned())
    }
}
