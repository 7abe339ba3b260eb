//! Walking a document along a path.
//!
//! In lax mode structure that does not fit is passed over: arrays are unwrapped where something
//! else is wanted, and scalars count as arrays of one. In strict mode it is an error. Errors are
//! raised, or, where they are to be kept quiet or make a condition unknown, only stop the walk.

use std::borrow::Cow;

use helios_base::jsonpath::{First, Method, Path, Step};
use helios_base::{Error, Json, JsonPath, Numeric, SqlState, TextContext, Value};

use super::item::Item;
use super::moment;

/// Why a walk stopped.
pub(super) enum Halt {
    /// An error that nobody is to hear of.
    Quiet,
    /// An error.
    Error(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

pub(super) type Walk<T> = Result<T, Halt>;

/// Where to put what is found; without, only whether there is anything is asked.
pub(super) type Found<'f, 'a> = Option<&'f mut Vec<Item<'a>>>;

pub(super) struct Execution<'a> {
    path: &'a JsonPath,
    root: &'a Json,
    variables: Option<&'a Json>,
    /// Whether errors are raised.
    pub(super) raises: bool,
    /// Whether structure that does not fit is passed over.
    lenient: bool,
    /// What `@` is.
    pub(super) current: Item<'a>,
    /// The length of the array whose subscripts are computed.
    array_length: Option<usize>,
    /// The settings, where moments may be compared through the session's zone.
    pub(super) zoned: Option<&'a TextContext>,
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        path: &'a JsonPath,
        root: &'a Json,
        variables: Option<&'a Json>,
        raises: bool,
        zoned: Option<&'a TextContext>,
    ) -> Self {
        Self {
            path,
            root,
            variables,
            raises,
            lenient: !path.strict,
            current: Item::Json(Cow::Borrowed(root)),
            array_length: None,
            zoned,
        }
    }

    pub(super) const fn lax(&self) -> bool {
        !self.path.strict
    }

    /// All that the path finds.
    pub(super) fn all(mut self, found: &mut Vec<Item<'a>>) -> Walk<()> {
        let root = self.current.clone();
        self.path(&self.path.root, &root, Some(found)).map(drop)
    }

    /// Whether the path finds anything. In strict mode it must be walked to its end, for errors.
    pub(super) fn exists(mut self) -> Walk<bool> {
        let root = self.current.clone();
        if self.lax() {
            return self.path(&self.path.root, &root, None);
        }
        let mut found = Vec::new();
        self.path(&self.path.root, &root, Some(&mut found))?;
        Ok(!found.is_empty())
    }

    /// An error, as this walk has them.
    pub(super) fn fail<T>(&self, state: SqlState, message: impl Into<String>) -> Walk<T> {
        Err(if self.raises {
            Halt::Error(Error::new(state, message.into()))
        } else {
            Halt::Quiet
        })
    }

    /// The error, if errors are shown.
    fn failed<T>(&self, error: Error) -> Walk<T> {
        Err(if self.raises {
            Halt::Error(error)
        } else {
            Halt::Quiet
        })
    }

    /// Structure that does not fit: nothing is found, or an error.
    fn misfit(&self, state: SqlState, message: &str) -> Walk<bool> {
        if self.lenient {
            Ok(false)
        } else {
            self.fail(state, message)
        }
    }

    /// What a path finds from `item`; whether that is anything.
    pub(super) fn path(
        &mut self,
        path: &'a Path,
        item: &Item<'a>,
        found: Found<'_, 'a>,
    ) -> Walk<bool> {
        let steps = path.steps.as_slice();
        let start = match &path.first {
            First::Root => Item::Json(Cow::Borrowed(self.root)),
            First::Current => self.current.clone(),
            First::Null => Item::own(Json::Null),
            First::Bool(value) => Item::own(Json::Bool(*value)),
            First::Number(number) => Item::own(Json::Number(number.clone())),
            First::String(text) => Item::own(Json::String(text.clone())),
            First::Variable(name) => self.variable(name)?,
            First::Last => {
                let last = self.array_length.unwrap_or(0);
                let last = i64::try_from(last).unwrap_or(i64::MAX) - 1;
                Item::own(Json::Number(Numeric::from(last)))
            }
            First::Test(test) => Item::own(match self.test(test, item)? {
                Some(value) => Json::Bool(value),
                None => Json::Null,
            }),
            First::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, left, right, item)?
            }
            First::Plus(inner) => return self.signed(inner, false, steps, item, found),
            First::Minus(inner) => return self.signed(inner, true, steps, item, found),
        };
        self.next(steps, start, found)
    }

    fn variable(&self, name: &str) -> Walk<Item<'a>> {
        let value = match self.variables {
            Some(Json::Object(object)) => object.get(name),
            _ => None,
        };
        match value {
            Some(value) => Ok(Item::Json(Cow::Borrowed(value))),
            None => Err(Halt::Error(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("could not find jsonpath variable \"{name}\""),
            ))),
        }
    }

    /// What a path finds, arrays unwrapped if `unwrap` and the mode say so.
    pub(super) fn values(
        &mut self,
        path: &'a Path,
        item: &Item<'a>,
        unwrap: bool,
    ) -> Walk<Vec<Item<'a>>> {
        let mut found = Vec::new();
        self.path(path, item, Some(&mut found))?;
        if !(unwrap && self.lax()) {
            return Ok(found);
        }
        let mut unwrapped = Vec::with_capacity(found.len());
        for item in found {
            if item.is_array() {
                unwrapped.extend(item.children());
            } else {
                unwrapped.push(item);
            }
        }
        Ok(unwrapped)
    }

    /// The steps from `item` on; without any, `item` is found.
    pub(super) fn next(
        &mut self,
        steps: &'a [Step],
        item: Item<'a>,
        found: Found<'_, 'a>,
    ) -> Walk<bool> {
        if steps.is_empty() {
            if let Some(found) = found {
                found.push(item);
            }
            return Ok(true);
        }
        self.step(steps, item, found, self.lax())
    }

    /// The same for several; if only whether anything is found matters, the first one decides.
    fn each(
        &mut self,
        steps: &'a [Step],
        items: impl IntoIterator<Item = Item<'a>>,
        mut found: Found<'_, 'a>,
    ) -> Walk<bool> {
        let mut any = false;
        for item in items {
            any |= self.next(steps, item, found.as_deref_mut())?;
            if any && found.is_none() {
                break;
            }
        }
        Ok(any)
    }

    /// The first of `steps` and those after it; `unwrap`: on the elements of an array instead.
    fn step(
        &mut self,
        steps: &'a [Step],
        item: Item<'a>,
        mut found: Found<'_, 'a>,
        unwrap: bool,
    ) -> Walk<bool> {
        let Some((step, rest)) = steps.split_first() else {
            return self.next(steps, item, found);
        };
        let unwraps = matches!(
            step,
            Step::Key(_)
                | Step::AnyKey
                | Step::Filter(_)
                | Step::DateTime(_)
                | Step::Method(
                    Method::Abs
                        | Method::Ceiling
                        | Method::Floor
                        | Method::Double
                        | Method::KeyValue
                )
        );
        if unwrap && unwraps && item.is_array() {
            let mut any = false;
            for element in item.children() {
                any |= self.step(steps, element, found.as_deref_mut(), false)?;
                if any && found.is_none() {
                    break;
                }
            }
            return Ok(any);
        }
        match step {
            Step::Key(key) => match (item.member(key), &item) {
                (Some(value), _) => self.next(rest, value, found),
                (None, Item::Json(json)) if matches!(**json, Json::Object(_)) => self.misfit(
                    SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                    &format!("JSON object does not contain key \"{key}\""),
                ),
                _ => self.misfit(
                    SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                    "jsonpath member accessor can only be applied to an object",
                ),
            },
            Step::AnyKey => match &item {
                Item::Json(json) if matches!(**json, Json::Object(_)) => {
                    self.each(rest, item.children(), found)
                }
                _ => self.misfit(
                    SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                    "jsonpath wildcard member accessor can only be applied to an object",
                ),
            },
            Step::AnyElement if item.is_array() => self.each(rest, item.children(), found),
            Step::AnyElement if self.lax() => self.next(rest, item, found),
            Step::AnyElement => self.misfit(
                SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                "jsonpath wildcard array accessor can only be applied to an array",
            ),
            Step::Elements(subscripts) if item.is_array() || self.lax() => {
                self.elements(subscripts, rest, &item, found)
            }
            Step::Elements(_) => self.misfit(
                SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                "jsonpath array accessor can only be applied to an array",
            ),
            Step::Any(first, last) => {
                let lenient = std::mem::replace(&mut self.lenient, true);
                let any = self.anywhere(rest, item, found, (*first, *last));
                self.lenient = lenient;
                any
            }
            Step::Filter(condition) => {
                let outer = std::mem::replace(&mut self.current, item.clone());
                let holds = self.condition(condition, &item);
                self.current = outer;
                match holds? {
                    Some(true) => self.next(rest, item, found),
                    _ => Ok(false),
                }
            }
            Step::Method(Method::KeyValue) => {
                let pairs = self.key_values(&item)?;
                self.each(rest, pairs, found)
            }
            Step::Method(method) => {
                let value = self.method(*method, &item)?;
                self.next(rest, value, found)
            }
            Step::DateTime(template) => {
                let value = self.date_time(template.as_deref(), &item)?;
                self.next(rest, value, found)
            }
        }
    }

    /// `[0, 2 to 4]`
    fn elements(
        &mut self,
        subscripts: &'a [(Path, Option<Path>)],
        rest: &'a [Step],
        item: &Item<'a>,
        mut found: Found<'_, 'a>,
    ) -> Walk<bool> {
        let elements = match item.is_array() {
            true => item.children(),
            false => vec![item.clone()],
        };
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let mut any = false;
        for (from, to) in subscripts {
            let outer = self.array_length.replace(elements.len());
            let bounds = self.subscript(from, item).and_then(|from| {
                let to = match to {
                    Some(to) => self.subscript(to, item)?,
                    None => from,
                };
                Ok((from, to))
            });
            self.array_length = outer;
            let (from, to) = bounds?;
            if !self.lenient && (from < 0 || from > to || to >= length) {
                return self.fail(
                    SqlState::INVALID_SQL_JSON_SUBSCRIPT,
                    "jsonpath array subscript is out of bounds",
                );
            }
            let start = usize::try_from(from.max(0)).unwrap_or(usize::MAX);
            let end = usize::try_from(to.min(length - 1) + 1).unwrap_or(0);
            let chosen = elements.get(start..end).unwrap_or_default();
            any |= self.each(rest, chosen.iter().cloned(), found.as_deref_mut())?;
            if any && found.is_none() {
                break;
            }
        }
        Ok(any)
    }

    fn subscript(&mut self, path: &'a Path, item: &Item<'a>) -> Walk<i64> {
        let found = self.values(path, item, false)?;
        let number = match found.as_slice() {
            [Item::Json(json)] => match &**json {
                Json::Number(number) => Some(number.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(number) = number else {
            return self.fail(
                SqlState::INVALID_SQL_JSON_SUBSCRIPT,
                "jsonpath array subscript is not a single numeric value",
            );
        };
        match number.trunc(0).and_then(|whole| whole.to_i32()) {
            Ok(whole) => Ok(i64::from(whole)),
            Err(_) => self.fail(
                SqlState::INVALID_SQL_JSON_SUBSCRIPT,
                "jsonpath array subscript is out of integer range",
            ),
        }
    }

    /// `.**{first to last}`, where neither means the leaves.
    fn anywhere(
        &mut self,
        rest: &'a [Step],
        item: Item<'a>,
        mut found: Found<'_, 'a>,
        levels: (Option<u32>, Option<u32>),
    ) -> Walk<bool> {
        let mut any = false;
        if levels.0 == Some(0) {
            any = self.next(rest, item.clone(), found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        any |= self.below(rest, &item, found, levels, 1)?;
        Ok(any)
    }

    fn below(
        &mut self,
        rest: &'a [Step],
        item: &Item<'a>,
        mut found: Found<'_, 'a>,
        levels: (Option<u32>, Option<u32>),
        level: u32,
    ) -> Walk<bool> {
        let mut any = false;
        if levels.1.is_some_and(|last| level > last) {
            return Ok(any);
        }
        for child in item.children() {
            let leaf = !matches!(&child, Item::Json(json) if json.is_container());
            let wanted = match levels {
                (None, None) => leaf,
                (first, _) => first.is_some_and(|first| level >= first),
            };
            if wanted {
                any |= self.next(rest, child.clone(), found.as_deref_mut())?;
            }
            if !leaf && (!any || found.is_some()) {
                any |= self.below(rest, &child, found.as_deref_mut(), levels, level + 1)?;
            }
            if any && found.is_none() {
                break;
            }
        }
        Ok(any)
    }

    fn method(&mut self, method: Method, item: &Item<'a>) -> Walk<Item<'a>> {
        let number = match item {
            Item::Json(json) => match &**json {
                Json::Number(number) => Some(number),
                _ => None,
            },
            Item::Moment(..) => None,
        };
        let json = match (method, number) {
            (Method::Type, _) => Json::String(item.type_name().into()),
            (Method::Size, _) => {
                if !item.is_array() && !self.lax() {
                    return self.fail(
                        SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                        "jsonpath item method .size() can only be applied to an array",
                    );
                }
                let size = if item.is_array() {
                    item.children().len()
                } else {
                    1
                };
                Json::Number(Numeric::from(i64::try_from(size).unwrap_or(i64::MAX)))
            }
            (Method::Abs, Some(number)) => Json::Number(number.abs()),
            (Method::Floor, Some(number)) => Json::Number(number.floor()?),
            (Method::Ceiling, Some(number)) => Json::Number(number.ceil()?),
            (Method::Double, _) => return self.double(item),
            (method, _) => {
                return self.fail(
                    SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                    format!(
                        "jsonpath item method .{}() can only be applied to a numeric value",
                        method.name()
                    ),
                );
            }
        };
        Ok(Item::own(json))
    }

    /// `double()`: a number that a float can hold.
    fn double(&self, item: &Item<'a>) -> Walk<Item<'a>> {
        let Item::Json(json) = item else {
            return self.no_double();
        };
        match &**json {
            Json::Number(number) => match number.to_f64() {
                Ok(_) => Ok(item.clone()),
                Err(_) => self.fail(
                    SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                    "numeric argument of jsonpath item method .double() is out of range for type double precision",
                ),
            },
            Json::String(text) => {
                let ty = helios_base::DataType::Float8;
                match Value::parse(text, &ty, &TextContext::default()) {
                    Ok(Value::Float8(x)) if x.is_finite() => {
                        Ok(Item::own(Json::Number(Numeric::from_f64(x))))
                    }
                    _ => self.fail(
                        SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                        "string argument of jsonpath item method .double() is not a valid representation of a double precision number",
                    ),
                }
            }
            _ => self.no_double(),
        }
    }

    fn no_double(&self) -> Walk<Item<'a>> {
        self.fail(
            SqlState::NON_NUMERIC_SQL_JSON_ITEM,
            "jsonpath item method .double() can only be applied to a string or numeric value",
        )
    }

    fn date_time(&self, template: Option<&str>, item: &Item<'a>) -> Walk<Item<'a>> {
        let text = match item {
            Item::Json(json) => match &**json {
                Json::String(text) => text.clone(),
                _ => return self.no_text(),
            },
            Item::Moment(..) => return self.no_text(),
        };
        if let Some(template) = template {
            return match crate::func::format::parse_standard(&text, template) {
                Ok((value, offset)) => Ok(Item::Moment(value, offset)),
                Err(error) => self.failed(error),
            };
        }
        match moment::read(&text) {
            Some((value, offset)) => Ok(Item::Moment(value, offset)),
            None => self.fail(
                SqlState::INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
                format!("datetime format is not recognized: \"{text}\""),
            ),
        }
    }

    fn no_text(&self) -> Walk<Item<'a>> {
        self.fail(
            SqlState::INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
            "jsonpath item method .datetime() can only be applied to a string",
        )
    }

    /// An object for each member, with a number that tells the object apart from others.
    fn key_values(&self, item: &Item<'a>) -> Walk<Vec<Item<'a>>> {
        let object = match item {
            Item::Json(json) => match &**json {
                Json::Object(object) => Some((object, &**json)),
                _ => None,
            },
            Item::Moment(..) => None,
        };
        let Some((object, json)) = object else {
            return self.fail(
                SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                "jsonpath item method .keyvalue() can only be applied to an object",
            );
        };
        let id = place(self.root, json).unwrap_or(0);
        let pair = |(key, value): &(Box<str>, Json)| {
            let members = vec![
                (Box::from("id"), Json::Number(Numeric::from(id))),
                (Box::from("key"), Json::String(key.clone())),
                (Box::from("value"), value.clone()),
            ];
            Item::own(Json::Object(helios_base::json::JsonObject::new(members)))
        };
        Ok(object.members().iter().map(pair).collect())
    }
}

/// How many containers come before this one in the document.
fn place(root: &Json, wanted: &Json) -> Option<i64> {
    let mut before = 0;
    let mut open = vec![root];
    while let Some(json) = open.pop() {
        if std::ptr::eq(json, wanted) {
            return Some(before);
        }
        match json {
            Json::Array(elements) => open.extend(elements.iter().rev()),
            Json::Object(object) => open.extend(object.members().iter().rev().map(|m| &m.1)),
            _ => continue,
        }
        before += 1;
    }
    None
}
