//! `CREATE FUNCTION`, `CREATE PROCEDURE`, and the other statements about them.

use helios_base::{Error, Result, SqlState};
use helios_table::catalog::{ArgMode, FunctionVolatility};

use super::ast::{
    AlterFunction, CallProcedure, CommentFunction, CreateFunction, DropFunction, ExprKind,
    FunctionArg, FunctionBody, FunctionChange, FunctionName, FunctionOption, FunctionReturns,
    FunctionSetting, Pos, RoutineKind, Statement,
};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::{RoleCommand, Routines};

impl Parser<'_> {
    /// `FUNCTION`, `PROCEDURE` or `ROUTINE`, if one of them is next.
    pub(super) fn eat_routine_kind(&mut self) -> Option<RoutineKind> {
        [
            ("function", RoutineKind::Function),
            ("procedure", RoutineKind::Procedure),
            ("routine", RoutineKind::Routine),
        ]
        .into_iter()
        .find(|(word, _)| self.eat(word))
        .map(|(_, kind)| kind)
    }

    /// After `CREATE [OR REPLACE] FUNCTION | PROCEDURE`.
    pub(super) fn create_function(
        &mut self,
        or_replace: bool,
        procedure: bool,
    ) -> Result<Statement> {
        let name = self.name()?;
        self.expect_punct("(")?;
        let args = if self.is_punct(")") {
            Vec::new()
        } else {
            self.comma_list(Self::function_arg)?
        };
        self.expect_punct(")")?;
        let returns = if !procedure && self.eat("returns") {
            Some(self.function_returns()?)
        } else {
            None
        };
        let mut create = CreateFunction {
            name,
            or_replace,
            procedure,
            args,
            returns,
            body: None,
            options: Vec::new(),
        };
        loop {
            let pos = self.pos();
            if let Some(body) = self.function_body()? {
                if create.body.replace(body).is_some() {
                    return Err(self.syntax("duplicate function body specified", pos));
                }
                continue;
            }
            match self.function_option(procedure)? {
                Some(option) => create.options.push((option, pos)),
                None => break,
            }
        }
        Ok(Statement::CreateFunction(Box::new(create)))
    }

    fn arg_mode(&mut self) -> ArgMode {
        if self.eat_words("in out") || self.eat("inout") {
            return ArgMode::InOut;
        }
        if self.eat("in") {
            return ArgMode::In;
        }
        if self.eat("variadic") {
            return ArgMode::Variadic;
        }
        // `out` alone is a name or a type.
        let ends = self.is_punct_at(1, ",") || self.is_punct_at(1, ")");
        if !ends && self.eat("out") {
            return ArgMode::Out;
        }
        ArgMode::In
    }

    /// `[mode] [name] type [DEFAULT expression]`; the mode may follow the name too.
    fn function_arg(&mut self) -> Result<FunctionArg> {
        let start = self.pos();
        let mut mode = self.arg_mode();
        let said = self.pos() != start;
        // A name is only there if a type follows it.
        let mark = self.mark();
        let unnamed = self.type_name();
        let ends = self.is_punct(",")
            || self.is_punct(")")
            || self.is_word("default")
            || self.is_op("=")
            || self.is_op("%");
        let (name, ty) = match unnamed {
            Ok(ty) if ends => (None, ty),
            _ => {
                self.reset(mark);
                let name = self.eat_function_name().or_else(|| self.eat_ident());
                let name = name.ok_or_else(|| self.unexpected())?;
                if !said {
                    mode = self.arg_mode();
                }
                (Some(name), self.type_name()?)
            }
        };
        self.no_column_type()?;
        let default = if self.eat("default") || self.eat_op("=") {
            Some(self.text_expr()?)
        } else {
            None
        };
        Ok(FunctionArg {
            mode,
            name,
            ty,
            default,
        })
    }

    /// `table.column%TYPE`
    fn no_column_type(&self) -> Result<()> {
        if self.is_op("%") {
            return Err(self.unsupported("%TYPE", self.pos()));
        }
        Ok(())
    }

    fn function_returns(&mut self) -> Result<FunctionReturns> {
        if self.is_word("table") && self.is_punct_at(1, "(") {
            self.advance();
            let columns = self.paren_list(|parser| {
                let name = parser.eat_function_name().or_else(|| parser.eat_ident());
                let name = name.ok_or_else(|| parser.unexpected())?;
                Ok((name, parser.type_name()?))
            })?;
            return Ok(FunctionReturns::Table(columns));
        }
        let set = self.eat("setof");
        let ty = self.type_name()?;
        self.no_column_type()?;
        Ok(FunctionReturns::Type { set, ty })
    }

    fn function_body(&mut self) -> Result<Option<FunctionBody>> {
        let pos = self.pos();
        if self.eat("as") {
            let at = self.pos();
            let text = self.string()?;
            if self.is_punct(",") {
                return Err(self.unsupported("a function in an object file", pos));
            }
            return Ok(Some(FunctionBody::Text(text, at)));
        }
        if self.eat("return") {
            return Ok(Some(FunctionBody::Return(self.text_expr()?)));
        }
        if self.eat_words("begin atomic") {
            let mut statements = Vec::new();
            while !self.eat("end") {
                if self.is_word("return") {
                    return Err(self.unsupported("RETURN inside BEGIN ATOMIC", self.pos()));
                }
                let mark = self.mark();
                let statement = self.statement()?;
                statements.push((statement, self.span_since(mark)));
                self.expect_punct(";")?;
            }
            return Ok(Some(FunctionBody::Atomic(statements)));
        }
        Ok(None)
    }

    fn function_option(&mut self, procedure: bool) -> Result<Option<FunctionOption>> {
        let pos = self.pos();
        let volatility = [
            ("immutable", FunctionVolatility::Immutable),
            ("stable", FunctionVolatility::Stable),
            ("volatile", FunctionVolatility::Volatile),
        ];
        if self.eat("language") {
            let name = match &self.peek().kind {
                Kind::Text(_) => self.string()?.to_lowercase(),
                _ => self.label()?.name,
            };
            return Ok(Some(FunctionOption::Language(name)));
        }
        let external = self.is_words("external security");
        if external {
            self.advance();
        }
        if self.eat("security") {
            let definer = self.eat("definer");
            if !definer {
                self.expect("invoker")?;
            }
            return Ok(Some(FunctionOption::Security(definer)));
        }
        if self.eat("set") {
            return self.function_setting(pos).map(Some);
        }
        if self.eat("reset") {
            if self.eat("all") {
                return Ok(Some(FunctionOption::ResetAll));
            }
            let name = self.setting_name()?;
            return Ok(Some(match name.as_str() {
                "search_path" => FunctionOption::SearchPath(None),
                _ => FunctionOption::Setting(name, None),
            }));
        }
        if procedure {
            return Ok(None);
        }
        if let Some((_, volatility)) = volatility.into_iter().find(|(word, _)| self.eat(word)) {
            return Ok(Some(FunctionOption::Volatility(volatility)));
        }
        if self.eat("strict") || self.eat_words("returns null on null input") {
            return Ok(Some(FunctionOption::Strict(true)));
        }
        if self.eat_words("called on null input") {
            return Ok(Some(FunctionOption::Strict(false)));
        }
        if self.eat("leakproof") {
            return Ok(Some(FunctionOption::Leakproof(true)));
        }
        if self.eat_words("not leakproof") {
            return Ok(Some(FunctionOption::Leakproof(false)));
        }
        if self.eat("parallel") {
            return Ok(Some(FunctionOption::Parallel(self.label()?.name)));
        }
        if self.eat("cost") {
            return self.positive("COST").map(FunctionOption::Cost).map(Some);
        }
        if self.eat("rows") {
            return self.positive("ROWS").map(FunctionOption::Rows).map(Some);
        }
        for word in ["window", "support", "transform"] {
            if self.is_word(word) {
                let what = format!("{} of a function", word.to_uppercase());
                return Err(self.unsupported(what, pos));
            }
        }
        Ok(None)
    }

    fn positive(&mut self, what: &str) -> Result<f64> {
        let token = self.peek();
        let text = self.text_of(token);
        if token.kind != Kind::Number {
            return Err(self.unexpected());
        }
        self.advance();
        match text.parse::<f64>() {
            Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
            _ => Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("{what} must be positive"),
            )),
        }
    }

    /// After `SET`.
    fn function_setting(&mut self, pos: Pos) -> Result<FunctionOption> {
        let name = self.setting_name()?;
        if name != "search_path" {
            if self.eat_words("from current") {
                return Ok(FunctionOption::Setting(
                    name,
                    Some(FunctionSetting::Current),
                ));
            }
            if !self.eat("to") && !self.eat_op("=") {
                return Err(self.unexpected());
            }
            if self.eat("default") {
                return Ok(FunctionOption::Setting(name, None));
            }
            let values = self.comma_list(Self::option_value)?;
            return Ok(FunctionOption::Setting(
                name,
                Some(FunctionSetting::To(values)),
            ));
        }
        if self.eat_words("from current") {
            return Err(self.unsupported("SET … FROM CURRENT", pos));
        }
        if !self.eat("to") && !self.eat_op("=") {
            return Err(self.unexpected());
        }
        if self.eat("default") {
            return Ok(FunctionOption::SearchPath(None));
        }
        let path = self.comma_list(|parser| match &parser.peek().kind {
            Kind::Text(_) => parser.string(),
            _ => Ok(parser.label()?.name),
        })?;
        Ok(FunctionOption::SearchPath(Some(path)))
    }

    /// `name [(types)]`
    pub(super) fn function_name(&mut self) -> Result<FunctionName> {
        let name = self.name()?;
        if !self.eat_punct("(") {
            return Ok(FunctionName { name, args: None });
        }
        let args = if self.is_punct(")") {
            Vec::new()
        } else {
            self.comma_list(|parser| {
                let arg = parser.function_arg()?;
                Ok((arg.mode, arg.ty))
            })?
        };
        self.expect_punct(")")?;
        Ok(FunctionName {
            name,
            args: Some(args),
        })
    }

    /// After `DROP FUNCTION`.
    pub(super) fn drop_function(&mut self, kind: RoutineKind) -> Result<Statement> {
        let if_exists = self.eat_if_exists()?;
        let functions = self.comma_list(Self::function_name)?;
        let cascade = self.cascade();
        Ok(Statement::DropFunction(Box::new(DropFunction {
            kind,
            functions,
            if_exists,
            cascade,
        })))
    }

    /// After `ALTER FUNCTION`.
    pub(super) fn alter_function(&mut self, kind: RoutineKind) -> Result<Statement> {
        let function = self.function_name()?;
        let change = if self.eat_words("rename to") {
            FunctionChange::Rename(self.ident()?)
        } else if self.eat_words("set schema") {
            FunctionChange::SetSchema(self.ident()?)
        } else if self.eat_words("owner to") {
            let to = self.role_spec()?;
            let tag = match kind {
                RoutineKind::Function => "ALTER FUNCTION",
                RoutineKind::Procedure => "ALTER PROCEDURE",
                RoutineKind::Routine => "ALTER ROUTINE",
            };
            let routine = Routines::Written(kind, vec![function]);
            let own = RoleCommand::OwnRoutine { routine, to, tag };
            return Ok(Statement::Role(Box::new(own)));
        } else {
            let mut options = Vec::new();
            loop {
                let pos = self.pos();
                match self.function_option(kind == RoutineKind::Procedure)? {
                    Some(FunctionOption::Language(_)) => return Err(self.unexpected()),
                    Some(option) => options.push((option, pos)),
                    None => break,
                }
            }
            self.eat("restrict");
            if options.is_empty() {
                return Err(self.unexpected());
            }
            FunctionChange::Options(options)
        };
        Ok(Statement::AlterFunction(Box::new(AlterFunction {
            kind,
            function,
            change,
        })))
    }

    /// After `COMMENT ON FUNCTION`.
    pub(super) fn comment_function(&mut self, kind: RoutineKind) -> Result<Statement> {
        let function = self.function_name()?;
        self.expect("is")?;
        let text = if self.eat("null") {
            None
        } else {
            Some(self.string()?)
        };
        Ok(Statement::CommentFunction(Box::new(CommentFunction {
            kind,
            function,
            text,
        })))
    }

    /// `CALL procedure(arguments)`
    pub(super) fn call_statement(&mut self) -> Result<Statement> {
        self.expect("call")?;
        let pos = self.pos();
        let name = self.name()?;
        if !self.is_punct("(") {
            return Err(self.unexpected());
        }
        match self.call(name, pos)?.kind {
            ExprKind::Call(call) => Ok(Statement::Call(Box::new(CallProcedure {
                call: *call,
                pos,
            }))),
            _ => Err(self.unexpected()),
        }
    }
}
