//! Type names: standard SQL's spellings and plain names.

use helios_base::Result;

use super::ast::TypeName;
use super::cursor::Parser;
use super::lexer::Kind;

impl Parser<'_> {
    /// A type with modifiers and brackets.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let pos = self.pos();
        if self.is_word("setof") {
            return Err(self.unsupported("SETOF", pos));
        }
        let mut ty = match self.standard_type()? {
            Some(ty) => ty,
            None => self.named_type()?,
        };
        ty.pos = pos;
        if self.eat("array") {
            ty.dimensions = 1;
            if self.eat_punct("[") {
                self.integer()?;
                self.expect_punct("]")?;
            }
        }
        while self.eat_punct("[") {
            if !self.is_punct("]") {
                self.integer()?;
            }
            self.expect_punct("]")?;
            ty.dimensions += 1;
        }
        Ok(ty)
    }

    fn plain(name: &str, modifiers: Vec<i64>) -> TypeName {
        TypeName {
            schema: None,
            name: name.to_owned(),
            modifiers,
            fields: None,
            dimensions: 0,
            pos: super::Pos::default(),
        }
    }

    /// The types with a grammar of their own; `None` if the next word begins none.
    fn standard_type(&mut self) -> Result<Option<TypeName>> {
        let Kind::Word(word) = &self.peek().kind else {
            return Ok(None);
        };
        let name = match word.as_str() {
            "int" | "integer" => "int4",
            "smallint" => "int2",
            "bigint" => "int8",
            "real" => "float4",
            "boolean" => "bool",
            "float" => return self.float().map(Some),
            "double" if self.is_word_at(1, "precision") => {
                self.advance();
                "float8"
            }
            "numeric" | "decimal" | "dec" => "numeric",
            "char" | "character" | "nchar" | "varchar" | "national" => {
                return self.character().map(Some);
            }
            "bit" => {
                self.advance();
                let name = if self.eat("varying") { "varbit" } else { "bit" };
                let mut modifiers = self.modifiers()?;
                // As for characters: one, unless a literal follows.
                let literal = matches!(self.peek().kind, Kind::Text(_));
                if name == "bit" && modifiers.is_empty() && !literal {
                    modifiers.push(1);
                }
                return Ok(Some(Self::plain(name, modifiers)));
            }
            "time" | "timestamp" => return self.time().map(Some),
            "interval" => return self.interval_type().map(Some),
            _ => return Ok(None),
        };
        self.advance();
        let modifiers = if name == "numeric" {
            self.modifiers()?
        } else {
            Vec::new()
        };
        Ok(Some(Self::plain(name, modifiers)))
    }

    fn modifiers(&mut self) -> Result<Vec<i64>> {
        if self.is_punct("(") {
            self.paren_list(Self::integer)
        } else {
            Ok(Vec::new())
        }
    }

    fn float(&mut self) -> Result<TypeName> {
        let pos = self.pos();
        self.advance();
        let name = match self.modifiers()?.as_slice() {
            [] | [25..=53] => "float8",
            [1..=24] => "float4",
            [..=0] => {
                return Err(
                    self.precision_error("precision for type float must be at least 1 bit", pos)
                );
            }
            _ => {
                return Err(
                    self.precision_error("precision for type float must be less than 54 bits", pos)
                );
            }
        };
        Ok(Self::plain(name, Vec::new()))
    }

    fn precision_error(&self, message: &str, pos: super::Pos) -> helios_base::Error {
        let state = helios_base::SqlState::INVALID_PARAMETER_VALUE;
        self.at_pos(helios_base::Error::new(state, message), pos)
    }

    fn character(&mut self) -> Result<TypeName> {
        let varchar = if self.eat("varchar") {
            true
        } else {
            self.eat("national");
            if !self.eat("char") && !self.eat("character") && !self.eat("nchar") {
                return Err(self.unexpected());
            }
            self.eat("varying")
        };
        let mut modifiers = self.modifiers()?;
        // A literal, `char 'abc'`, is not cut to one character.
        let literal = matches!(self.peek().kind, Kind::Text(_));
        if !varchar && modifiers.is_empty() && !literal {
            modifiers.push(1);
        }
        Ok(Self::plain(
            if varchar { "varchar" } else { "bpchar" },
            modifiers,
        ))
    }

    fn time(&mut self) -> Result<TypeName> {
        let base = if self.eat("timestamp") {
            ["timestamp", "timestamptz"]
        } else {
            self.expect("time")?;
            ["time", "timetz"]
        };
        let modifiers = self.modifiers()?;
        let zoned = self.eat_words("with time zone");
        if !zoned {
            self.eat_words("without time zone");
        }
        Ok(Self::plain(base[usize::from(zoned)], modifiers))
    }

    fn interval_type(&mut self) -> Result<TypeName> {
        self.expect("interval")?;
        let modifiers = self.modifiers()?;
        let mut ty = Self::plain("interval", modifiers);
        self.add_interval_fields(&mut ty)?;
        Ok(ty)
    }

    /// `YEAR`, `DAY TO SECOND(2)`, … after an interval type or literal.
    pub(super) fn add_interval_fields(&mut self, ty: &mut TypeName) -> Result<()> {
        if let Some((fields, precision)) = self.interval_fields()? {
            ty.fields = Some(fields);
            ty.modifiers.extend(precision);
        }
        Ok(())
    }

    /// The fields, and the precision of seconds.
    pub(super) fn interval_fields(&mut self) -> Result<Option<(String, Vec<i64>)>> {
        const FIELDS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];
        let Some(first) = FIELDS.iter().find(|field| self.is_word(field)) else {
            return Ok(None);
        };
        self.advance();
        let mut fields = (*first).to_owned();
        if self.eat("to") {
            let Some(last) = FIELDS.iter().find(|field| self.is_word(field)) else {
                return Err(self.unexpected());
            };
            self.advance();
            fields.push_str(" to ");
            fields.push_str(last);
        }
        let precision = if fields.ends_with("second") {
            self.modifiers()?
        } else {
            Vec::new()
        };
        Ok(Some((fields, precision)))
    }

    /// `[schema.]name[(modifiers)]`
    fn named_type(&mut self) -> Result<TypeName> {
        let Some(first) = self.eat_function_name() else {
            return Err(self.unexpected());
        };
        let (schema, name) = if self.eat_punct(".") {
            (Some(first), self.label()?)
        } else {
            (None, first)
        };
        let modifiers = self.modifiers()?;
        let mut ty = Self::plain(&name.name, modifiers);
        ty.schema = schema;
        Ok(ty)
    }
}
