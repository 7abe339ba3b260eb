//! Arguments by name of functions whose parameters PostgreSQL names: brought into their order, they
//! are arguments like others.

use helios_base::{Result, SqlState};
use helios_expr::resolve;

use super::Binder;
use crate::parse::ast::{Argument, Call, Expr, ExprKind, Pos};

/// A parameter and, if it may be left out, the text of its default.
type Parameter = (&'static str, Option<&'static str>);

const PATH: &[Parameter] = &[
    ("target", None),
    ("path", None),
    ("vars", Some("{}")),
    ("silent", Some("false")),
];
const POPULATE: &[Parameter] = &[("base", None), ("from_json", None)];
const MEMBERS: &[Parameter] = &[("from_json", None)];
const MEMBER: &[Parameter] = &[("from_json", None), ("field_name", None)];
const ELEMENT: &[Parameter] = &[("from_json", None), ("element_index", None)];

/// The parameters of a function, if they have names. Functions whose entries in the catalogue name
/// them are not here.
fn parameters(function: &str) -> Option<&'static [Parameter]> {
    Some(match function {
        "jsonb_path_query" | "jsonb_path_query_tz" => PATH,
        "jsonb_set" => &[
            ("jsonb_in", None),
            ("path", None),
            ("replacement", None),
            ("create_if_missing", Some("true")),
        ],
        "jsonb_set_lax" => &[
            ("jsonb_in", None),
            ("path", None),
            ("replacement", None),
            ("create_if_missing", Some("true")),
            ("null_value_treatment", Some("use_json_null")),
        ],
        "jsonb_insert" => &[
            ("jsonb_in", None),
            ("path", None),
            ("replacement", None),
            ("insert_after", Some("false")),
        ],
        "parse_ident" => &[("str", None), ("strict", Some("true"))],
        "pg_terminate_backend" => &[("pid", None), ("timeout", Some("0"))],
        "json_populate_record"
        | "jsonb_populate_record"
        | "json_populate_recordset"
        | "jsonb_populate_recordset" => POPULATE,
        "json_array_elements"
        | "json_array_elements_text"
        | "jsonb_array_elements"
        | "jsonb_array_elements_text"
        | "json_each"
        | "json_each_text"
        | "jsonb_each"
        | "jsonb_each_text" => MEMBERS,
        "json_object_field"
        | "json_object_field_text"
        | "jsonb_object_field"
        | "jsonb_object_field_text" => MEMBER,
        "json_array_element"
        | "json_array_element_text"
        | "jsonb_array_element"
        | "jsonb_array_element_text" => ELEMENT,
        _ => return None,
    })
}

impl Binder<'_> {
    /// The call with all its arguments in order, if some were named and the function is one of those
    /// above.
    pub(super) fn in_order(&self, call: &Call, pos: Pos) -> Result<Option<Call>> {
        let name = call.name.name.name.as_str();
        let Some(first) = call.args.iter().position(|arg| arg.name.is_some()) else {
            return Ok(None);
        };
        let Some(parameters) = parameters(name) else {
            return Ok(None);
        };
        let (positional, named) = call.args.split_at(first);
        for (at, arg) in named.iter().enumerate() {
            let Some(written) = &arg.name else {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "positional argument cannot follow named argument",
                    arg.value.pos,
                ));
            };
            let same = |other: &Argument| {
                other
                    .name
                    .as_ref()
                    .is_some_and(|name| name.name == written.name)
            };
            if named.iter().take(at).any(same) {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    format!("argument name \"{}\" used more than once", written.name),
                    written.pos,
                ));
            }
            let known = parameters
                .iter()
                .skip(first)
                .any(|(parameter, _)| *parameter == written.name);
            if !known {
                return Err(self.at(resolve::no_function(name, &[]), pos));
            }
        }
        let mut args = positional.to_vec();
        let mut defaults = Vec::new();
        for (parameter, default) in parameters.iter().skip(first) {
            let given = named.iter().find(|arg| {
                arg.name
                    .as_ref()
                    .is_some_and(|name| name.name == *parameter)
            });
            match (given, default) {
                (Some(given), _) => {
                    args.append(&mut defaults);
                    args.push(Argument {
                        name: None,
                        ..given.clone()
                    });
                }
                // Those at the end may stay out.
                (None, Some(default)) => defaults.push(Argument {
                    name: None,
                    value: Expr {
                        kind: ExprKind::Text((*default).to_owned()),
                        pos,
                    },
                }),
                (None, None) => return Err(self.at(resolve::no_function(name, &[]), pos)),
            }
        }
        Ok(Some(Call {
            args,
            ..call.clone()
        }))
    }
}
