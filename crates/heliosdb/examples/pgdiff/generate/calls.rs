//! Calls of everything in the catalogue: functions, operators, casts, aggregates and
//! set-returning functions, with values at the edges of their arguments' types.

use helios_expr::function::Kind;
use helios_expr::ty::Ty;
use helios_expr::{Volatility, catalog};
use helios_testkit::Rng;

use super::pools;

/// Functions whose result depends on more than their arguments.
const WAYWARD: &[&str] = &[
    "now",
    "current_date",
    "localtimestamp",
    "localtime",
    "current_time",
    "current_timestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
    "timeofday",
    "version",
    "current_database",
    "current_catalog",
    "pg_backend_pid",
    "set_config",
    "current_setting",
    "txid_current",
    "txid_current_if_assigned",
    "format_type",
    "pg_current_xact_id",
    "inet_server_addr",
    "pg_postmaster_start_time",
    "age_xid",
    "pg_sleep",
    "pg_column_size",
    "current_query",
    "pg_conf_load_time",
    "current_branch",
    "helios_branch",
];

/// An entry of the catalogue, of any kind.
pub struct Callable {
    name: &'static str,
    kind: Form,
    args: &'static [Ty],
    variadic: bool,
}

/// How a callable is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Function,
    Infix,
    Prefix,
    Aggregate,
    Set,
}

/// Everything that can be called, in a fixed order.
pub fn all() -> Vec<Callable> {
    let mut callables: Vec<Callable> = catalog::all()
        .filter(|entry| entry.volatility() != Volatility::Volatile)
        .map(|entry| Callable {
            name: entry.name(),
            kind: match entry.kind() {
                Kind::Function => Form::Function,
                Kind::Infix => Form::Infix,
                Kind::Prefix => Form::Prefix,
            },
            args: entry.args(),
            variadic: entry.is_variadic(),
        })
        .collect();
    let mut names: Vec<&str> = catalog::names().collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        callables.extend(
            catalog::aggregates(name)
                .iter()
                .filter(|entry| entry.direct_args().is_none())
                .map(|entry| Callable {
                    name: entry.name(),
                    kind: Form::Aggregate,
                    args: entry.args(),
                    variadic: false,
                }),
        );
        callables.extend(catalog::set_functions(name).iter().map(|entry| Callable {
            name: entry.name(),
            kind: Form::Set,
            args: entry.args(),
            variadic: false,
        }));
    }
    callables.retain(|callable| {
        !WAYWARD.contains(&callable.name)
            && !callable.name.starts_with("pg_")
            && !callable.name.starts_with("has_")
            && !callable.name.starts_with("helios_")
            && !callable.name.starts_with("to_reg")
            && !callable.name.ends_with("_description")
    });
    callables
}

/// A statement that calls `callable`; `None` where its types are not generated.
pub fn statement(rng: &mut Rng, callable: &Callable) -> Option<String> {
    let types = types(rng, callable)?;
    // As often as not through a table, so that constants are not folded.
    let through_table = callable.kind == Form::Aggregate || rng.one_in(2);
    let count = match callable.kind {
        Form::Aggregate => rng.usize(0..=4),
        _ => rng.usize(1..=3),
    };
    let row = |rng: &mut Rng| -> Vec<String> {
        types
            .iter()
            .enumerate()
            .map(|(at, ty)| argument(rng, callable, at, ty))
            .collect()
    };
    if types.is_empty() || !through_table {
        let args = row(rng);
        let call = written(rng, callable, &args);
        return Some(format!("SELECT {call}"));
    }
    let names: Vec<String> = (0..types.len()).map(|at| format!("x{at}")).collect();
    let call = written(rng, callable, &names);
    let rows: Vec<String> = (0..count.max(1))
        .map(|_| {
            let cells: Vec<String> = row(rng)
                .iter()
                .zip(&types)
                .map(|(cell, ty)| format!("({cell})::{ty}"))
                .collect();
            format!("({})", cells.join(", "))
        })
        .collect();
    let none = if count == 0 { " WHERE false" } else { "" };
    Some(format!(
        "SELECT {call} FROM (VALUES {}) v({}){none}",
        rows.join(", "),
        names.join(", ")
    ))
}

/// A statement that casts a value of one type to another.
pub fn cast(rng: &mut Rng) -> String {
    let from = *rng.pick(pools::TYPES);
    let to = *rng.pick(pools::TYPES);
    let value = if rng.one_in(3) {
        // Text of the one type as input of the other.
        format!("{}::text", {
            let of = if rng.one_in(2) { to } else { from };
            pools::quoted(&pools::text(rng, of))
        })
    } else {
        pools::value(rng, from)
    };
    let to = match to {
        "numeric" if rng.one_in(2) => *rng.pick(&["numeric(5,2)", "numeric(10)", "numeric(3,-2)"]),
        "character varying" if rng.one_in(2) => "character varying(3)",
        "bpchar" => *rng.pick(&["bpchar", "character(3)", "character(1)"]),
        other => other,
    };
    match rng.u8(0..6) {
        0 => format!("SELECT CAST({value} AS {to}[])"),
        1 => format!("SELECT ARRAY[{value}]::{to}[]"),
        2 => format!("SELECT x::{to} FROM (VALUES ({value})) v(x)"),
        _ => format!("SELECT ({value})::{to}"),
    }
}

/// A call whose arguments' types are left for the databases to find out.
pub fn untyped(rng: &mut Rng, callable: &Callable) -> Option<String> {
    if !matches!(callable.kind, Form::Function | Form::Infix | Form::Prefix) {
        return None;
    }
    let types = types(rng, callable)?;
    let args: Vec<String> = types
        .iter()
        .map(|ty| match rng.u8(0..5) {
            0 => "NULL".to_owned(),
            1 => pools::value(rng, ty),
            2 => {
                let other = rng.pick::<&str>(pools::TYPES);
                pools::value(rng, other)
            }
            _ => pools::quoted(&pools::text(rng, ty)),
        })
        .collect();
    Some(format!("SELECT {}", written(rng, callable, &args)))
}

/// Concrete argument types: polymorphic ones all become the same.
fn types(rng: &mut Rng, callable: &Callable) -> Option<Vec<String>> {
    let element = *rng.pick(&[
        "integer",
        "text",
        "numeric",
        "double precision",
        "date",
        "jsonb",
        "boolean",
        "interval",
        "timestamp without time zone",
    ]);
    let mut types = Vec::new();
    for ty in callable.args {
        types.push(match ty {
            Ty::AnyElement | Ty::AnyNonArray | Ty::AnyCompatible | Ty::AnyCompatibleNonArray => {
                element.to_owned()
            }
            Ty::AnyArray | Ty::AnyCompatibleArray => format!("{element}[]"),
            Ty::Any => (*rng.pick(pools::TYPES)).to_owned(),
            other => other.concrete()?.to_string(),
        });
    }
    if callable.variadic
        && let Some(last) = types.last().cloned()
    {
        for _ in 0..rng.usize(0..3) {
            types.push(last.clone());
        }
    }
    types.iter().all(|ty| pools::is_known(ty)).then_some(types)
}

fn argument(rng: &mut Rng, callable: &Callable, at: usize, ty: &str) -> String {
    if !rng.one_in(8)
        && let Some(text) = pools::meaning(rng, callable.name, at)
    {
        return text;
    }
    if callable.kind == Form::Set {
        // No endless series.
        match ty {
            "integer" | "bigint" => return format!("{}::{ty}", rng.i32(-2..4)),
            "numeric" => return (*rng.pick(&["0.5", "1", "2.5", "3"])).to_owned(),
            "timestamp without time zone" | "timestamp with time zone" => {
                return format!("'2021-03-{:02} 05:00'::{ty}", rng.u8(10..18));
            }
            "interval" => {
                return (*rng.pick(&[
                    "'1 day'::interval",
                    "'-1 day'::interval",
                    "'7 hours'::interval",
                ]))
                .to_owned();
            }
            _ => {}
        }
    }
    pools::value(rng, ty)
}

fn written(rng: &mut Rng, callable: &Callable, args: &[String]) -> String {
    let name = callable.name;
    match (callable.kind, args) {
        (Form::Infix, [left, right]) => format!("({left}) {name} ({right})"),
        (Form::Prefix, [operand]) => format!("{name} ({operand})"),
        (Form::Aggregate, []) => format!("{name}(*)"),
        (Form::Aggregate, args) => {
            let args = args.join(", ");
            match rng.u8(0..6) {
                0 => format!("{name}({args} ORDER BY x0)"),
                1 => format!("{name}({args}) FILTER (WHERE x0 IS NOT NULL)"),
                2 => format!("{name}({args}) OVER (ORDER BY x0 ROWS 1 PRECEDING)"),
                _ => format!("{name}({args})"),
            }
        }
        (_, args) => format!("{name}({})", args.join(", ")),
    }
}
