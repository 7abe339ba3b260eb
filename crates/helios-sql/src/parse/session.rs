//! Transactions, settings, prepared statements, cursors, maintenance, `COPY`.

use helios_base::datetime::{IntervalFields, IntervalModifier, parse_interval_as};
use helios_base::{Error, Result, SqlState};

use super::ast::{Copy, Declare, Explain, Ident, Name, Statement, StorageOption};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::{
    Fetch, FetchDirection, Isolation, SetScope, SetValue, TransactionCommand, TransactionModes,
};

impl Parser<'_> {
    // Transactions.

    pub(super) fn transaction(&mut self) -> Result<Statement> {
        let word = self.label()?.name;
        let command = match word.as_str() {
            "start" => {
                self.expect("transaction")?;
                TransactionCommand::Start(self.transaction_modes()?)
            }
            "begin" => {
                self.work();
                TransactionCommand::Begin(self.transaction_modes()?)
            }
            "commit" | "end" => {
                if word == "commit" && self.eat("prepared") {
                    TransactionCommand::EndPrepared {
                        commit: true,
                        name: self.string()?,
                    }
                } else {
                    self.work();
                    TransactionCommand::Commit {
                        chain: self.chain()?,
                    }
                }
            }
            "savepoint" => TransactionCommand::Savepoint(self.ident()?.name),
            "release" => {
                self.eat("savepoint");
                TransactionCommand::Release(self.ident()?.name)
            }
            _ => {
                if word == "rollback" && self.eat("prepared") {
                    return Ok(Statement::Transaction(TransactionCommand::EndPrepared {
                        commit: false,
                        name: self.string()?,
                    }));
                }
                self.work();
                if word == "rollback" && self.eat("to") {
                    self.eat("savepoint");
                    TransactionCommand::RollbackTo(self.ident()?.name)
                } else {
                    TransactionCommand::Rollback {
                        chain: self.chain()?,
                    }
                }
            }
        };
        Ok(Statement::Transaction(command))
    }

    /// `'-3:30' [HOUR TO MINUTE]` as hours east of UTC.
    fn zone_interval(&mut self) -> Result<String> {
        let pos = self.pos();
        let text = self.string()?;
        let fields = self.interval_fields()?;
        let fields = fields.and_then(|(fields, _)| IntervalFields::named(&fields));
        let interval = parse_interval_as(&text, IntervalModifier::new(fields, None))
            .map_err(|error| error.at(pos.0 as usize))?;
        if interval.months != 0 || interval.days != 0 {
            let unit = if interval.months == 0 {
                "days"
            } else {
                "months"
            };
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("cannot specify {unit} in time zone interval"),
            ));
        }
        Ok(format!("{:.9}", interval.micros as f64 / 3.6e9))
    }

    fn work(&mut self) {
        let _ = self.eat("work") || self.eat("transaction");
    }

    fn chain(&mut self) -> Result<bool> {
        if !self.eat("and") {
            return Ok(false);
        }
        let chain = !self.eat("no");
        self.expect("chain")?;
        Ok(chain)
    }

    fn transaction_modes(&mut self) -> Result<TransactionModes> {
        let mut modes = TransactionModes::default();
        loop {
            if self.eat_words("isolation level") {
                modes.isolation = Some(if self.eat("serializable") {
                    Isolation::Serializable
                } else if self.eat_words("repeatable read") {
                    Isolation::RepeatableRead
                } else if self.eat_words("read uncommitted") {
                    Isolation::ReadUncommitted
                } else {
                    self.expect_words("read committed")?;
                    Isolation::ReadCommitted
                });
            } else if self.eat_words("read only") {
                modes.read_only = Some(true);
            } else if self.eat_words("read write") {
                modes.read_only = Some(false);
            } else if self.eat("deferrable") {
                modes.deferrable = Some(true);
            } else if self.eat_words("not deferrable") {
                modes.deferrable = Some(false);
            } else if self.is_words("as of") && modes.as_of.is_none() {
                let mark = self.mark();
                if self.as_of()?.is_none() {
                    return Err(self.unexpected());
                }
                let text = self.span_since(mark).of(self.source);
                modes.as_of = Some(text.into());
            } else {
                return Ok(modes);
            }
            self.eat_punct(",");
        }
    }

    // Settings.

    pub(super) fn set(&mut self) -> Result<Statement> {
        self.expect("set")?;
        if self.is_word("constraints") {
            return self.set_constraints();
        }
        if self.eat_words("session characteristics as transaction") {
            let modes = self.transaction_modes()?;
            return Ok(Statement::Transaction(
                TransactionCommand::SetCharacteristics(modes),
            ));
        }
        let scope = if self.eat("local") {
            SetScope::Local
        } else {
            self.eat("session");
            SetScope::Session
        };
        if self.is_word("transaction") {
            self.advance();
            if self.is_word("snapshot") {
                return Err(self.unsupported("SET TRANSACTION SNAPSHOT", self.pos()));
            }
            let modes = self.transaction_modes()?;
            return Ok(Statement::Transaction(TransactionCommand::SetTransaction(
                modes,
            )));
        }
        if self.is_word("role") && !self.is_word_at(1, "to") && !self.is_assigned() {
            self.advance();
            return self.set_role("role", scope);
        }
        // `SESSION` was taken for the scope.
        if self.eat("authorization") || self.eat_words("session authorization") {
            return self.set_role("session_authorization", scope);
        }
        if self.eat_words("time zone") {
            let value = if self.eat("default") || self.eat("local") {
                SetValue::Default
            } else {
                let zone = if self.eat("interval") {
                    self.zone_interval()?
                } else {
                    self.option_value()?
                };
                SetValue::Values(vec![zone])
            };
            return Ok(Statement::Set {
                name: "timezone".to_owned(),
                value,
                scope,
            });
        }
        if self.eat("schema") {
            let value = SetValue::Values(vec![self.string()?]);
            return Ok(Statement::Set {
                name: "search_path".to_owned(),
                value,
                scope,
            });
        }
        let name = if self.eat("names") {
            "client_encoding".to_owned()
        } else {
            let name = self.setting_name()?;
            if !self.eat("to") && !self.eat_op("=") {
                return Err(self.unexpected());
            }
            name
        };
        let value = if self.eat("default") {
            SetValue::Default
        } else {
            SetValue::Values(self.comma_list(Self::option_value)?)
        };
        Ok(Statement::Set { name, value, scope })
    }

    pub(super) fn setting_name(&mut self) -> Result<String> {
        let mut name = self.label()?.name.to_lowercase();
        while self.eat_punct(".") {
            name.push('.');
            name.push_str(&self.label()?.name.to_lowercase());
        }
        Ok(name)
    }

    fn set_constraints(&mut self) -> Result<Statement> {
        self.expect("constraints")?;
        let names = if self.eat("all") {
            Vec::new()
        } else {
            self.comma_list(|parser| parser.name().map(Into::into))?
        };
        let deferred = self.eat("deferred");
        if !deferred {
            self.expect("immediate")?;
        }
        Ok(Statement::Transaction(TransactionCommand::SetConstraints {
            names,
            deferred,
        }))
    }

    pub(super) fn show(&mut self) -> Result<Statement> {
        self.expect("show")?;
        self.named_setting().map(Statement::Show)
    }

    pub(super) fn reset_statement(&mut self) -> Result<Statement> {
        self.expect("reset")?;
        if self.eat_words("session authorization") {
            return Ok(Statement::Reset(Some("session_authorization".to_owned())));
        }
        self.named_setting().map(Statement::Reset)
    }

    fn named_setting(&mut self) -> Result<Option<String>> {
        if self.eat("all") {
            return Ok(None);
        }
        if self.eat_words("time zone") {
            return Ok(Some("timezone".to_owned()));
        }
        if self.eat_words("transaction isolation level") {
            return Ok(Some("transaction_isolation".to_owned()));
        }
        self.setting_name().map(Some)
    }

    // EXPLAIN and prepared statements.

    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.expect("explain")?;
        let mut options = Vec::new();
        if self.is_punct("(") && !self.is_query() {
            options = self.paren_list(|parser| {
                let pos = parser.pos();
                let name = parser.label()?.name;
                let ends = parser.is_punct(",") || parser.is_punct(")");
                let value = if ends {
                    "true".to_owned()
                } else {
                    parser.option_value()?
                };
                Ok(StorageOption { name, value, pos })
            })?;
        } else {
            for word in ["analyze", "analyse", "verbose"] {
                let pos = self.pos();
                if self.eat(word) {
                    let name = if word == "analyse" { "analyze" } else { word };
                    options.push(StorageOption {
                        name: name.to_owned(),
                        value: "true".to_owned(),
                        pos,
                    });
                }
            }
        }
        let pos = self.pos();
        let statement = self.nested(Self::statement)?;
        match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::CreateTable(_)
            | Statement::Execute { .. }
            | Statement::Declare(_) => {
                Ok(Statement::Explain(Box::new(Explain { statement, options })))
            }
            _ => Err(self.syntax(
                format!("syntax error at or near \"{}\"", self.word_at(pos)),
                pos,
            )),
        }
    }

    fn word_at(&self, pos: super::Pos) -> &str {
        let rest = self.source.get(pos.0 as usize..).unwrap_or_default();
        rest.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
    }

    pub(super) fn prepare(&mut self) -> Result<Statement> {
        self.expect("prepare")?;
        if self.is_word("transaction") && matches!(self.peek_at(1).kind, Kind::Text(_)) {
            self.advance();
            self.string()?;
            return Ok(Statement::Transaction(TransactionCommand::Prepare));
        }
        let name = self.ident()?;
        let types = if self.is_punct("(") {
            self.paren_list(Self::type_name)?
        } else {
            Vec::new()
        };
        self.expect("as")?;
        let mark = self.mark();
        let statement = self.nested(Self::statement)?;
        let span = self.span_since(mark);
        if !matches!(
            statement,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_)
        ) {
            let pos = super::Pos::new(span.start);
            return Err(self.syntax(
                format!("syntax error at or near \"{}\"", self.word_at(pos)),
                pos,
            ));
        }
        Ok(Statement::Prepare {
            name,
            types,
            statement: Box::new(statement),
            span,
        })
    }

    pub(super) fn execute(&mut self) -> Result<Statement> {
        self.expect("execute")?;
        let name = self.ident()?;
        let args = if self.is_punct("(") {
            self.paren_list(Self::expr)?
        } else {
            Vec::new()
        };
        Ok(Statement::Execute { name, args })
    }

    pub(super) fn deallocate(&mut self) -> Result<Statement> {
        self.expect("deallocate")?;
        self.eat("prepare");
        self.ident_or_all().map(Statement::Deallocate)
    }

    fn ident_or_all(&mut self) -> Result<Option<Ident>> {
        if self.eat("all") {
            Ok(None)
        } else {
            self.ident().map(Some)
        }
    }

    // Cursors.

    pub(super) fn declare(&mut self) -> Result<Statement> {
        self.expect("declare")?;
        let name = self.ident()?;
        let (mut scroll, mut binary, mut hold) = (None, false, false);
        loop {
            if self.eat("binary") {
                binary = true;
            } else if self.eat("scroll") {
                scroll = Some(true);
            } else if self.eat_words("no scroll") {
                scroll = Some(false);
            } else if !self.eat("insensitive") && !self.eat("asensitive") {
                break;
            }
        }
        self.expect("cursor")?;
        if self.eat_words("with hold") {
            hold = true;
        } else {
            self.eat_words("without hold");
        }
        self.expect("for")?;
        let query = self.query()?;
        Ok(Statement::Declare(Box::new(Declare {
            name,
            scroll,
            hold,
            binary,
            query,
        })))
    }

    pub(super) fn fetch(&mut self) -> Result<Statement> {
        let only_move = self.eat("move");
        if !only_move {
            self.expect("fetch")?;
        }
        let direction = self.direction_of_fetch()?;
        let _ = self.eat("from") || self.eat("in");
        let cursor = self.ident()?.name;
        Ok(Statement::Fetch(Fetch {
            cursor,
            direction,
            only_move,
        }))
    }

    fn direction_of_fetch(&mut self) -> Result<FetchDirection> {
        let number = |parser: &Self| {
            parser.peek().kind == Kind::Number || parser.is_op("-") || parser.is_op("+")
        };
        Ok(if self.eat("next") {
            FetchDirection::Forward(1)
        } else if self.eat("prior") {
            FetchDirection::Forward(-1)
        } else if self.eat("first") {
            FetchDirection::Absolute(1)
        } else if self.eat("last") {
            FetchDirection::Absolute(-1)
        } else if self.eat("absolute") {
            FetchDirection::Absolute(self.integer()?)
        } else if self.eat("relative") {
            FetchDirection::Relative(self.integer()?)
        } else if self.eat("all") {
            FetchDirection::ForwardAll
        } else if self.eat("forward") {
            if self.eat("all") {
                FetchDirection::ForwardAll
            } else if number(self) {
                FetchDirection::Forward(self.integer()?)
            } else {
                FetchDirection::Forward(1)
            }
        } else if self.eat("backward") {
            if self.eat("all") {
                FetchDirection::BackwardAll
            } else if number(self) {
                FetchDirection::Forward(self.integer()?.saturating_neg())
            } else {
                FetchDirection::Forward(-1)
            }
        } else if number(self) {
            FetchDirection::Forward(self.integer()?)
        } else {
            FetchDirection::Forward(1)
        })
    }

    pub(super) fn close(&mut self) -> Result<Statement> {
        self.expect("close")?;
        self.ident_or_all().map(Statement::Close)
    }

    // Maintenance.

    /// `REINDEX`
    pub(super) fn reindex(&mut self) -> Result<Statement> {
        self.expect("reindex")?;
        if self.is_punct("(") {
            self.paren_list(|parser| {
                let pos = parser.pos();
                let name = parser.label()?.name;
                if !parser.is_punct(",") && !parser.is_punct(")") {
                    parser.option_value()?;
                }
                match name.as_str() {
                    "verbose" | "concurrently" => Ok(()),
                    _ => Err(parser.unsupported(format!("option \"{name}\""), pos)),
                }
            })?;
        }
        let pos = self.pos();
        let kind = self.label()?;
        self.eat("concurrently");
        let name = match kind.name.as_str() {
            "table" | "index" => Some(self.name()?),
            "schema" => {
                self.ident()?;
                None
            }
            "database" | "system" => {
                self.eat_ident();
                None
            }
            _ => {
                return Err(self.syntax(format!("syntax error at or near \"{}\"", kind.name), pos));
            }
        };
        Ok(Statement::Reindex(name))
    }

    pub(super) fn maintenance(&mut self) -> Result<Statement> {
        let vacuum = self.eat("vacuum");
        let mut analyze = false;
        let mut full = false;
        if !vacuum {
            self.advance();
        }
        if self.is_punct("(") {
            let options = self.paren_list(|parser| {
                let pos = parser.pos();
                let name = parser.label()?.name;
                let ends = parser.is_punct(",") || parser.is_punct(")");
                let on = ends || matches!(parser.option_value()?.as_str(), "true" | "on" | "1");
                match name.as_str() {
                    "analyze" | "full" | "verbose" | "freeze" => Ok((name, on)),
                    _ => Err(parser.unsupported(format!("option \"{name}\""), pos)),
                }
            })?;
            analyze = options.iter().any(|(name, on)| name == "analyze" && *on);
            full = options.iter().any(|(name, on)| name == "full" && *on);
        } else {
            loop {
                if self.eat("full") {
                    full = true;
                } else if self.eat("analyze") {
                    analyze = true;
                } else if !self.eat("verbose") && !self.eat("freeze") {
                    break;
                }
            }
        }
        let tables: Vec<Name> = if self.is_ident() {
            self.comma_list(|parser| {
                let name = parser.name()?;
                if parser.is_punct("(") {
                    parser.idents()?;
                }
                Ok(name)
            })?
        } else {
            Vec::new()
        };
        Ok(if vacuum {
            Statement::Vacuum {
                tables,
                analyze,
                full,
            }
        } else {
            Statement::Analyze(tables)
        })
    }

    pub(super) fn discard(&mut self) -> Result<Statement> {
        self.expect("discard")?;
        for (word, what) in [
            ("all", "all"),
            ("plans", "plans"),
            ("sequences", "sequences"),
            ("temp", "temp"),
            ("temporary", "temp"),
        ] {
            if self.eat(word) {
                return Ok(Statement::Discard(what.to_owned()));
            }
        }
        Err(self.unexpected())
    }

    pub(super) fn lock_table(&mut self) -> Result<Statement> {
        self.expect("lock")?;
        self.eat("table");
        let tables = self.comma_list(|parser| {
            parser.eat("only");
            parser.name()
        })?;
        const MODES: [&str; 8] = [
            "access share",
            "row share",
            "row exclusive",
            "share update exclusive",
            "share row exclusive",
            "share",
            "exclusive",
            "access exclusive",
        ];
        let mode = if self.eat("in") {
            let Some(mode) = MODES.iter().find(|mode| self.eat_words(mode)) else {
                return Err(self.unexpected());
            };
            self.expect("mode")?;
            mode.to_uppercase()
        } else {
            "ACCESS EXCLUSIVE".to_owned()
        };
        let no_wait = self.eat("nowait");
        Ok(Statement::Lock {
            tables,
            mode,
            no_wait,
        })
    }

    // COPY.

    pub(super) fn copy(&mut self) -> Result<Statement> {
        let pos = self.pos();
        self.expect("copy")?;
        let (mut table, mut query) = (None, None);
        if self.eat_punct("(") {
            query = Some(self.nested(Self::statement)?);
            self.expect_punct(")")?;
        } else {
            let name = self.name()?;
            let columns = if self.is_punct("(") {
                self.idents()?
            } else {
                Vec::new()
            };
            table = Some((name, columns));
        }
        let from = self.eat("from");
        if !from {
            self.expect("to")?;
        }
        if from && query.is_some() {
            return Err(self.unexpected());
        }
        if self.is_word("program") {
            return Err(self.unsupported("COPY with PROGRAM", self.pos()));
        }
        let file = if self.eat(if from { "stdin" } else { "stdout" }) {
            None
        } else {
            Some(self.string()?)
        };
        let options = self.copy_options()?;
        let filter = if from { self.where_clause()? } else { None };
        Ok(Statement::Copy(Box::new(Copy {
            table,
            query,
            from,
            file,
            options,
            filter,
            pos,
        })))
    }

    /// `QUOTE`, `NOT NULL` or `NULL` with the columns, after `FORCE`.
    fn forced_columns(&mut self) -> Result<(&'static str, String)> {
        let name = if self.eat("quote") {
            "force_quote"
        } else if self.eat_words("not null") {
            "force_not_null"
        } else {
            self.expect("null")?;
            "force_null"
        };
        if name == "force_quote" && self.eat_op("*") {
            return Ok((name, "*".to_owned()));
        }
        let names = self.comma_list(Self::ident)?;
        let names: Vec<String> = names.into_iter().map(|name| name.name).collect();
        Ok((name, names.join("\0")))
    }

    fn copy_options(&mut self) -> Result<Vec<StorageOption>> {
        self.eat("with");
        if self.is_punct("(") {
            return self.paren_list(|parser| {
                let pos = parser.pos();
                let name = parser.label()?.name;
                let value = if parser.is_punct("(") {
                    let names = parser.idents()?;
                    let names: Vec<String> = names.into_iter().map(|name| name.name).collect();
                    names.join("\0")
                } else if parser.eat_op("*") {
                    "*".to_owned()
                } else if parser.is_punct(",") || parser.is_punct(")") {
                    "true".to_owned()
                } else {
                    parser.option_value()?
                };
                Ok(StorageOption { name, value, pos })
            });
        }
        // The form of PostgreSQL before 9.0, still common in dumps.
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            let (name, value) = if self.eat("csv") {
                ("format", "csv".to_owned())
            } else if self.eat("binary") {
                ("format", "binary".to_owned())
            } else if self.eat("header") {
                ("header", "true".to_owned())
            } else if self.eat("freeze") {
                ("freeze", "true".to_owned())
            } else if self.eat("force") {
                self.forced_columns()?
            } else if let Some(word) = ["delimiter", "null", "quote", "escape", "encoding"]
                .into_iter()
                .find(|word| self.is_word(word))
            {
                self.advance();
                self.eat("as");
                (word, self.string()?)
            } else {
                return Ok(options);
            };
            options.push(StorageOption {
                name: name.to_owned(),
                value,
                pos,
            });
        }
    }
}
