//! Which of the functions of one name a call means, and its arguments in their order.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Result, SqlState};
use helios_expr::resolve::{CastContext, path, type_name};
use helios_expr::{Expr, catalog};
use helios_table::catalog::FunctionDef;

use super::UsersCall;
use crate::bind::Binder;
use crate::parse::ast::{Call, Pos};

/// Whether the system has a function of this name that takes so many arguments.
pub(super) fn is_systems(name: &str, count: usize) -> bool {
    let takes = |args: usize, variadic: bool, defaults: usize| {
        count == args || variadic && count + 1 >= args || count < args && count + defaults >= args
    };
    catalog::functions(name).iter().any(|entry| {
        let (args, defaults) = (entry.args().len(), entry.default_count());
        takes(args, entry.is_variadic(), defaults)
    }) || catalog::aggregates(name)
        .iter()
        .any(|entry| takes(entry.args().len(), false, 0))
        || catalog::windows(name)
            .iter()
            .any(|entry| takes(entry.args.len(), false, 0))
        || catalog::set_functions(name)
            .iter()
            .any(|entry| takes(entry.args().len(), false, 0))
}

/// Where each argument of a function comes from.
struct Match {
    def: Arc<FunctionDef>,
    /// For each argument: which of those written, or its default.
    sources: Vec<Source>,
    /// How many are of the very type.
    exact: usize,
    defaults: usize,
    gathers: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Given(usize),
    Default,
    /// Those from here on make an array.
    Rest(usize),
}

impl Binder<'_> {
    /// The function that fits best, with its arguments converted to its types.
    pub(super) fn choose(
        &mut self,
        call: &Call,
        candidates: &[Arc<FunctionDef>],
        pos: Pos,
    ) -> Result<UsersCall> {
        let mut values = Vec::with_capacity(call.args.len());
        let mut names = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let name = arg.name.as_ref().map(|name| name.name.as_str());
            if name.is_none() && names.last().is_some_and(Option::is_some) {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "positional argument cannot follow named argument",
                    arg.value.pos,
                ));
            }
            if name.is_some() && names.contains(&name) {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    format!(
                        "argument name \"{}\" used more than once",
                        name.unwrap_or_default()
                    ),
                    arg.value.pos,
                ));
            }
            names.push(name);
            values.push(self.expr(&arg.value)?);
        }
        let types: Vec<DataType> = values.iter().map(|value| value.ty().clone()).collect();
        let mut fitting: Vec<Match> = candidates
            .iter()
            .filter_map(|def| fit(def, &types, &names, call.variadic))
            .collect();
        if fitting.is_empty() {
            return Err(self.at(no_match(call, &types, &names), pos));
        }
        let best = fitting.iter().map(|found| found.exact).max().unwrap_or(0);
        fitting.retain(|found| found.exact == best);
        keep(&mut fitting, |found| !found.gathers);
        let fewest = fitting
            .iter()
            .map(|found| found.defaults)
            .min()
            .unwrap_or(0);
        fitting.retain(|found| found.defaults == fewest);
        if fitting.len() > 1 {
            keep(&mut fitting, |found| decides_strings(found, &types));
        }
        let chosen = match (fitting.pop(), fitting.is_empty()) {
            (Some(only), true) => only,
            _ => return Err(self.at(ambiguous(call, &types), pos)),
        };
        let args = self.arguments_of(&chosen, values);
        let args = self.place(args, pos)?;
        self.place(self.check_call(&chosen.def), pos)?;
        self.depend_on(&chosen.def);
        Ok(UsersCall {
            def: chosen.def,
            args,
        })
    }

    fn arguments_of(&mut self, chosen: &Match, mut values: Vec<Expr>) -> Result<Vec<Expr>> {
        let def = &chosen.def;
        let mut args = Vec::with_capacity(chosen.sources.len());
        for (input, source) in def.inputs().zip(&chosen.sources) {
            let ty = &input.ty;
            args.push(match source {
                Source::Given(at) => {
                    let value = values
                        .get_mut(*at)
                        .map(|value| std::mem::replace(value, Expr::NULL));
                    let value = value.ok_or_else(|| Error::internal("an argument is gone"))?;
                    self.builder.coerce(value, ty)?
                }
                Source::Default => {
                    let sql = input.default.as_deref().unwrap_or("NULL");
                    self.stored_default(sql, &def.schema_name, ty)?
                }
                Source::Rest(from) => {
                    let elements = values.split_off((*from).min(values.len()));
                    if elements.is_empty() {
                        Expr::Literal(ArrayValue::one_dimensional(Vec::new()).into(), ty.clone())
                    } else {
                        self.builder.array_as(elements, ty)?
                    }
                }
            });
        }
        Ok(args)
    }
}

/// How the arguments of a call fit a function; `None` if they do not.
fn fit(
    def: &Arc<FunctionDef>,
    types: &[DataType],
    names: &[Option<&str>],
    spread: bool,
) -> Option<Match> {
    let inputs: Vec<_> = def.inputs().collect();
    let positional = names.iter().take_while(|name| name.is_none()).count();
    let gathers = def.variadic().is_some() && !spread && positional >= inputs.len();
    let mut sources: Vec<Option<Source>> = vec![None; inputs.len()];
    let mut exact = 0;
    let mut take = |ty: &DataType, wanted: &DataType| -> Option<()> {
        if ty.same(wanted) {
            exact += 1;
            return Some(());
        }
        let fits = matches!(ty, DataType::Unknown)
            || ty.base().same(&wanted.base())
            || path(&ty.base(), &wanted.base(), CastContext::Implicit).is_some();
        fits.then_some(())
    };
    let fixed = if gathers {
        inputs.len() - 1
    } else {
        inputs.len()
    };
    if positional > inputs.len() && !gathers {
        return None;
    }
    for (at, ty) in types.iter().enumerate() {
        let to = match names.get(at).copied().flatten() {
            Some(name) => inputs
                .iter()
                .position(|input| input.name == name)
                .filter(|to| *to >= positional)?,
            None => at,
        };
        if to >= fixed {
            let DataType::Array(element) = &inputs.last()?.ty else {
                return None;
            };
            take(ty, element)?;
            if let Some(slot @ None) = sources.last_mut() {
                *slot = Some(Source::Rest(fixed));
            }
            continue;
        }
        take(ty, &inputs.get(to)?.ty)?;
        *sources.get_mut(to)? = Some(Source::Given(at));
    }
    let mut defaults = 0;
    let sources = sources
        .into_iter()
        .zip(&inputs)
        .map(|(source, input)| match source {
            Some(source) => Some(source),
            None if input.default.is_some() => {
                defaults += 1;
                Some(Source::Default)
            }
            None => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Match {
        def: def.clone(),
        sources,
        exact,
        defaults,
        gathers,
    })
}

/// Whether every undecided literal stands where a string is wanted.
fn decides_strings(found: &Match, types: &[DataType]) -> bool {
    found
        .def
        .inputs()
        .zip(&found.sources)
        .all(|(input, source)| match source {
            Source::Given(at) => {
                !matches!(types.get(*at), Some(DataType::Unknown)) || input.ty.is_string()
            }
            _ => true,
        })
}

/// Keeps those for which `good` holds, unless it holds for none.
fn keep(found: &mut Vec<Match>, good: impl Fn(&Match) -> bool) {
    if found.iter().any(&good) {
        found.retain(good);
    }
}

fn no_match(call: &Call, types: &[DataType], names: &[Option<&str>]) -> Error {
    let shown: Vec<String> = types
        .iter()
        .zip(names)
        .map(|(ty, name)| match name {
            Some(name) => format!("{name} => {}", type_name(ty)),
            None => type_name(ty),
        })
        .collect();
    Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!(
            "function {}({}) does not exist",
            call.name,
            shown.join(", ")
        ),
    )
    .with_hint(
        "No function matches the given name and argument types. You might need to add explicit \
         type casts.",
    )
}

fn ambiguous(call: &Call, types: &[DataType]) -> Error {
    let shown: Vec<String> = types.iter().map(type_name).collect();
    Error::new(
        SqlState::AMBIGUOUS_FUNCTION,
        format!("function {}({}) is not unique", call.name, shown.join(", ")),
    )
    .with_hint(
        "Could not choose a best candidate function. You might need to add explicit type casts.",
    )
}
