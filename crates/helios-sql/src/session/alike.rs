//! Statements given as text that differ from earlier ones in whole numbers only.
//!
//! A client that writes its values into the text sends another text each time, and each would be parsed, bound and planned. Where a text
//! comes again with other numbers it is prepared with parameters of type `integer` in their place, which is what such numbers are, and run as
//! prepared statements are; but only where the plan cannot depend on the values: a lookup, `UPDATE` or `DELETE` by key, or an `INSERT` of
//! rows that the text lists. All else goes the way of every text.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{DataType, Result, Value};

use super::planned::Code;
use super::{Outcome, Prepared, Session};
use crate::bind::computes_parameters;
use crate::plan::{Plan, Statement};
use crate::row::dml::{Delete, Update};

/// How many texts are kept.
const TEXTS_MAX: usize = 256;
/// Longer texts are not looked at.
const TEXT_LEN_MAX: usize = 512;
/// Texts with more numbers are not looked at.
const NUMBERS_MAX: usize = 16;

/// What is known of a text without its numbers.
enum Known {
    /// It came once.
    Seen,
    /// Its plan may depend on the numbers.
    Long,
    /// It is a lookup or a change by key, or inserts the rows that it lists.
    Alike(Arc<Prepared>),
}

/// The texts that a session was given, without their numbers.
#[derive(Default)]
pub(super) struct Alike(HashMap<Box<str>, Known>);

impl Alike {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Session {
    /// Runs a text as an earlier one with other numbers; `None`: it goes the way of every text, and nothing has happened.
    pub(super) fn run_alike(&mut self, source: &Arc<str>) -> Option<Result<Outcome>> {
        if self.current.as_ref().is_some_and(|current| current.failed) {
            return None;
        }
        let (template, numbers) = without_numbers(source)?;
        let Some(known) = self.alike.0.get(&*template) else {
            if self.alike.0.len() >= TEXTS_MAX {
                self.alike.clear();
            }
            self.alike.0.insert(template.into(), Known::Seen);
            return None;
        };
        let prepared = match known {
            Known::Long => return None,
            Known::Alike(prepared) => Arc::clone(prepared),
            Known::Seen => {
                let known = self.prepare_alike(&template, numbers.len());
                let found = match &known {
                    Known::Alike(prepared) => Some(Arc::clone(prepared)),
                    Known::Seen | Known::Long => None,
                };
                self.alike.0.insert(template.clone().into(), known);
                found?
            }
        };
        let begun = self.begin_measure();
        // A change may have to wait for a row, and settings may ask for more than the short way does.
        let mut done = match self.run_short_alike(&prepared, &numbers, source) {
            Some(done) => done,
            None if self.still_holds(&prepared) => self.run_long(&prepared, &numbers, source),
            None => {
                // What was made for another schema is made anew.
                self.alike.0.insert(template.into(), Known::Seen);
                return None;
            }
        };
        if let (Some(begun), Ok(outcome)) = (begun, &mut done) {
            self.end_measure(begun, source, Some(&prepared.normal), outcome);
        }
        Some(done)
    }

    fn run_short_alike(
        &mut self,
        prepared: &Prepared,
        numbers: &[Value],
        source: &Arc<str>,
    ) -> Option<Result<Outcome>> {
        let planned = prepared.plan.lock().clone()?;
        let mut done = self.run_short_as(prepared, &planned, numbers, source)?;
        self.count(&done);
        if let Some(parsed) = &prepared.parsed {
            self.audit(&parsed.statement, source, &mut done);
        }
        Some(done)
    }

    /// Prepares a text with parameters in place of its numbers, if its plan does not depend on them.
    fn prepare_alike(&mut self, template: &str, numbers: usize) -> Known {
        let prepared = self.prepare_statement(template, vec![DataType::Int4; numbers], None);
        let Ok(prepared) = prepared else {
            return Known::Long;
        };
        let planned = prepared.plan.lock().clone();
        let planned = planned.filter(|planned| {
            planned.bound.moments.is_empty() && prepared.parameters.len() == numbers
        });
        let Some(planned) = planned else {
            return Known::Long;
        };
        // Rows that are listed are always computed; elsewhere a mistake must show though no row is met.
        let lists = matches!(planned.code, Code::Insert(..));
        if !lists && computes_parameters(&planned.bound) {
            return Known::Long;
        }
        match (&planned.code, &planned.bound.statement) {
            (Code::Query(query), _) if query.point.is_some() => Known::Alike(prepared),
            (
                Code::Update(Update { by_key, .. }, _) | Code::Delete(Delete { by_key, .. }, _),
                _,
            ) if by_key.is_some() => Known::Alike(prepared),
            (Code::Insert(_, subplans), Statement::Insert(insert))
                if planned.bound.cacheable
                    && subplans.is_empty()
                    && insert.returning.is_none()
                    && lists_rows(&insert.source) =>
            {
                Known::Alike(prepared)
            }
            _ => Known::Long,
        }
    }
}

/// Whether a plan gives rows that are written in the text.
fn lists_rows(plan: &Plan) -> bool {
    match plan {
        Plan::OneRow | Plan::Values(_) => true,
        Plan::Project(project) => lists_rows(&project.input),
        _ => false,
    }
}

/// A text with `$1`, `$2`, … for its numbers, and these; `None` if it has none, or anything that would have to be understood to tell numbers
/// apart: strings, quoted names, comments, parameters, fractions, several statements.
fn without_numbers(text: &str) -> Option<(String, Vec<Value>)> {
    let bytes = text.as_bytes();
    let verb = bytes.first()?.to_ascii_lowercase();
    if text.len() > TEXT_LEN_MAX || !matches!(verb, b's' | b'u' | b'd' | b'i') {
        return None;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut template = String::with_capacity(text.len() + 8);
    let mut numbers = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied();
        match byte {
            b'\'' | b'"' | b'$' | b'\\' => return None,
            b'-' if next == Some(b'-') => return None,
            b'/' if next == Some(b'*') => return None,
            b';' if !text.get(at + 1..)?.trim_end().is_empty() => return None,
            b'0'..=b'9' => {
                let rest = text.get(at..)?;
                let length = rest.bytes().take_while(u8::is_ascii_digit).count();
                let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
                let after = rest.as_bytes().get(length).copied();
                let part = |byte: Option<u8>| byte.is_some_and(|b| is_word(b) || b == b'.');
                // `00` would be another text than `0`, but not another number.
                if part(before) || part(after) || numbers.len() == NUMBERS_MAX {
                    return None;
                }
                let number: i32 = rest.get(..length)?.parse().ok()?;
                numbers.push(Value::Int4(number));
                template.push('$');
                template.push_str(&numbers.len().to_string());
                at += length;
                continue;
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' => {
                let rest = text.get(at..)?;
                let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
                template.push_str(rest.get(..length)?);
                at += length;
                continue;
            }
            _ if !byte.is_ascii() => return None,
            _ => template.push(char::from(byte)),
        }
        at += 1;
    }
    (!numbers.is_empty()).then_some((template, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Option<(String, Vec<i32>)> {
        let (template, numbers) = without_numbers(text)?;
        let numbers = numbers.iter().map(|number| match number {
            Value::Int4(number) => *number,
            other => panic!("{other:?}"),
        });
        Some((template, numbers.collect()))
    }

    #[test]
    fn numbers_are_taken_out() {
        for (text, template, numbers) in [
            (
                "SELECT b FROM t WHERE a = 17;",
                "SELECT b FROM t WHERE a = $1;",
                vec![17],
            ),
            (
                "update t1 set b=b+-5 where a=2147483647 ; \n",
                "update t1 set b=b+-$1 where a=$2 ; \n",
                vec![5, 2_147_483_647],
            ),
            (
                "delete from t_2 where a in(1,2)",
                "delete from t_2 where a in($1,$2)",
                vec![1, 2],
            ),
            ("select a[1] from t", "select a[$1] from t", vec![1]),
        ] {
            assert_eq!(split(text), Some((template.to_owned(), numbers)), "{text}");
        }
    }

    #[test]
    fn what_would_have_to_be_understood_is_left_alone() {
        for text in [
            "",
            ";",
            "select a from t",
            "select 'x' from t where a = 1",
            "select \"1\" from t where a = 1",
            "select 1 -- 2",
            "select /* 1 */ 2",
            "select $1, 2",
            "select 1.5",
            "select 1.",
            "select .5",
            "select 1e5",
            "select 0x1F",
            "select 1_000",
            "select 2147483648",
            "select 1; select 2",
            "select ä1, 1",
            "select 1a",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
