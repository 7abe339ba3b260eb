//! `jsonb_path_exists`, `jsonb_path_match`, `jsonb_path_query…`, `@?` and `@@`.

mod compare;
mod execute;
mod item;
mod moment;
mod test;

use std::cell::RefCell;
use std::sync::Arc;

use helios_base::{Error, Json, JsonPath, Result, SqlState, Value};

use crate::function::{Call, Function, function, infix, mismatch};
use crate::ty::Ty::{self, Bool, JsonPath as P, Jsonb as J};
use execute::{Execution, Halt};
use item::Item;

const ARGS: &[Ty] = &[J, P, J, Bool];
const NAMES: &[&str] = &["target", "path", "vars", "silent"];

pub(super) static FUNCTIONS: &[Function] = &[
    infix("@?", &[J, P], Bool, |args, call| {
        exists(args, call, true, false)
    }),
    infix("@@", &[J, P], Bool, |args, call| {
        matches(args, call, true, false)
    }),
    path("jsonb_path_exists", Bool, |args, call| {
        exists(args, call, false, false)
    }),
    path("jsonb_path_match", Bool, |args, call| {
        matches(args, call, false, false)
    }),
    path("jsonb_path_query_array", J, |args, call| {
        array(args, call, false)
    }),
    path("jsonb_path_query_first", J, |args, call| {
        first(args, call, false)
    }),
    path("jsonb_path_exists_tz", Bool, |args, call| {
        exists(args, call, false, true)
    })
    .stable(),
    path("jsonb_path_match_tz", Bool, |args, call| {
        matches(args, call, false, true)
    })
    .stable(),
    path("jsonb_path_query_array_tz", J, |args, call| {
        array(args, call, true)
    })
    .stable(),
    path("jsonb_path_query_first_tz", J, |args, call| {
        first(args, call, true)
    })
    .stable(),
];

const fn path(name: &'static str, result: Ty, eval: crate::function::Eval) -> Function {
    function(name, ARGS, result, eval).defaults(2).names(NAMES)
}

thread_local! {
    // Row after row the same path is applied: comparing beats parsing.
    static LAST: RefCell<Option<(Arc<str>, Arc<JsonPath>)>> = const { RefCell::new(None) };
}

fn parsed(text: &Arc<str>) -> Result<Arc<JsonPath>> {
    let last = LAST.with_borrow(|last| match last {
        Some((key, path)) if key == text => Some(Arc::clone(path)),
        _ => None,
    });
    if let Some(path) = last {
        return Ok(path);
    }
    let path = Arc::new(JsonPath::parse(text)?);
    LAST.set(Some((Arc::clone(text), Arc::clone(&path))));
    Ok(path)
}

/// The arguments of a call: document, path, variables, whether errors are kept quiet.
struct Given<'a> {
    document: &'a Json,
    path: Arc<JsonPath>,
    variables: Option<&'a Json>,
    silent: bool,
}

fn given<'a>(args: &[&'a Value]) -> Result<Given<'a>> {
    let [Value::Jsonb(document), Value::Text(path), rest @ ..] = args else {
        return Err(mismatch(args));
    };
    let (variables, silent) = match rest {
        [] => (None, false),
        [Value::Jsonb(variables)] => (Some(&**variables), false),
        [Value::Jsonb(variables), Value::Bool(silent)] => (Some(&**variables), *silent),
        _ => return Err(mismatch(args)),
    };
    if let Some(other) = variables
        && !matches!(other, Json::Object(_))
    {
        return Err(
            super::invalid("\"vars\" argument is not an object").with_detail(
                "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.",
            ),
        );
    }
    Ok(Given {
        document,
        path: parsed(path)?,
        variables,
        silent,
    })
}

impl<'a> Given<'a> {
    fn execution<'e>(&'e self, call: &'e Call<'e>, zoned: bool) -> Execution<'e>
    where
        'a: 'e,
    {
        Execution::new(
            &self.path,
            self.document,
            self.variables,
            !self.silent,
            zoned.then_some(call.ctx.text),
        )
    }
}

/// All that a path finds; what was found before an error that is kept quiet stays found.
pub(crate) fn query(args: &[&Value], call: &Call<'_>, zoned: bool) -> Result<Vec<Json>> {
    let given = given(args)?;
    let mut found = Vec::new();
    match given.execution(call, zoned).all(&mut found) {
        Ok(()) | Err(Halt::Quiet) => Ok(found.into_iter().map(Item::into_json).collect()),
        Err(Halt::Error(error)) => Err(error),
    }
}

fn exists(args: &[&Value], call: &Call<'_>, silent: bool, zoned: bool) -> Result<Value> {
    let mut given = given(args)?;
    given.silent |= silent;
    match given.execution(call, zoned).exists() {
        Ok(found) => Ok(Value::Bool(found)),
        Err(Halt::Quiet) => Ok(Value::Null),
        Err(Halt::Error(error)) => Err(error),
    }
}

fn matches(args: &[&Value], call: &Call<'_>, silent: bool, zoned: bool) -> Result<Value> {
    let mut given = given(args)?;
    given.silent |= silent;
    let mut found = Vec::new();
    match given.execution(call, zoned).all(&mut found) {
        Ok(()) | Err(Halt::Quiet) => {}
        Err(Halt::Error(error)) => return Err(error),
    }
    if let [Item::Json(only)] = found.as_slice() {
        match **only {
            Json::Bool(value) => return Ok(Value::Bool(value)),
            Json::Null => return Ok(Value::Null),
            _ => {}
        }
    }
    if given.silent {
        return Ok(Value::Null);
    }
    Err(Error::new(
        SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
        "single boolean result is expected",
    ))
}

fn array(args: &[&Value], call: &Call<'_>, zoned: bool) -> Result<Value> {
    query(args, call, zoned).map(|found| Json::Array(found).into())
}

fn first(args: &[&Value], call: &Call<'_>, zoned: bool) -> Result<Value> {
    query(args, call, zoned).map(|found| found.into_iter().next().into())
}

#[cfg(test)]
mod tests;
