//! What a path finds: parts of documents, and moments that `datetime()` has read.

use std::borrow::Cow;

use helios_base::{DataType, Json, TextContext, TimeZone, Value};

/// One thing that was found.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// A part of a document, or what was made of one.
    Json(Cow<'a, Json>),
    /// A date, time or timestamp.
    /// With the seconds east of UTC that it was written with.
    Moment(Value, i32),
}

impl<'a> Item<'a> {
    pub(super) fn own(json: Json) -> Self {
        Self::Json(Cow::Owned(json))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Self::Json(json) if matches!(**json, Json::Array(_)))
    }

    /// The values in an array or object; none in anything else.
    pub(super) fn children(&self) -> Vec<Self> {
        match self {
            Self::Moment(..) => Vec::new(),
            Self::Json(Cow::Borrowed(json)) => {
                let part = |json: &'a Json| Self::Json(Cow::Borrowed(json));
                match json {
                    Json::Array(elements) => elements.iter().map(part).collect(),
                    Json::Object(object) => object.members().iter().map(|m| part(&m.1)).collect(),
                    _ => Vec::new(),
                }
            }
            Self::Json(Cow::Owned(json)) => match json {
                Json::Array(elements) => elements.iter().cloned().map(Self::own).collect(),
                Json::Object(object) => {
                    let values = object.members().iter().map(|(_, value)| value.clone());
                    values.map(Self::own).collect()
                }
                _ => Vec::new(),
            },
        }
    }

    /// The member of an object.
    pub(super) fn member(&self, key: &str) -> Option<Self> {
        match self {
            Self::Json(Cow::Borrowed(Json::Object(object))) => {
                object.get(key).map(|json| Self::Json(Cow::Borrowed(json)))
            }
            Self::Json(Cow::Owned(Json::Object(object))) => object.get(key).cloned().map(Self::own),
            _ => None,
        }
    }

    /// How `type()` calls it.
    pub(super) fn type_name(&self) -> String {
        match self {
            Self::Json(json) => json.type_name().to_owned(),
            Self::Moment(value, _) => value.natural_type().to_string(),
        }
    }

    /// Moments are strings in ISO 8601's form.
    pub(super) fn into_json(self) -> Json {
        match self {
            Self::Json(json) => json.into_owned(),
            Self::Moment(value, offset) => {
                let ty = value.natural_type();
                let context = TextContext {
                    time_zone: TimeZone::fixed(offset),
                    ..TextContext::default()
                };
                let shown = match ty {
                    // Shown with its own offset; a space becomes a T.
                    DataType::Timestamp(_) | DataType::TimestampTz(_) => {
                        let mut shown = value.to_text(&ty, &context);
                        if matches!(ty, DataType::TimestampTz(_)) && offset % 3600 == 0 {
                            shown.push_str(":00");
                        }
                        shown.replacen(' ', "T", 1)
                    }
                    DataType::TimeTz(_) => {
                        let shown = value.to_text(&ty, &TextContext::default());
                        if shown.len() > 3 && shown.rfind(['+', '-']) == Some(shown.len() - 3) {
                            format!("{shown}:00")
                        } else {
                            shown
                        }
                    }
                    _ => value.to_text(&ty, &TextContext::default()),
                };
                Json::String(shown.into())
            }
        }
    }
}
