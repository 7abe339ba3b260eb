//! `ALTER`.

use helios_base::Result;
use helios_table::columnar::CLUSTER_BY;

use super::ast::{
    AlterAction, AlterTable, ConstraintKind, Ident, Name, Sequence, Statement, TextExpr,
};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::{Cascade, OwnerKind, RoleCommand};

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Statement> {
        let pos = self.pos();
        self.expect("alter")?;
        if self.eat("table") {
            return self.alter_table();
        }
        if self.is_word("view") || self.is_word("sequence") || self.is_word("index") {
            return self.alter_relation();
        }
        if self.eat("type") {
            return self.alter_type(false);
        }
        if self.eat("domain") {
            return self.alter_type(true);
        }
        if self.eat("schema") {
            let name = self.ident()?;
            if self.eat_words("rename to") {
                return Ok(Statement::RenameSchema(name, self.ident()?));
            }
            if self.is_words("owner to") {
                let name = Name { schema: None, name };
                return self.owner_to(OwnerKind::Schema, name, false, "ALTER SCHEMA");
            }
            return Err(self.unsupported("this form of ALTER SCHEMA", self.pos()));
        }
        if self.eat_words("default privileges") {
            return self.default_privileges();
        }
        if let Some(kind) = self.eat_routine_kind() {
            return self.alter_function(kind);
        }
        match &self.peek().kind {
            Kind::Word(word) if self.is_known_object(word) => {
                Err(self.no_object("ALTER", word, pos))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `ALTER VIEW`, `ALTER SEQUENCE`, `ALTER INDEX`: renaming and moving are `ALTER TABLE`'s.
    fn alter_relation(&mut self) -> Result<Statement> {
        let kind = self.label()?.name;
        let if_exists = self.eat_if_exists()?;
        let name = self.name()?;
        if kind == "index" {
            if self.eat_words("rename to") {
                let to = self.ident()?;
                return Ok(Statement::RenameIndex {
                    name,
                    if_exists,
                    to,
                });
            }
            return Err(self.unsupported("this form of ALTER INDEX", self.pos()));
        }
        let tag = match kind.as_str() {
            "sequence" => "ALTER SEQUENCE",
            "view" => "ALTER VIEW",
            _ => "ALTER TABLE",
        };
        if self.is_words("owner to") {
            return self.owner_to(OwnerKind::Relation, name, if_exists, tag);
        }
        if kind == "sequence" && !self.is_word("rename") && !self.is_word("set") {
            let options = self.sequence_options()?;
            if options.is_empty() {
                return Err(self.unexpected());
            }
            return Ok(Statement::AlterSequence(Box::new(Sequence {
                name,
                conditional: if_exists,
                temporary: false,
                options,
            })));
        }
        let action = self.alter_action()?;
        if !matches!(
            action.0,
            AlterAction::Rename(_)
                | AlterAction::SetSchema(_)
                | AlterAction::RenameColumn(..)
                | AlterAction::Nothing
        ) {
            let what = format!("this form of ALTER {}", kind.to_uppercase());
            return Err(self.unsupported(what, action.1));
        }
        Ok(Statement::AlterTable(Box::new(AlterTable {
            name,
            if_exists,
            actions: vec![action],
            tag,
        })))
    }

    /// `OWNER TO role`
    pub(super) fn owner_to(
        &mut self,
        kind: OwnerKind,
        name: Name,
        if_exists: bool,
        tag: &'static str,
    ) -> Result<Statement> {
        self.expect_words("owner to")?;
        let to = self.role_spec()?;
        Ok(Statement::Role(Box::new(RoleCommand::Owner {
            kind,
            name: name.into(),
            to,
            if_exists,
            tag,
        })))
    }

    fn alter_table(&mut self) -> Result<Statement> {
        let if_exists = self.eat_if_exists()?;
        self.eat("only");
        let name = self.name()?;
        self.eat_op("*");
        if self.is_words("owner to") {
            return self.owner_to(OwnerKind::Relation, name, if_exists, "ALTER TABLE");
        }
        let actions = self.comma_list(Self::alter_action)?;
        if actions.len() > 1
            && let Some((_, pos)) = actions.iter().find(|(action, _)| stands_alone(action))
        {
            return Err(self.syntax("syntax error: RENAME and SET SCHEMA must stand alone", *pos));
        }
        Ok(Statement::AlterTable(Box::new(AlterTable {
            name,
            if_exists,
            actions,
            tag: "ALTER TABLE",
        })))
    }

    fn alter_action(&mut self) -> Result<(AlterAction, super::Pos)> {
        let pos = self.pos();
        let action = if self.eat("add") {
            self.add()?
        } else if self.eat("drop") {
            self.drop_part()?
        } else if self.eat_words("alter constraint") {
            let name = self.ident()?;
            let mut written = super::create::plain(Some(name), ConstraintKind::NotNull, pos);
            self.attributes(&mut written)?;
            AlterAction::AlterConstraint(Box::new(written))
        } else if self.eat("alter") {
            self.eat("column");
            let column = self.ident()?;
            self.alter_column(column)?
        } else if self.eat("rename") {
            self.rename()?
        } else if self.eat_words("validate constraint") {
            AlterAction::Validate(self.ident()?)
        } else if self.eat_words("set schema") {
            AlterAction::SetSchema(self.ident()?)
        } else if self.is_word("set") && self.is_punct_at(1, "(") {
            self.advance();
            AlterAction::SetOptions(self.storage_options()?)
        } else if self.eat_words("set logged") || self.eat_words("set unlogged") {
            AlterAction::Nothing
        } else if let Some(change) = self.row_security_change() {
            AlterAction::RowSecurity(change)
        } else if let Some(option) = self.cluster_by()? {
            match option {
                Some(option) => AlterAction::SetOptions(vec![option]),
                None => AlterAction::ResetOptions(vec![Ident {
                    name: CLUSTER_BY.to_owned(),
                    pos,
                }]),
            }
        } else if self.eat("reset") {
            AlterAction::ResetOptions(self.paren_list(Self::storage_option_name)?)
        } else if matches!(&self.peek().kind, Kind::Word(word) if is_known_action(word)) {
            return Err(self.unsupported("this form of ALTER TABLE", pos));
        } else {
            return Err(self.unexpected());
        };
        Ok((action, pos))
    }

    fn add(&mut self) -> Result<AlterAction> {
        if self.begins_table_constraint() {
            let constraint = Box::new(self.table_constraint()?);
            return Ok(AlterAction::AddConstraint(constraint));
        }
        self.eat("column");
        let if_not_exists = self.eat_if_not_exists()?;
        let column = Box::new(self.column_def()?);
        Ok(AlterAction::AddColumn(column, if_not_exists))
    }

    fn drop_part(&mut self) -> Result<AlterAction> {
        if self.eat("constraint") {
            let if_exists = self.eat_if_exists()?;
            let name = self.ident()?;
            return Ok(AlterAction::DropConstraint(name, if_exists, self.cascade()));
        }
        self.eat("column");
        let if_exists = self.eat_if_exists()?;
        let name = self.ident()?;
        Ok(AlterAction::DropColumn(name, if_exists, self.cascade()))
    }

    pub(super) fn cascade(&mut self) -> Cascade {
        if self.eat("cascade") {
            Cascade::Cascade
        } else {
            self.eat("restrict");
            Cascade::Restrict
        }
    }

    fn alter_column(&mut self, column: Ident) -> Result<AlterAction> {
        if self.eat_words("set data type") || self.eat("type") {
            let ty = self.type_name()?;
            let collation = if self.eat("collate") {
                Some(self.name()?)
            } else {
                None
            };
            let using = if self.eat("using") {
                Some(self.text_expr()?)
            } else {
                None
            };
            return Ok(AlterAction::SetType(column, ty, collation, using));
        }
        if self.eat_words("set default") {
            let default = self.text_expr()?;
            return Ok(AlterAction::SetDefault(column, default));
        }
        if self.eat_words("drop default") {
            return Ok(AlterAction::DropDefault(column));
        }
        if self.eat_words("set not null") {
            return Ok(AlterAction::SetNotNull(column));
        }
        if self.eat_words("drop not null") {
            return Ok(AlterAction::DropNotNull(column));
        }
        if self.eat("add") {
            let (always, options) = self.identity()?;
            return Ok(AlterAction::AddIdentity(column, always, options));
        }
        if self.eat_words("drop identity") {
            let if_exists = self.eat_if_exists()?;
            return Ok(AlterAction::DropIdentity(column, if_exists));
        }
        if self.eat_words("drop expression") {
            let if_exists = self.eat_if_exists()?;
            return Ok(AlterAction::DropExpression(column, if_exists));
        }
        // How values are stored is decided anew for each block of them; ANALYZE needs no target.
        if self.eat_words("set statistics") {
            self.integer()?;
            return Ok(AlterAction::NothingOf(column));
        }
        if self.eat_words("set compression") {
            let codec = self.label()?.name;
            return Ok(AlterAction::Compression(column, codec));
        }
        if self.eat_words("set storage") {
            self.label()?;
            return Ok(AlterAction::NothingOf(column));
        }
        if self.is_word("set") || self.is_word("reset") || self.is_word("restart") {
            return Err(self.unsupported("this form of ALTER COLUMN", self.pos()));
        }
        Err(self.unexpected())
    }

    pub(super) fn text_expr(&mut self) -> Result<TextExpr> {
        let mark = self.mark();
        let expr = self.expr()?;
        let span = self.span_since(mark);
        Ok(TextExpr { expr, span })
    }

    fn rename(&mut self) -> Result<AlterAction> {
        if self.eat("to") {
            return Ok(AlterAction::Rename(self.ident()?));
        }
        if self.eat("constraint") {
            let from = self.ident()?;
            self.expect("to")?;
            return Ok(AlterAction::RenameConstraint(from, self.ident()?));
        }
        self.eat("column");
        let from = self.ident()?;
        self.expect("to")?;
        Ok(AlterAction::RenameColumn(from, self.ident()?))
    }
}

fn stands_alone(action: &AlterAction) -> bool {
    matches!(
        action,
        AlterAction::Rename(_)
            | AlterAction::RenameColumn(..)
            | AlterAction::RenameConstraint(..)
            | AlterAction::SetSchema(_)
    )
}

fn is_known_action(word: &str) -> bool {
    [
        "attach", "cluster", "detach", "disable", "enable", "force", "inherit", "no", "not", "of",
        "owner", "replica", "set", "without",
    ]
    .contains(&word)
}
