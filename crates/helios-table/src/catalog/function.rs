//! A function or procedure that a user has made.

use std::fmt;

use helios_base::DataType;
use serde::{Deserialize, Serialize};

use super::ids::{FunctionId, SchemaId};
use super::view::Dependency;

/// A function or procedure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FunctionDef {
    /// Its number.
    pub id: FunctionId,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    #[serde(skip)]
    pub schema_name: String,
    /// Its name; functions of one name differ in the types of their arguments.
    pub name: String,
    /// Whether it is a procedure.
    pub procedure: bool,
    /// Arguments, also those that only give results, as written.
    pub args: Vec<FunctionArg>,
    /// What it gives back.
    pub returns: Returns,
    /// What it does.
    pub body: FunctionBody,
    /// The `search_path` of its body; `None`: that of whoever calls.
    pub search_path: Option<Vec<String>>,
    /// How it may be called, and what planners may believe.
    pub options: FunctionOptions,
    /// What a body that was bound when it was made reads.
    pub depends: Vec<Dependency>,
    /// `COMMENT ON FUNCTION`.
    pub comment: Option<String>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionArg {
    /// Its name; empty if it has none.
    pub name: String,
    /// Whether it is given, got back, or both.
    pub mode: ArgMode,
    /// Its type.
    #[serde(with = "super::codec::ty")]
    pub ty: DataType,
    /// What it is when the call leaves it out, as SQL text.
    pub default: Option<String>,
}

/// Whether an argument is given, got back, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArgMode {
    /// `IN`
    In,
    /// `OUT`
    Out,
    /// `INOUT`
    InOut,
    /// `VARIADIC`: the last one, an array of all that follow.
    Variadic,
    /// A column of `RETURNS TABLE`.
    Table,
}

impl ArgMode {
    /// Whether calls give it.
    #[must_use]
    pub const fn is_input(self) -> bool {
        matches!(self, Self::In | Self::InOut | Self::Variadic)
    }

    /// Whether results have it.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!(self, Self::Out | Self::InOut | Self::Table)
    }
}

/// What a function gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Any number of rows instead of one.
    pub set: bool,
    /// What each is.
    pub shape: ReturnShape,
}

/// What one row of a result is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnShape {
    /// A value of this type; `void` for none at all.
    Value(#[serde(with = "super::codec::ty")] DataType),
    /// The arguments that are results, when there are several.
    Columns,
    /// The row of a table or view, by number.
    Relation(u32),
    /// `record`: columns that the call describes.
    Record,
}

/// What a function does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionBody {
    /// `AS '…'`: statements, as text.
    Text(String),
    /// `RETURN expression`.
    Return(String),
    /// `BEGIN ATOMIC … END`: the statements.
    Atomic(Vec<String>),
}

/// How a function may be called, and what planners may believe of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionOptions {
    /// `IMMUTABLE`, `STABLE`, `VOLATILE`.
    pub volatility: FunctionVolatility,
    /// `STRICT`: `NULL` if an argument is.
    pub strict: bool,
    /// `SECURITY DEFINER`; there is one role, so that it means nothing more.
    pub security_definer: bool,
    /// `LEAKPROOF`
    pub leakproof: bool,
    /// `PARALLEL`: `u`, `r` or `s`, as `pg_proc` has it.
    pub parallel: char,
    /// `COST`
    pub cost: Option<f64>,
    /// `ROWS`
    pub rows: Option<f64>,
    /// `SET`: names and values other than `search_path`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, String)>,
}

/// When a function may be evaluated ahead of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionVolatility {
    /// Same arguments, same result.
    Immutable,
    /// Same result within a statement.
    Stable,
    /// Different at every call.
    Volatile,
}

impl Default for FunctionOptions {
    fn default() -> Self {
        Self {
            volatility: FunctionVolatility::Volatile,
            strict: false,
            security_definer: false,
            leakproof: false,
            parallel: 'u',
            cost: None,
            rows: None,
            settings: Vec::new(),
        }
    }
}

impl FunctionDef {
    /// The arguments that calls give, in order.
    pub fn inputs(&self) -> impl DoubleEndedIterator<Item = &FunctionArg> {
        self.args.iter().filter(|arg| arg.mode.is_input())
    }

    /// The arguments that results have, in order.
    pub fn outputs(&self) -> impl DoubleEndedIterator<Item = &FunctionArg> {
        self.args.iter().filter(|arg| arg.mode.is_output())
    }

    /// The last argument, if it takes all that follow.
    #[must_use]
    pub fn variadic(&self) -> Option<&FunctionArg> {
        self.inputs()
            .next_back()
            .filter(|arg| arg.mode == ArgMode::Variadic)
    }

    /// Whether both take arguments of the same types, which one schema allows once for a name.
    #[must_use]
    pub fn same_inputs<'a>(&self, types: impl IntoIterator<Item = &'a DataType>) -> bool {
        let mut types = types.into_iter();
        self.inputs()
            .all(|arg| types.next().is_some_and(|ty| ty.same(&arg.ty)))
            && types.next().is_none()
    }

    /// All types that it names.
    pub fn types(&self) -> impl Iterator<Item = &DataType> {
        let value = match &self.returns.shape {
            ReturnShape::Value(ty) => Some(ty),
            _ => None,
        };
        self.args.iter().map(|arg| &arg.ty).chain(value)
    }

    pub(super) fn types_mut(&mut self) -> impl Iterator<Item = &mut DataType> {
        let value = match &mut self.returns.shape {
            ReturnShape::Value(ty) => Some(ty),
            _ => None,
        };
        self.args.iter_mut().map(|arg| &mut arg.ty).chain(value)
    }

    /// `function` or `procedure`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.procedure {
            "procedure"
        } else {
            "function"
        }
    }
}

/// `name(integer,text)`: how messages name it.
impl fmt::Display for FunctionDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema_name != "public" {
            write!(f, "{}.", self.schema_name)?;
        }
        write!(f, "{}(", self.name)?;
        for (at, arg) in self.inputs().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}", arg.ty.bare())?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::codec::{decode, encode};

    /// What a released version has written must stay readable: change this only by adding.
    #[test]
    fn golden_function() {
        let def = FunctionDef {
            id: FunctionId(1000),
            schema: SchemaId(200),
            schema_name: String::new(),
            name: "f".to_owned(),
            procedure: false,
            args: vec![FunctionArg {
                name: "a".to_owned(),
                mode: ArgMode::In,
                ty: DataType::Int4,
                default: Some("1".to_owned()),
            }],
            returns: Returns {
                set: true,
                shape: ReturnShape::Value(DataType::Text),
            },
            body: FunctionBody::Text("SELECT 'x'".to_owned()),
            search_path: None,
            options: FunctionOptions {
                volatility: FunctionVolatility::Stable,
                ..FunctionOptions::default()
            },
            depends: Vec::new(),
            comment: None,
        };
        let golden = concat!(
            r#"{"id":1000,"schema":200,"name":"f","procedure":false,"args":[{"name":"a","#,
            r#""mode":"In","ty":"integer","default":"1"}],"returns":{"set":true,"#,
            r#""shape":{"Value":"text"}},"body":{"Text":"SELECT 'x'"},"search_path":null,"#,
            r#""options":{"volatility":"Stable","strict":false,"security_definer":false,"#,
            r#""leakproof":false,"parallel":"u","cost":null,"rows":null},"depends":[],"#,
            r#""comment":null}"#
        );
        let written = encode(&def).unwrap_or_default();
        assert_eq!(std::str::from_utf8(&written[1..]), Ok(golden));
        let read: FunctionDef = decode(&written).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(read.args, def.args);
        assert_eq!(encode(&read).unwrap_or_default(), written);
    }
}
