//! `DROP`, `TRUNCATE`, `COMMENT`.

use helios_base::Result;

use super::ast::{Drop, Name, Statement, Truncate};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::{Cascade, CommentTarget, DropTarget, QualifiedName};

impl From<Name> for QualifiedName {
    fn from(name: Name) -> Self {
        Self {
            schema: name.schema.map(|schema| schema.name),
            name: name.name.name,
        }
    }
}

impl Parser<'_> {
    fn drop_target(&mut self) -> Option<DropTarget> {
        let found = [
            ("table", DropTarget::Table),
            ("view", DropTarget::View),
            ("index", DropTarget::Index),
            ("sequence", DropTarget::Sequence),
            ("schema", DropTarget::Schema),
            ("type", DropTarget::Type),
            ("domain", DropTarget::Domain),
        ]
        .into_iter()
        .find(|(word, _)| self.is_word(word))?;
        self.advance();
        Some(found.1)
    }

    pub(super) fn drop_statement(&mut self) -> Result<Statement> {
        let pos = self.pos();
        self.expect("drop")?;
        if let Some(kind) = self.eat_routine_kind() {
            return self.drop_function(kind);
        }
        if self.eat("extension") {
            return self.extension(true);
        }
        let Some(target) = self.drop_target() else {
            return match &self.peek().kind {
                Kind::Word(word) if self.is_known_object(word) || word == "owned" => {
                    Err(self.no_object("DROP", word, pos))
                }
                _ => Err(self.unexpected()),
            };
        };
        if target == DropTarget::Index {
            self.eat("concurrently");
        }
        let if_exists = self.eat_if_exists()?;
        let names = self.comma_list(Self::name)?;
        let cascade = self.cascade();
        Ok(Statement::Drop(Drop {
            target,
            names,
            if_exists,
            cascade,
        }))
    }

    pub(super) fn truncate(&mut self) -> Result<Statement> {
        self.expect("truncate")?;
        self.eat("table");
        let tables = self.comma_list(|parser| {
            parser.eat("only");
            let name = parser.name()?;
            parser.eat_op("*");
            Ok(name)
        })?;
        let restart_identity = self.eat_words("restart identity");
        if !restart_identity {
            self.eat_words("continue identity");
        }
        let cascade: Cascade = self.cascade();
        Ok(Statement::Truncate(Truncate {
            tables,
            restart_identity,
            cascade,
        }))
    }

    pub(super) fn comment(&mut self) -> Result<Statement> {
        let pos = self.pos();
        self.expect_words("comment on")?;
        if let Some(kind) = self.eat_routine_kind() {
            return self.comment_function(kind);
        }
        let target = if self.eat("column") {
            let mut parts = vec![self.ident()?];
            while self.eat_punct(".") {
                parts.push(self.label()?);
            }
            match parts.pop() {
                Some(column) if !parts.is_empty() => {
                    CommentTarget::Column(self.qualify(parts)?.into(), column.name)
                }
                _ => return Err(self.syntax("column name must be qualified", pos)),
            }
        } else if self.eat("constraint") {
            let constraint = self.ident()?;
            self.expect("on")?;
            CommentTarget::Constraint(self.name()?.into(), constraint.name)
        } else {
            match self.drop_target() {
                Some(DropTarget::Schema) => CommentTarget::Schema(self.ident()?.name),
                Some(DropTarget::Table) => CommentTarget::Table(self.name()?.into()),
                Some(DropTarget::View) => CommentTarget::View(self.name()?.into()),
                Some(DropTarget::Index) => CommentTarget::Index(self.name()?.into()),
                Some(DropTarget::Sequence) => CommentTarget::Sequence(self.name()?.into()),
                Some(DropTarget::Type | DropTarget::Domain) => {
                    CommentTarget::Type(self.name()?.into())
                }
                None => {
                    let what = self.text_of(self.peek()).to_uppercase();
                    return Err(self.unsupported(format!("COMMENT ON {what}"), pos));
                }
            }
        };
        self.expect("is")?;
        let text = if self.eat("null") {
            None
        } else {
            Some(self.string()?)
        };
        Ok(Statement::Comment { target, text })
    }
}
