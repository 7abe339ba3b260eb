//! `CREATE`.

use helios_base::Result;
use helios_table::catalog::CheckOption;
use helios_table::columnar::{CLUSTER_BY, cluster_option};

use super::ast::{
    Action, ColumnDef, Constraint, ConstraintKind, CreateTable, CreateView, Ident, Like, Sequence,
    SequenceOption, Statement, StorageOption, TableAs, TextExpr,
};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::OnCommit;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Statement> {
        let pos = self.pos();
        self.expect("create")?;
        let or_replace = self.eat_words("or replace");
        let temporary = self.temporary()?;
        if self.eat("recursive") {
            return Err(self.unsupported("CREATE RECURSIVE VIEW", pos));
        }
        if self.eat("view") {
            return self.create_view(or_replace, temporary);
        }
        if !temporary && (self.is_word("function") || self.is_word("procedure")) {
            let procedure = self.eat("procedure") || !self.eat("function");
            return self.create_function(or_replace, procedure);
        }
        if self.is_word("trigger") || self.is_words("constraint trigger") {
            return Err(self.no_triggers(pos));
        }
        if or_replace {
            let what = self.text_of(self.peek()).to_uppercase();
            return Err(self.unsupported(format!("CREATE OR REPLACE {what}"), pos));
        }
        // Every table is logged: one that need not be is no worse for it.
        if !temporary && self.is_words("unlogged table") {
            self.advance();
        }
        if self.eat("table") {
            return self.create_table(temporary);
        }
        if self.eat("sequence") {
            let conditional = self.eat_if_not_exists()?;
            let name = self.name()?;
            let options = self.sequence_options()?;
            return Ok(Statement::CreateSequence(Box::new(Sequence {
                name,
                conditional,
                temporary,
                options,
            })));
        }
        if temporary {
            return Err(self.unexpected());
        }
        let unique = self.eat("unique");
        if self.eat("index") {
            return self.create_index(unique);
        }
        if unique {
            return Err(self.unexpected());
        }
        if self.eat("schema") {
            return self.create_schema();
        }
        if self.eat("type") {
            return self.create_type();
        }
        if self.eat("extension") {
            return self.extension(false);
        }
        if self.eat("domain") {
            return self.create_domain();
        }
        match &self.peek().kind {
            Kind::Word(word) if self.is_known_object(word) => {
                Err(self.no_object("CREATE", word, pos))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Objects that PostgreSQL has and we do not.
    pub(super) fn is_known_object(&self, word: &str) -> bool {
        const OBJECTS: [&str; 28] = [
            "access",
            "aggregate",
            "cast",
            "collation",
            "constraint",
            "conversion",
            "database",
            "default",
            "domain",
            "event",
            "extension",
            "foreign",
            "group",
            "language",
            "large",
            "materialized",
            "operator",
            "policy",
            "publication",
            "role",
            "rule",
            "server",
            "statistics",
            "subscription",
            "system",
            "tablespace",
            "trigger",
            "type",
        ];
        OBJECTS.contains(&word) || ["user", "text", "transform", "unlogged"].contains(&word)
    }

    /// Triggers call functions that return `trigger`, which SQL cannot write.
    fn no_triggers(&self, pos: super::Pos) -> helios_base::Error {
        let error = self.unsupported("CREATE TRIGGER", pos);
        error.with_hint(
            "Use generated columns, CHECK constraints, foreign keys with ON DELETE and ON UPDATE, or \
             a procedure that makes all changes.",
        )
    }

    fn temporary(&mut self) -> Result<bool> {
        let _ = self.eat("local") || self.eat("global");
        Ok(self.eat("temporary") || self.eat("temp"))
    }

    fn create_view(&mut self, or_replace: bool, temporary: bool) -> Result<Statement> {
        let name = self.name()?;
        let columns = if self.is_punct("(") {
            self.idents()?
        } else {
            Vec::new()
        };
        if self.is_word("with") {
            return Err(self.unsupported("WITH options of a view", self.pos()));
        }
        self.expect("as")?;
        let query = self.query()?;
        let check_option = if self.eat("with") {
            let local = self.eat("local");
            if !local {
                self.eat("cascaded");
            }
            self.expect_words("check option")?;
            Some(if local {
                CheckOption::Local
            } else {
                CheckOption::Cascaded
            })
        } else {
            None
        };
        Ok(Statement::CreateView(Box::new(CreateView {
            name,
            or_replace,
            temporary,
            columns,
            query,
            check_option,
        })))
    }

    // Tables.

    fn create_table(&mut self, temporary: bool) -> Result<Statement> {
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.name()?;
        let mut table = CreateTable {
            name,
            if_not_exists,
            temporary,
            on_commit: None,
            columns: Vec::new(),
            like: Vec::new(),
            constraints: Vec::new(),
            options: Vec::new(),
            query: None,
        };
        if self.is_word("of") || self.is_words("partition of") {
            return Err(self.unsupported("typed and partition tables", self.pos()));
        }
        let mut columns = Vec::new();
        if self.is_punct("(") {
            if self.is_plain_names() {
                columns = self.idents()?;
            } else {
                self.table_elements(&mut table)?;
            }
        }
        for clause in ["inherits", "partition", "using", "tablespace"] {
            if self.is_word(clause) {
                return Err(self.no_clause(clause, self.pos()));
            }
        }
        let first = self.cluster_by()?;
        if self.is_word("with") {
            self.advance();
            table.options = self.storage_options()?;
        } else {
            self.eat_words("without oids");
        }
        table.options.extend(first.flatten());
        table.options.extend(self.cluster_by()?.flatten());
        if self.eat_words("on commit") {
            table.on_commit = Some(if self.eat("drop") {
                OnCommit::Drop
            } else if self.eat_words("delete rows") {
                OnCommit::DeleteRows
            } else {
                self.expect_words("preserve rows")?;
                OnCommit::PreserveRows
            });
        }
        if table.columns.is_empty() && table.constraints.is_empty() && self.eat("as") {
            if self.is_word("execute") {
                return Err(self.unsupported("CREATE TABLE AS EXECUTE", self.pos()));
            }
            let query = self.query()?;
            let with_data = !self.eat_words("with no data");
            if with_data {
                self.eat_words("with data");
            }
            table.query = Some(TableAs {
                columns,
                query,
                with_data,
            });
        } else if !columns.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// `(a, b)`: the column names of `CREATE TABLE AS`.
    fn is_plain_names(&self) -> bool {
        matches!(self.peek_at(1).kind, Kind::Word(_) | Kind::Quoted(_))
            && (self.is_punct_at(2, ",") || self.is_punct_at(2, ")"))
    }

    fn table_elements(&mut self, table: &mut CreateTable) -> Result<()> {
        self.expect_punct("(")?;
        if self.eat_punct(")") {
            return Ok(());
        }
        loop {
            if self.is_word("like") {
                let after = table.columns.len();
                table.like.push(self.like_table(after)?);
            } else if self.begins_table_constraint() {
                table.constraints.push(self.table_constraint()?);
            } else {
                table.columns.push(self.column_def()?);
            }
            if !self.eat_punct(",") {
                return self.expect_punct(")");
            }
        }
    }

    fn like_table(&mut self, after: usize) -> Result<Like> {
        self.expect("like")?;
        let table = self.name()?;
        let mut including: Vec<String> = Vec::new();
        loop {
            let include = self.eat("including");
            if !include && !self.eat("excluding") {
                break;
            }
            let what = self.label()?.name;
            if include {
                including.push(what);
            } else if what == "all" {
                including.clear();
            } else {
                including.retain(|item| *item != what);
            }
        }
        Ok(Like {
            table,
            including,
            after,
        })
    }

    pub(super) fn begins_table_constraint(&self) -> bool {
        let words = ["constraint", "primary", "unique", "check", "foreign"];
        words.iter().any(|word| self.is_word(word))
            || (self.is_word("exclude")
                && (self.is_punct_at(1, "(") || self.is_word_at(1, "using")))
    }

    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let name = self.ident()?;
        let ty = self.type_name()?;
        let mut column = ColumnDef {
            name,
            ty,
            collation: None,
            constraints: Vec::new(),
        };
        loop {
            if self.eat("collate") {
                let mut parts = vec![self.label()?];
                while self.eat_punct(".") {
                    parts.push(self.label()?);
                }
                column.collation = Some(self.qualify(parts)?);
                continue;
            }
            for clause in ["storage", "compression"] {
                if self.is_word(clause) {
                    return Err(self.no_clause(clause, self.pos()));
                }
            }
            match self.column_constraint()? {
                Some(constraint) => column.constraints.push(constraint),
                None => return Ok(column),
            }
        }
    }

    /// A constraint on a column; `None` if none begins here. Attributes such as `DEFERRABLE` belong
    /// to the constraint before them.
    pub(super) fn column_constraint(&mut self) -> Result<Option<Constraint>> {
        let pos = self.pos();
        let name = if self.eat("constraint") {
            Some(self.ident()?)
        } else {
            None
        };
        let kind = if self.eat_words("not null") {
            ConstraintKind::NotNull
        } else if self.eat("null") {
            ConstraintKind::Null
        } else if self.eat("default") {
            let mark = self.mark();
            let expr = self.restricted_expr()?;
            ConstraintKind::Default(TextExpr {
                expr,
                span: self.span_since(mark),
            })
        } else if self.eat("generated") {
            self.generated()?
        } else if self.eat("check") {
            ConstraintKind::Check(self.paren_expr()?)
        } else if self.is_word("unique") || self.is_word("primary") {
            self.key(false)?
        } else if self.eat("references") {
            self.references(Vec::new())?
        } else if name.is_some() {
            return Err(self.unexpected());
        } else {
            return Ok(None);
        };
        let mut constraint = plain(name, kind, pos);
        self.attributes(&mut constraint)?;
        Ok(Some(constraint))
    }

    fn generated(&mut self) -> Result<ConstraintKind> {
        let always = if self.eat("always") {
            true
        } else {
            self.expect_words("by default")?;
            false
        };
        self.expect("as")?;
        if self.eat("identity") {
            let options = if self.eat_punct("(") {
                let options = self.sequence_options()?;
                self.expect_punct(")")?;
                options
            } else {
                Vec::new()
            };
            return Ok(ConstraintKind::Identity { always, options });
        }
        let pos = self.pos();
        if !always {
            return Err(self.syntax(
                "for a generated column, GENERATED ALWAYS must be specified",
                pos,
            ));
        }
        let expr = self.paren_expr()?;
        if self.is_word("virtual") {
            return Err(self.unsupported("VIRTUAL generated columns", self.pos()));
        }
        self.expect("stored")?;
        Ok(ConstraintKind::Generated(expr))
    }

    /// `GENERATED …` after `ALTER COLUMN … ADD`.
    pub(super) fn identity(&mut self) -> Result<(bool, Vec<SequenceOption>)> {
        self.expect("generated")?;
        match self.generated()? {
            ConstraintKind::Identity { always, options } => Ok((always, options)),
            _ => Err(self.unexpected()),
        }
    }

    /// `(expression)` with its text.
    fn paren_expr(&mut self) -> Result<TextExpr> {
        self.expect_punct("(")?;
        let mark = self.mark();
        let expr = self.expr()?;
        let span = self.span_since(mark);
        self.expect_punct(")")?;
        Ok(TextExpr { expr, span })
    }

    pub(super) fn table_constraint(&mut self) -> Result<Constraint> {
        let pos = self.pos();
        let name = if self.eat("constraint") {
            Some(self.ident()?)
        } else {
            None
        };
        let kind = if self.eat("check") {
            ConstraintKind::Check(self.paren_expr()?)
        } else if self.is_word("unique") || self.is_word("primary") {
            self.key(true)?
        } else if self.eat("foreign") {
            self.expect("key")?;
            let columns = self.idents()?;
            self.expect("references")?;
            self.references(columns)?
        } else if self.is_word("exclude") {
            return Err(self.no_clause("exclude", self.pos()));
        } else {
            return Err(self.unexpected());
        };
        let mut constraint = plain(name, kind, pos);
        self.attributes(&mut constraint)?;
        Ok(constraint)
    }

    fn key(&mut self, table: bool) -> Result<ConstraintKind> {
        let primary = self.eat("primary");
        self.expect(if primary { "key" } else { "unique" })?;
        let nulls_not_distinct = !primary && self.eat_words("nulls not distinct");
        if !primary && !nulls_not_distinct {
            self.eat_words("nulls distinct");
        }
        let mut columns = Vec::new();
        let mut include = Vec::new();
        let mut using_index = None;
        if table && self.eat_words("using index") {
            using_index = Some(self.ident()?);
        } else {
            if table {
                columns = self.idents()?;
            }
            if self.eat("include") {
                include = self.idents()?;
            }
        }
        let options = if self.is_word("with") && self.is_punct_at(1, "(") {
            self.advance();
            self.storage_options()?
        } else {
            Vec::new()
        };
        if self.is_words("using index tablespace") {
            return Err(self.unsupported("TABLESPACE", self.pos()));
        }
        Ok(ConstraintKind::Key {
            primary,
            columns,
            include,
            nulls_not_distinct,
            using_index,
            options,
        })
    }

    fn references(&mut self, columns: Vec<Ident>) -> Result<ConstraintKind> {
        let table = self.name()?;
        let referred = if self.is_punct("(") {
            self.idents()?
        } else {
            Vec::new()
        };
        let mut match_full = false;
        let (mut on_delete, mut on_update) = (Action::NoAction, Action::NoAction);
        if self.eat("match") {
            if self.eat("full") {
                match_full = true;
            } else if self.is_word("partial") {
                return Err(self.unsupported("MATCH PARTIAL", self.pos()));
            } else {
                self.expect("simple")?;
            }
        }
        while self.eat("on") {
            if self.eat("delete") {
                on_delete = self.action()?;
            } else {
                self.expect("update")?;
                on_update = self.action()?;
            }
        }
        Ok(ConstraintKind::Foreign {
            columns,
            table,
            referred,
            match_full,
            on_delete,
            on_update,
        })
    }

    fn action(&mut self) -> Result<Action> {
        Ok(if self.eat_words("no action") {
            Action::NoAction
        } else if self.eat("restrict") {
            Action::Restrict
        } else if self.eat("cascade") {
            Action::Cascade
        } else {
            self.expect("set")?;
            let null = self.eat("null");
            if !null {
                self.expect("default")?;
            }
            let columns = if self.is_punct("(") {
                self.idents()?
            } else {
                Vec::new()
            };
            if null {
                Action::SetNull(columns)
            } else {
                Action::SetDefault(columns)
            }
        })
    }

    pub(super) fn attributes(&mut self, constraint: &mut Constraint) -> Result<()> {
        let pos = self.pos();
        loop {
            if self.eat_words("not deferrable") {
                constraint.deferrable = Some(false);
            } else if self.eat("deferrable") {
                constraint.deferrable = Some(true);
            } else if self.eat_words("initially deferred") {
                constraint.initially_deferred = Some(true);
            } else if self.eat_words("initially immediate") {
                constraint.initially_deferred = Some(false);
            } else if self.eat_words("not valid") {
                constraint.not_valid = true;
            } else if self.eat_words("no inherit") {
                constraint.no_inherit = true;
            } else {
                break;
            }
        }
        if constraint.initially_deferred == Some(true) && constraint.deferrable == Some(false) {
            return Err(self.syntax(
                "constraint declared INITIALLY DEFERRED must be DEFERRABLE",
                pos,
            ));
        }
        Ok(())
    }

    /// `CLUSTER BY (column, …) | NONE`, as the option that says the same; the inner one is absent for `NONE`.
    pub(super) fn cluster_by(&mut self) -> Result<Option<Option<StorageOption>>> {
        let pos = self.pos();
        if !self.eat_words("cluster by") {
            return Ok(None);
        }
        if self.eat("none") {
            return Ok(Some(None));
        }
        let columns = self.idents()?;
        let names = columns.iter().map(|column| column.name.as_str());
        Ok(Some(Some(StorageOption {
            name: CLUSTER_BY.to_owned(),
            value: cluster_option(names),
            pos,
        })))
    }

    /// `(name [= value], …)`
    pub(super) fn storage_options(&mut self) -> Result<Vec<StorageOption>> {
        self.paren_list(|parser| {
            let Ident { name, pos, .. } = parser.storage_option_name()?;
            let value = if parser.eat_op("=") {
                parser.option_value()?
            } else {
                "true".to_owned()
            };
            Ok(StorageOption { name, value, pos })
        })
    }

    /// The name of an option: `fillfactor`, `merge.amount`.
    pub(super) fn storage_option_name(&mut self) -> Result<Ident> {
        let mut name = self.label()?;
        while self.eat_punct(".") {
            name.name.push('.');
            name.name.push_str(&self.label()?.name);
        }
        Ok(name)
    }

    /// A word, string or number, as text.
    pub(super) fn option_value(&mut self) -> Result<String> {
        let token = self.peek();
        Ok(match &token.kind {
            Kind::Text(text) => {
                self.advance();
                text.clone()
            }
            Kind::Word(word)
                if word == "interval" && matches!(self.peek_at(1).kind, Kind::Text(_)) =>
            {
                self.advance();
                self.interval_value()?
            }
            Kind::Word(word) => {
                self.advance();
                word.clone()
            }
            Kind::Quoted(name) => {
                self.advance();
                name.clone()
            }
            Kind::Op if matches!(self.text_of(token), "-" | "+") => {
                let negative = self.is_op("-");
                self.advance();
                let number = self.peek();
                if number.kind != Kind::Number {
                    return Err(self.unexpected());
                }
                self.advance();
                let sign = if negative { "-" } else { "" };
                format!("{sign}{}", self.text_of(number))
            }
            Kind::Number => {
                self.advance();
                self.text_of(token).to_owned()
            }
            _ => return Err(self.unexpected()),
        })
    }

    // Indexes and sequences.

    /// Options of a sequence, in any order.
    pub(super) fn sequence_options(&mut self) -> Result<Vec<SequenceOption>> {
        let mut options = Vec::new();
        loop {
            options.push(if self.eat("as") {
                SequenceOption::Type(self.type_name()?)
            } else if self.eat("start") {
                self.eat("with");
                SequenceOption::Start(self.integer()?)
            } else if self.eat("increment") {
                self.eat("by");
                SequenceOption::Increment(self.integer()?)
            } else if self.eat("minvalue") {
                SequenceOption::Min(Some(self.integer()?))
            } else if self.eat("maxvalue") {
                SequenceOption::Max(Some(self.integer()?))
            } else if self.eat_words("no minvalue") {
                SequenceOption::Min(None)
            } else if self.eat_words("no maxvalue") {
                SequenceOption::Max(None)
            } else if self.eat("cache") {
                SequenceOption::Cache(self.integer()?)
            } else if self.eat("cycle") {
                SequenceOption::Cycle(true)
            } else if self.eat_words("no cycle") {
                SequenceOption::Cycle(false)
            } else if self.eat("restart") {
                self.eat("with");
                let number = matches!(self.peek().kind, Kind::Number | Kind::Op);
                let value = if number { Some(self.integer()?) } else { None };
                SequenceOption::Restart(value)
            } else if self.eat_words("owned by") {
                self.owner()?
            } else if self.eat_words("sequence name") {
                SequenceOption::Named(self.name()?)
            } else {
                return Ok(options);
            });
        }
    }

    fn owner(&mut self) -> Result<SequenceOption> {
        if self.eat("none") {
            return Ok(SequenceOption::OwnedBy(None));
        }
        let pos = self.pos();
        let mut parts = vec![self.ident()?];
        while self.eat_punct(".") {
            parts.push(self.label()?);
        }
        match parts.pop() {
            Some(column) if !parts.is_empty() => {
                let table = self.qualify(parts)?;
                Ok(SequenceOption::OwnedBy(Some((table, column))))
            }
            _ => Err(self
                .syntax("invalid OWNED BY option", pos)
                .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")),
        }
    }
}

pub(super) fn plain(name: Option<Ident>, kind: ConstraintKind, pos: super::Pos) -> Constraint {
    Constraint {
        name,
        kind,
        deferrable: None,
        initially_deferred: None,
        not_valid: false,
        no_inherit: false,
        pos,
    }
}
