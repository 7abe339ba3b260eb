//! Functions, operators and casts: `pg_proc`, `pg_aggregate`, `pg_operator`, `pg_cast`.

use helios_base::{ArrayValue, DataType, Row, Value};
use helios_expr::function::Kind;
use helios_expr::resolve::{CastContext, Path, path};
use helios_expr::{Ty, Volatility, catalog};

use super::Ty::{Bool, Char, Float4, Int2, Name, Oid, Oids, Text, Texts};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, Source, io_functions, proc_list, schema_oid, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_proc",
        &[
            ("oid", Oid),
            ("proname", Name),
            ("pronamespace", Oid),
            ("proowner", Oid),
            ("prolang", Oid),
            ("procost", Float4),
            ("prorows", Float4),
            ("provariadic", Oid),
            ("prokind", Char),
            ("proisstrict", Bool),
            ("proretset", Bool),
            ("provolatile", Char),
            ("proparallel", Char),
            ("pronargs", Int2),
            ("prorettype", Oid),
            ("proargtypes", Oids),
            ("proargnames", Texts),
            ("prosrc", Text),
            ("prosecdef", Bool),
            ("proleakproof", Bool),
            ("pronargdefaults", Int2),
            ("proallargtypes", Oids),
            ("proargmodes", Texts),
            ("proacl", Texts),
            ("proconfig", Texts),
        ],
        procs,
    ),
    pg(
        "pg_aggregate",
        &[("aggfnoid", Oid), ("aggkind", Char)],
        |_| {
            let all = proc_list::all().iter();
            all.filter(|function| function.kind == "a")
                .map(|function| vec![Value::Oid(function.oid), text("n")])
                .collect()
        },
    ),
    pg(
        "pg_operator",
        &[
            ("oid", Oid),
            ("oprname", Name),
            ("oprnamespace", Oid),
            ("oprowner", Oid),
            ("oprkind", Char),
            ("oprleft", Oid),
            ("oprright", Oid),
            ("oprresult", Oid),
        ],
        operators,
    ),
    pg(
        "pg_cast",
        &[
            ("oid", Oid),
            ("castsource", Oid),
            ("casttarget", Oid),
            ("castfunc", Oid),
            ("castcontext", Char),
            ("castmethod", Char),
        ],
        casts,
    ),
    pg(
        "pg_language",
        &[
            ("oid", Oid),
            ("lanname", Name),
            ("lanowner", Oid),
            ("lanispl", Bool),
            ("lanpltrusted", Bool),
        ],
        |_| {
            let row = |oid, name| {
                vec![
                    Value::Oid(oid),
                    text(name),
                    Value::Oid(OWNER),
                    Value::Bool(false),
                    Value::Bool(name == "sql"),
                ]
            };
            vec![row(INTERNAL, "internal"), row(super::routines::SQL, "sql")]
        },
    ),
];

/// The language of functions that are part of the program.
const INTERNAL: u32 = 12;

/// The object identifier of a declared type.
pub(super) fn type_oid(ty: Ty) -> u32 {
    match ty {
        Ty::AnyElement | Ty::Element(_) => 2283,
        Ty::AnyArray => 2277,
        Ty::AnyNonArray => 2776,
        Ty::AnyEnum => 3500,
        Ty::Any => 2276,
        Ty::AnyCompatible => 5077,
        Ty::AnyCompatibleArray => 5078,
        Ty::AnyCompatibleNonArray => 5079,
        plain => plain.concrete().map_or(0, |ty| ty.oid()),
    }
}

fn oids(types: &[Ty]) -> Value {
    let elements: Vec<Value> = types.iter().map(|ty| Value::Oid(type_oid(*ty))).collect();
    let length = u32::try_from(elements.len()).unwrap_or(0);
    let dims = if length == 0 {
        Vec::new()
    } else {
        vec![(length, 0)]
    };
    ArrayValue::new(dims, elements).map_or(Value::Null, Value::from)
}

fn procs(source: &Source<'_>) -> Vec<Row> {
    let users = super::routines::procs(source);
    let behind = io_functions::all().iter();
    let behind = behind.map(|function| function.row(OWNER, INTERNAL));
    proc_list::all()
        .iter()
        .map(|function| {
            let count = i16::try_from(function.args.len()).unwrap_or(i16::MAX);
            let names: Vec<Value> = function.arg_names.iter().map(|name| text(*name)).collect();
            let variadic = match function.args.last() {
                Some(last) if function.variadic => type_oid(*last),
                _ => 0,
            };
            vec![
                Value::Oid(function.oid),
                text(function.name),
                Value::Oid(schema_oid(function.schema).unwrap_or(PG_CATALOG)),
                Value::Oid(OWNER),
                Value::Oid(INTERNAL),
                Value::Float4(1.0),
                Value::Float4(if function.set { 1000.0 } else { 0.0 }),
                Value::Oid(variadic),
                text(function.kind),
                Value::Bool(function.strict),
                Value::Bool(function.set),
                text(match function.volatility {
                    Volatility::Immutable => "i",
                    Volatility::Stable => "s",
                    Volatility::Volatile => "v",
                }),
                text("s"),
                Value::Int2(count),
                Value::Oid(type_oid(function.result)),
                oids(function.args),
                if names.is_empty() {
                    Value::Null
                } else {
                    ArrayValue::one_dimensional(names).into()
                },
                text(function.name),
                Value::Bool(false),
                Value::Bool(false),
                Value::Int2(0),
                Value::Null,
                Value::Null,
                Value::Null,
            ]
        })
        .chain(behind)
        .chain(users)
        .collect()
}

fn operators(_: &Source<'_>) -> Vec<Row> {
    const FIRST: u32 = 10_000;
    let mut all: Vec<_> = catalog::all()
        .filter(|entry| entry.kind() != Kind::Function)
        .collect();
    all.sort_by_key(|entry| (entry.name(), entry.to_string()));
    all.into_iter()
        .zip(FIRST..)
        .map(|(entry, oid)| {
            let (left, right) = match entry.args() {
                [left, right] => (type_oid(*left), type_oid(*right)),
                [right] => (0, type_oid(*right)),
                _ => (0, 0),
            };
            vec![
                Value::Oid(oid),
                text(entry.name()),
                Value::Oid(PG_CATALOG),
                Value::Oid(OWNER),
                text(if entry.kind() == Kind::Infix {
                    "b"
                } else {
                    "l"
                }),
                Value::Oid(left),
                Value::Oid(right),
                Value::Oid(type_oid(entry.result())),
            ]
        })
        .collect()
}

fn casts(_: &Source<'_>) -> Vec<Row> {
    const FIRST: u32 = 10_000;
    let pseudo =
        |ty: &DataType| matches!(ty, DataType::Unknown | DataType::Record | DataType::Void);
    let types: Vec<DataType> = DataType::builtins().filter(|ty| !pseudo(ty)).collect();
    let mut rows = Vec::new();
    let mut oid = FIRST;
    for from in &types {
        for to in types.iter().filter(|to| !from.same(to)) {
            let levels = [
                (CastContext::Implicit, "i"),
                (CastContext::Assignment, "a"),
                (CastContext::Explicit, "e"),
            ];
            let found = levels
                .iter()
                .find_map(|(context, letter)| Some((path(from, to, *context)?, *letter)));
            // What goes through text is a cast of every type.
            let Some((way @ (Path::Convert | Path::Relabel), letter)) = found else {
                continue;
            };
            rows.push(vec![
                Value::Oid(oid),
                Value::Oid(from.oid()),
                Value::Oid(to.oid()),
                Value::Oid(0),
                text(letter),
                text(if way == Path::Relabel { "b" } else { "f" }),
            ]);
            oid += 1;
        }
    }
    rows
}
