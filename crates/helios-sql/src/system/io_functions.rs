//! The functions behind types, by which values are read and written: `int4in`, `array_out`.
//!
//! They have names and numbers, so that programs know by `pg_type` how a type is read (pgJDBC takes
//! for an array what is read by `array_in`), but cannot be called: their arguments are of types that
//! only PostgreSQL's inside has.
//!
//! # Source
//! `pg_proc` and `pg_type` of PostgreSQL 15; the names of pgvector for vectors. A line of
//! `io_functions.txt` is number, name, types of the arguments, type of the result, `provolatile`, and
//! whether it is strict.

use std::collections::HashMap;
use std::sync::LazyLock;

use helios_base::{ArrayValue, DataType, Value};

use super::types::{PSEUDO, short_name};
use super::{PG_CATALOG, proc_list, text};

/// A function behind a type.
pub(super) struct IoFunction {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    /// The arguments' types, numbers and names.
    args: Vec<(u32, String)>,
    result: (u32, String),
    volatility: &'static str,
    strict: bool,
}

/// `name(type,type)`
impl std::fmt::Display for IoFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.arguments(","))
    }
}

static ALL: LazyLock<Vec<IoFunction>> = LazyLock::new(|| {
    let mut types: HashMap<String, (u32, String)> = DataType::builtins()
        .map(|ty| (short_name(&ty), (ty.oid(), ty.to_string())))
        .collect();
    for (oid, name) in PSEUDO {
        types.insert(name.trim_matches('"').to_owned(), (oid, name.to_owned()));
    }
    types.insert("_cstring".to_owned(), (1263, "cstring[]".to_owned()));
    let mut all: Vec<IoFunction> = include_str!("io_functions.txt")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(IoFunction {
                oid: words.next()?.parse().ok()?,
                name: words.next()?,
                args: words
                    .next()?
                    .split(',')
                    .map(|ty| types.get(ty).cloned())
                    .collect::<Option<_>>()?,
                result: types.get(words.next()?)?.clone(),
                volatility: words.next()?,
                strict: words.next()? == "t",
            })
        })
        .collect();
    // `int4send` and its kin can be called and stand among the others.
    all.retain(|function| proc_list::named(function.name).next().is_none());
    all
});

/// The numbers of all functions behind types by name, of those that can be called too.
static NUMBERS: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let names = include_str!("io_functions.txt").lines();
    names
        .filter_map(|line| line.split(' ').nth(1))
        .filter_map(|name| {
            let callable = proc_list::named(name).map(|function| function.oid).next();
            let own = || named(name).map(|function| function.oid);
            Some((name, callable.or_else(own)?))
        })
        .collect()
});

/// Every function that only stands behind a type, in order of name.
pub(super) fn all() -> &'static [IoFunction] {
    &ALL
}

/// The function of this name, if it only stands behind a type.
pub(super) fn named(name: &str) -> Option<&'static IoFunction> {
    all().iter().find(|function| function.name == name)
}

/// The function of this number.
pub(super) fn by_oid(oid: u32) -> Option<&'static IoFunction> {
    all().iter().find(|function| function.oid == oid)
}

impl IoFunction {
    /// The argument types.
    pub(super) fn arguments(&self, separator: &str) -> String {
        let names: Vec<&str> = self.args.iter().map(|(_, name)| name.as_str()).collect();
        names.join(separator)
    }

    /// What `pg_get_function_result` says.
    pub(super) fn result_text(&self) -> String {
        self.result.1.clone()
    }

    /// The row of `pg_proc`, in the order of its columns here.
    pub(super) fn row(&self, owner: u32, language: u32) -> Vec<Value> {
        let args: Vec<Value> = self.args.iter().map(|(oid, _)| Value::Oid(*oid)).collect();
        let count = u16::try_from(args.len()).unwrap_or(0);
        let dims = vec![(u32::from(count), 0)];
        vec![
            Value::Oid(self.oid),
            text(self.name),
            Value::Oid(PG_CATALOG),
            Value::Oid(owner),
            Value::Oid(language),
            Value::Float4(1.0),
            Value::Float4(0.0),
            Value::Oid(0),
            text("f"),
            Value::Bool(self.strict),
            Value::Bool(false),
            text(self.volatility),
            text("s"),
            Value::Int2(i16::try_from(count).unwrap_or(0)),
            Value::Oid(self.result.0),
            ArrayValue::new(dims, args).map_or(Value::Null, Value::from),
            Value::Null,
            text(self.name),
            Value::Bool(false),
            Value::Bool(false),
            Value::Int2(0),
            Value::Null,
            Value::Null,
            Value::Null,
        ]
    }
}

/// The numbers of a type's functions: `typinput`, `typoutput`, `typreceive`, `typsend`, `typmodin`,
/// `typmodout`, `typanalyze`, `typsubscript`; 0 where there is none.
pub(super) fn of_type(ty: &DataType, name: &str, kind: &str) -> [u32; 8] {
    let number = |name: &str| NUMBERS.get(name).copied().unwrap_or(0);
    let four = |family: &str| {
        ["in", "out", "recv", "send"].map(|what| {
            let joined = number(&format!("{family}{what}"));
            match joined {
                0 => number(&format!("{family}_{what}")),
                joined => joined,
            }
        })
    };
    let modifiers = |ty: &DataType| {
        let name = short_name(ty);
        match ty {
            DataType::Vector(..) => [number(&format!("{name}_typmod_in")), 0],
            _ => ["in", "out"].map(|what| number(&format!("{name}typmod{what}"))),
        }
    };
    let base = ty.base();
    let ([input, output, receive, send], [modin, modout], analyze, subscript) = match (kind, ty) {
        ("e", _) => (four("enum"), [0, 0], 0, 0),
        ("c", _) => (four("record"), [0, 0], 0, 0),
        ("d", _) => {
            let kind = match &*base {
                DataType::User(user) if user.is_composite() => "c",
                base if base.is_enum() => "e",
                DataType::Range(_) => "r",
                DataType::Multirange(_) => "m",
                _ => "b",
            };
            let [_, output, _, send, ..] = of_type(&base, &short_name(&base), kind);
            let functions = [number("domain_in"), output, number("domain_recv"), send];
            (functions, [0, 0], 0, 0)
        }
        ("r", _) => (four("range"), [0, 0], number("range_typanalyze"), 0),
        ("m", _) => (
            four("multirange"),
            [0, 0],
            number("multirange_typanalyze"),
            0,
        ),
        (_, DataType::Array(element)) => (
            four("array"),
            modifiers(element),
            number("array_typanalyze"),
            number("array_subscript_handler"),
        ),
        _ => {
            let subscript = match ty {
                DataType::Name => "raw_array_subscript_handler",
                DataType::Int2Vector | DataType::OidVector => "array_subscript_handler",
                DataType::Jsonb => "jsonb_subscript_handler",
                _ => "",
            };
            (four(name), modifiers(ty), 0, number(subscript))
        }
    };
    [
        input, output, receive, send, modin, modout, analyze, subscript,
    ]
}
