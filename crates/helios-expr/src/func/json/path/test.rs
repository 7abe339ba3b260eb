//! Conditions in paths: true, false or unknown.

use helios_base::jsonpath::{Arithmetic, First, Path, RegexFlags, Step, Test};
use helios_base::{Json, Numeric, SqlState};

use super::compare;
use super::execute::{Execution, Found, Halt, Walk};
use super::item::Item;
use crate::text::regex;

/// `None` is unknown.
pub(super) type Truth = Option<bool>;

impl<'a> Execution<'a> {
    /// A path that is a condition.
    pub(super) fn condition(&mut self, path: &'a Path, item: &Item<'a>) -> Walk<Truth> {
        match &path.first {
            First::Test(test) => self.test(test, item),
            _ => Ok(None),
        }
    }

    pub(super) fn test(&mut self, test: &'a Test, item: &Item<'a>) -> Walk<Truth> {
        match test {
            Test::And(a, b) => Ok(match self.condition(a, item)? {
                Some(false) => Some(false),
                left => match self.condition(b, item)? {
                    Some(true) => left,
                    right => right,
                },
            }),
            Test::Or(a, b) => Ok(match self.condition(a, item)? {
                Some(true) => Some(true),
                left => match self.condition(b, item)? {
                    Some(false) => left,
                    right => right,
                },
            }),
            Test::Not(inner) => Ok(self.condition(inner, item)?.map(|value| !value)),
            Test::IsUnknown(inner) => Ok(Some(self.condition(inner, item)?.is_none())),
            Test::Exists(path) => {
                let lax = self.lax();
                self.quietly(|walk| {
                    if lax {
                        return walk.path(path, item, None);
                    }
                    Ok(!walk.values(path, item, false)?.is_empty())
                })
            }
            Test::Compare(comparison, a, b) => {
                let zoned = self.zoned;
                self.any_pair(item, a, Some((b, true)), |a, b| {
                    compare::compare(*comparison, a, b, zoned)
                })
            }
            Test::StartsWith(a, b) => self.any_pair(item, a, Some((b, false)), |a, b| {
                Ok(match (text(a), text(b)) {
                    (Some(whole), Some(start)) => Some(whole.starts_with(start)),
                    _ => None,
                })
            }),
            Test::LikeRegex {
                text: path,
                pattern,
                flags,
            } => self.any_pair(item, path, None, |a, _| match text(a) {
                Some(text) => {
                    let regex = regex::compiled(pattern, letters(*flags))?;
                    Ok(Some(regex.is_match(text)?))
                }
                None => Ok(None),
            }),
        }
    }

    /// Runs a walk whose errors make the result unknown.
    fn quietly<T>(&mut self, walk: impl FnOnce(&mut Self) -> Walk<T>) -> Walk<Option<T>> {
        let raises = std::mem::replace(&mut self.raises, false);
        let result = walk(self);
        self.raises = raises;
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Halt::Quiet) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the condition holds for any pair of what both sides find. In strict mode all pairs
    /// are looked at, and one that cannot be compared makes all unknown.
    fn any_pair(
        &mut self,
        item: &Item<'a>,
        left: &'a Path,
        right: Option<(&'a Path, bool)>,
        test: impl Fn(&Item<'a>, &Item<'a>) -> Walk<Truth>,
    ) -> Walk<Truth> {
        let Some(left) = self.quietly(|walk| walk.values(left, item, true))? else {
            return Ok(None);
        };
        let right = match right {
            Some((path, unwrap)) => match self.quietly(|walk| walk.values(path, item, unwrap))? {
                Some(right) => right,
                None => return Ok(None),
            },
            // One that the test does not look at.
            None => vec![Item::own(Json::Null)],
        };
        let (mut holds, mut unknown) = (false, false);
        for a in &left {
            for b in &right {
                match test(a, b)? {
                    None if self.lax() => unknown = true,
                    None => return Ok(None),
                    Some(true) if self.lax() => return Ok(Some(true)),
                    Some(true) => holds = true,
                    Some(false) => {}
                }
            }
        }
        Ok(match (holds, unknown) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        })
    }

    pub(super) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &'a Path,
        right: &'a Path,
        item: &Item<'a>,
    ) -> Walk<Item<'a>> {
        let a = self.number(left, item, "left", operator)?;
        let b = self.number(right, item, "right", operator)?;
        let result = match operator {
            Arithmetic::Add => a.add(&b),
            Arithmetic::Subtract => a.sub(&b),
            Arithmetic::Multiply => a.mul(&b),
            Arithmetic::Divide => a.div(&b),
            Arithmetic::Modulo => a.rem(&b),
        };
        match result {
            Ok(number) => Ok(Item::own(Json::Number(number))),
            Err(error) if self.raises => Err(Halt::Error(error)),
            Err(_) => Err(Halt::Quiet),
        }
    }

    fn number(
        &mut self,
        path: &'a Path,
        item: &Item<'a>,
        side: &str,
        operator: Arithmetic,
    ) -> Walk<Numeric> {
        let found = self.values(path, item, true)?;
        if let [Item::Json(json)] = found.as_slice()
            && let Json::Number(number) = &**json
        {
            return Ok(number.clone());
        }
        self.fail(
            SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
            format!(
                "{side} operand of jsonpath operator {} is not a single numeric value",
                operator.symbol()
            ),
        )
    }

    /// `+a`, `-a`: every number that is found.
    pub(super) fn signed(
        &mut self,
        inner: &'a Path,
        minus: bool,
        steps: &'a [Step],
        item: &Item<'a>,
        mut found: Found<'_, 'a>,
    ) -> Walk<bool> {
        let mut any = false;
        for value in self.values(inner, item, true)? {
            let number = match &value {
                Item::Json(json) => match &**json {
                    Json::Number(number) => Some(number.clone()),
                    _ => None,
                },
                Item::Moment(..) => None,
            };
            let only_whether = found.is_none() && steps.is_empty();
            let Some(number) = number else {
                if only_whether {
                    continue;
                }
                return self.fail(
                    SqlState::SQL_JSON_NUMBER_NOT_FOUND,
                    format!(
                        "operand of unary jsonpath operator {} is not a numeric value",
                        if minus { '-' } else { '+' }
                    ),
                );
            };
            let number = if minus { number.neg() } else { number };
            let number = Item::own(Json::Number(number));
            any |= self.next(steps, number, found.as_deref_mut())?;
            if any && found.is_none() {
                break;
            }
        }
        Ok(any)
    }
}

fn text<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    match item {
        Item::Json(json) => match &**json {
            Json::String(text) => Some(text),
            _ => None,
        },
        Item::Moment(..) => None,
    }
}

/// The flags of SQL/JSON as letters of PostgreSQL's regular expressions.
fn letters(flags: RegexFlags) -> &'static str {
    match (
        flags.quoted,
        flags.insensitive,
        flags.dot_all,
        flags.multi_line,
    ) {
        (true, false, ..) => "q",
        (true, true, ..) => "qi",
        (_, false, false, false) => "p",
        (_, false, true, false) => "s",
        (_, false, false, true) => "n",
        (_, false, true, true) => "w",
        (_, true, false, false) => "pi",
        (_, true, true, false) => "si",
        (_, true, false, true) => "ni",
        (_, true, true, true) => "wi",
    }
}
