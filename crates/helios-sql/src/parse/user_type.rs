//! `CREATE TYPE`, `CREATE DOMAIN`, `ALTER TYPE`, `ALTER DOMAIN`.

use helios_base::Result;

use super::ast::{
    AlterType, Constraint, ConstraintKind, CreateType, Ident, LabelPlace, NewType, Statement,
    TypeChange, TypeName,
};
use super::cursor::Parser;
use crate::plan::OwnerKind;

impl Parser<'_> {
    /// After `CREATE TYPE`.
    pub(super) fn create_type(&mut self) -> Result<Statement> {
        let name = self.name()?;
        if !self.eat("as") {
            return Err(self.unsupported("CREATE TYPE without AS", self.pos()));
        }
        let kind = if self.eat("enum") {
            self.expect_punct("(")?;
            let labels = if self.is_punct(")") {
                Vec::new()
            } else {
                self.comma_list(Self::string)?
            };
            self.expect_punct(")")?;
            NewType::Enum(labels)
        } else if self.is_word("range") {
            return Err(self.unsupported("CREATE TYPE AS RANGE", self.pos()));
        } else {
            self.expect_punct("(")?;
            let fields = if self.is_punct(")") {
                Vec::new()
            } else {
                self.comma_list(Self::attribute)?
            };
            self.expect_punct(")")?;
            NewType::Composite(fields)
        };
        Ok(Statement::CreateType(Box::new(CreateType { name, kind })))
    }

    /// `name type [COLLATE …]`
    fn attribute(&mut self) -> Result<(Ident, TypeName)> {
        let name = self.ident()?;
        let ty = self.type_name()?;
        if self.is_word("collate") {
            return Err(self.unsupported("COLLATE of an attribute", self.pos()));
        }
        Ok((name, ty))
    }

    /// After `CREATE DOMAIN`.
    pub(super) fn create_domain(&mut self) -> Result<Statement> {
        let name = self.name()?;
        self.eat("as");
        let ty = self.type_name()?;
        let mut collation = None;
        let mut constraints: Vec<Constraint> = Vec::new();
        loop {
            if self.eat("collate") {
                collation = Some(self.name()?);
                continue;
            }
            let Some(constraint) = self.column_constraint()? else {
                break;
            };
            match constraint.kind {
                ConstraintKind::NotNull
                | ConstraintKind::Null
                | ConstraintKind::Default(_)
                | ConstraintKind::Check(_) => constraints.push(constraint),
                ConstraintKind::Key { primary: true, .. } => {
                    return Err(self.syntax(
                        "primary key constraints not possible for domains",
                        constraint.pos,
                    ));
                }
                ConstraintKind::Key { .. } => {
                    return Err(self.syntax(
                        "unique constraints not possible for domains",
                        constraint.pos,
                    ));
                }
                ConstraintKind::Foreign { .. } => {
                    return Err(self.syntax(
                        "foreign key constraints not possible for domains",
                        constraint.pos,
                    ));
                }
                ConstraintKind::Generated(_) | ConstraintKind::Identity { .. } => {
                    return Err(self.syntax(
                        "specifying GENERATED is not possible for domains",
                        constraint.pos,
                    ));
                }
            }
        }
        let kind = NewType::Domain {
            ty,
            collation,
            constraints,
        };
        Ok(Statement::CreateType(Box::new(CreateType { name, kind })))
    }

    /// After `ALTER TYPE` or `ALTER DOMAIN`.
    pub(super) fn alter_type(&mut self, domain: bool) -> Result<Statement> {
        let name = self.name()?;
        let pos = self.pos();
        if self.is_words("owner to") {
            let tag = if domain { "ALTER DOMAIN" } else { "ALTER TYPE" };
            return self.owner_to(OwnerKind::Type, name, false, tag);
        }
        let changes = if domain {
            vec![self.domain_change()?]
        } else {
            self.comma_list(Self::type_change)?
        };
        let attributes = |change: &TypeChange| {
            matches!(
                change,
                TypeChange::AddField(..) | TypeChange::DropField(..) | TypeChange::SetFieldType(..)
            )
        };
        if changes.len() > 1 && !changes.iter().all(attributes) {
            return Err(self.unexpected());
        }
        Ok(Statement::AlterType(Box::new(AlterType {
            name,
            domain,
            changes,
            pos,
        })))
    }

    fn type_change(&mut self) -> Result<TypeChange> {
        if self.eat_words("add value") {
            let if_not_exists = self.eat_if_not_exists()?;
            let label = self.string()?;
            let place = if self.eat("before") {
                LabelPlace::Before(self.string()?)
            } else if self.eat("after") {
                LabelPlace::After(self.string()?)
            } else {
                LabelPlace::Last
            };
            return Ok(TypeChange::AddLabel {
                label,
                place,
                if_not_exists,
            });
        }
        if self.eat_words("rename value") {
            let from = self.string()?;
            self.expect("to")?;
            return Ok(TypeChange::RenameLabel(from, self.string()?));
        }
        if self.eat_words("rename attribute") {
            let from = self.ident()?;
            self.expect("to")?;
            let to = self.ident()?;
            self.cascade();
            return Ok(TypeChange::RenameField(from, to));
        }
        let change = if self.eat_words("add attribute") {
            let (name, ty) = self.attribute()?;
            TypeChange::AddField(name, ty)
        } else if self.eat_words("drop attribute") {
            let if_exists = self.eat_if_exists()?;
            TypeChange::DropField(self.ident()?, if_exists)
        } else if self.eat_words("alter attribute") {
            let name = self.ident()?;
            let _ = self.eat_words("set data");
            self.expect("type")?;
            TypeChange::SetFieldType(name, self.type_name()?)
        } else {
            return self.move_or_rename("TYPE");
        };
        self.cascade();
        Ok(change)
    }

    fn domain_change(&mut self) -> Result<TypeChange> {
        if self.eat_words("set default") {
            return Ok(TypeChange::Default(Some(self.text_expr()?)));
        }
        if self.eat_words("drop default") {
            return Ok(TypeChange::Default(None));
        }
        if self.eat_words("set not null") {
            return Ok(TypeChange::NotNull(true));
        }
        if self.eat_words("drop not null") {
            return Ok(TypeChange::NotNull(false));
        }
        if self.eat("add") {
            let constraint = Box::new(self.table_constraint()?);
            return Ok(TypeChange::AddConstraint(constraint));
        }
        if self.eat_words("drop constraint") {
            let if_exists = self.eat_if_exists()?;
            let name = self.ident()?;
            return Ok(TypeChange::DropConstraint(name, if_exists, self.cascade()));
        }
        if self.eat_words("rename constraint") {
            let from = self.ident()?;
            self.expect("to")?;
            return Ok(TypeChange::RenameConstraint(from, self.ident()?));
        }
        if self.eat_words("validate constraint") {
            return Ok(TypeChange::Validate(self.ident()?));
        }
        self.move_or_rename("DOMAIN")
    }

    fn move_or_rename(&mut self, what: &str) -> Result<TypeChange> {
        if self.eat_words("rename to") {
            return Ok(TypeChange::Rename(self.ident()?));
        }
        if self.eat_words("set schema") {
            return Ok(TypeChange::SetSchema(self.ident()?));
        }
        if self.is_words("owner to") {
            return Err(self.unsupported(format!("ALTER {what} ... OWNER TO"), self.pos()));
        }
        Err(self.unexpected())
    }
}
