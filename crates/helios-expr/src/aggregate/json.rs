//! `json_agg`, `json_object_agg` and their `jsonb` forms.

use helios_base::json::push_escaped;
use helios_base::{DataType, Error, Json, Result, SqlState, TextContext, Value};

use super::{Accumulator, Aggregate, AggregateCall, aggregate};
use crate::func::string::fits;
use crate::function::mismatch;
use crate::text::to_json;
use crate::ty::Ty::{self, Any, AnyElement};

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("json_agg", &[AnyElement], Ty::Json, |call| {
        Text::start(call, false)
    })
    .not_strict()
    .ordered(),
    aggregate("json_object_agg", &[Any, Any], Ty::Json, |call| {
        Text::start(call, true)
    })
    .not_strict()
    .ordered(),
    aggregate("jsonb_agg", &[AnyElement], Ty::Jsonb, |call| {
        Box::new(List {
            elements: None,
            shown: Shown::of(call),
        })
    })
    .not_strict()
    .ordered(),
    aggregate("jsonb_object_agg", &[Any, Any], Ty::Jsonb, |call| {
        Box::new(Members {
            members: None,
            shown: Shown::of(call),
        })
    })
    .not_strict()
    .ordered(),
];

/// `json_agg` of rows that are JSON already: each on a line of its own, as rows are.
///
/// Not in the catalogue: only the binder knows that they were rows.
pub static JSON_AGG_ROWS: Aggregate = aggregate("json_agg", &[Ty::Json], Ty::Json, |call| {
    Box::new(Text {
        rows: true,
        ..Text::new(call, false)
    })
})
.not_strict()
.ordered();

/// What converting the arguments takes.
struct Shown {
    types: Vec<DataType>,
    text: TextContext,
}

impl Shown {
    fn of(call: &AggregateCall<'_>) -> Self {
        Self {
            types: call.args.to_vec(),
            text: call.ctx.text.clone(),
        }
    }

    fn ty(&self, index: usize) -> &DataType {
        self.types.get(index).unwrap_or(&DataType::Unknown)
    }

    /// The text of an object key.
    fn key(&self, key: &Value, message: &str) -> Result<String> {
        if key.is_null() {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        to_json::key(key, self.ty(0), &self.text)
    }
}

/// `json` keeps text, so its aggregates build text.
struct Text {
    text: Option<String>,
    object: bool,
    /// The values are rows, as text.
    rows: bool,
    shown: Shown,
}

impl Text {
    fn start(call: &AggregateCall<'_>, object: bool) -> Box<dyn Accumulator> {
        Box::new(Self::new(call, object))
    }

    fn new(call: &AggregateCall<'_>, object: bool) -> Self {
        Self {
            text: None,
            object,
            rows: false,
            shown: Shown::of(call),
        }
    }
}

impl Accumulator for Text {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let open = if self.object { "{ " } else { "[" };
        let first = self.text.is_none();
        let text = self.text.get_or_insert_with(|| open.to_owned());
        if !first {
            fits(text.len())?;
            text.push_str(", ");
        }
        match (args, self.object) {
            ([key, value], true) => {
                let key = self.shown.key(key, "field name must not be null")?;
                push_escaped(&key, text);
                text.push_str(" : ");
                to_json::push(value, self.shown.ty(1), &self.shown.text, text)
            }
            ([value], false) => {
                let structured = matches!(value, Value::Array(_) | Value::Record(_))
                    || self.rows && !value.is_null();
                if structured && !first {
                    text.push_str("\n ");
                }
                to_json::push(value, self.shown.ty(0), &self.shown.text, text)
            }
            (args, _) => Err(mismatch(args)),
        }
    }

    fn finish(&self) -> Result<Value> {
        let close = if self.object { " }" } else { "]" };
        Ok(self
            .text
            .as_ref()
            .map(|text| format!("{text}{close}"))
            .into())
    }

    fn size(&self) -> usize {
        self.text.as_ref().map_or(0, String::capacity)
    }
}

struct List {
    elements: Option<Vec<Json>>,
    shown: Shown,
}

impl Accumulator for List {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        let json = to_json::to_jsonb(value, self.shown.ty(0), &self.shown.text)?;
        self.elements.get_or_insert_default().push(json);
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.elements.clone().map(Json::Array).into())
    }

    fn size(&self) -> usize {
        self.elements.as_ref().map_or(0, Vec::capacity) * size_of::<Json>()
    }
}

struct Members {
    members: Option<Vec<(Box<str>, Json)>>,
    shown: Shown,
}

impl Accumulator for Members {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [key, value] = args else {
            return Err(mismatch(args));
        };
        let key = self.shown.key(key, "field name must not be null")?;
        let json = to_json::to_jsonb(value, self.shown.ty(1), &self.shown.text)?;
        self.members
            .get_or_insert_default()
            .push((key.into(), json));
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        let object = self.members.clone().map(helios_base::json::JsonObject::new);
        Ok(object.map(Json::Object).into())
    }

    fn size(&self) -> usize {
        self.members.as_ref().map_or(0, Vec::capacity) * size_of::<(Box<str>, Json)>()
    }
}
