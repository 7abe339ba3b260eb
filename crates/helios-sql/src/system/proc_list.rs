//! The functions of the catalogue with object identifiers: `pg_proc`.

use std::fmt;
use std::sync::LazyLock;

use helios_expr::catalog::INFORMATION_SCHEMA;
use helios_expr::{Ty, Volatility, catalog};

use crate::parse::quote_ident;

/// The first number; relations and types have theirs in catalogs of their own.
const FIRST: u32 = 10_000;

/// A function as `pg_proc` shows it.
pub(super) struct Function {
    pub(super) oid: u32,
    pub(super) schema: &'static str,
    pub(super) name: &'static str,
    /// `f`, `a` or `w`.
    pub(super) kind: &'static str,
    pub(super) args: &'static [Ty],
    pub(super) result: Ty,
    pub(super) set: bool,
    pub(super) variadic: bool,
    pub(super) strict: bool,
    pub(super) volatility: Volatility,
    /// Names and types of the columns, if there are several.
    pub(super) columns: &'static [(&'static str, Ty)],
    pub(super) arg_names: &'static [&'static str],
}

/// `name(type, type)`
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.qualified_name(), self.arguments(","))
    }
}

impl Function {
    /// The name, with the schema if that is another than `pg_catalog`.
    pub(super) fn qualified_name(&self) -> String {
        match self.schema {
            "pg_catalog" => quote_ident(self.name).to_string(),
            schema => format!("{schema}.{}", quote_ident(self.name)),
        }
    }

    /// The argument types.
    pub(super) fn arguments(&self, separator: &str) -> String {
        let mut text = String::new();
        for (at, ty) in self.args.iter().enumerate() {
            if at > 0 {
                text += separator;
            }
            if self.variadic && at + 1 == self.args.len() {
                text += "VARIADIC ";
            }
            if let Some(name) = self.arg_names.get(at) {
                text += name;
                text.push(' ');
            }
            text += &ty.to_string();
        }
        text
    }

    /// What `pg_get_function_result` says.
    pub(super) fn result_text(&self) -> String {
        match self.columns {
            [] if self.set => format!("SETOF {}", self.result),
            [] => self.result.to_string(),
            columns => {
                let shown: Vec<String> = columns
                    .iter()
                    .map(|(name, ty)| format!("{name} {ty}"))
                    .collect();
                format!("TABLE({})", shown.join(", "))
            }
        }
    }
}

static ALL: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let mut names: Vec<&'static str> = catalog::names().collect();
    names.sort_unstable();
    names.dedup();
    let mut all = Vec::new();
    for known in names {
        let (schema, name) = match known.split_once('.') {
            Some(parts) if known.starts_with(INFORMATION_SCHEMA) => parts,
            _ => ("pg_catalog", known),
        };
        all.extend(catalog::functions(known).iter().map(|entry| Function {
            oid: 0,
            schema,
            name,
            kind: "f",
            args: entry.args(),
            result: entry.result(),
            set: false,
            variadic: entry.is_variadic(),
            strict: entry.is_strict(),
            volatility: entry.volatility(),
            columns: &[],
            arg_names: entry.arg_names(),
        }));
        all.extend(catalog::aggregates(known).iter().map(|entry| Function {
            oid: 0,
            schema,
            name,
            kind: "a",
            args: entry.args(),
            result: entry.result(),
            set: false,
            variadic: false,
            strict: false,
            volatility: Volatility::Immutable,
            columns: &[],
            arg_names: &[],
        }));
        all.extend(catalog::windows(known).iter().map(|entry| Function {
            oid: 0,
            schema,
            name,
            kind: "w",
            args: entry.args,
            result: entry.result,
            set: false,
            variadic: false,
            strict: false,
            volatility: Volatility::Immutable,
            columns: &[],
            arg_names: &[],
        }));
        all.extend(catalog::set_functions(known).iter().map(|entry| {
            let columns = entry.columns();
            Function {
                oid: 0,
                schema,
                name,
                kind: "f",
                args: entry.args(),
                result: match columns {
                    [(_, ty)] => *ty,
                    _ => Ty::Record,
                },
                set: true,
                variadic: false,
                strict: true,
                volatility: entry.volatility(),
                columns: if columns.len() > 1 { columns } else { &[] },
                arg_names: &[],
            }
        }));
    }
    for (function, oid) in all.iter_mut().zip(FIRST..) {
        function.oid = oid;
    }
    all
});

/// Every function, in order of name.
pub(super) fn all() -> &'static [Function] {
    &ALL
}

/// The function of this number.
pub(super) fn by_oid(oid: u32) -> Option<&'static Function> {
    let index = usize::try_from(oid.checked_sub(FIRST)?).ok()?;
    all().get(index)
}

/// The functions of this name.
pub(super) fn named(name: &str) -> impl Iterator<Item = &'static Function> {
    all().iter().filter(move |function| function.name == name)
}
