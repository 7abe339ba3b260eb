//! Comparing what paths find.

use std::cmp::Ordering;

use helios_base::jsonpath::Comparison;
use helios_base::{Json, TextContext};

use super::execute::Walk;
use super::item::Item;
use super::moment;
use super::test::Truth;

/// Whether the comparison holds; unknown for values of different types, arrays and objects.
pub(super) fn compare(
    comparison: Comparison,
    a: &Item<'_>,
    b: &Item<'_>,
    zoned: Option<&TextContext>,
) -> Walk<Truth> {
    let order = match (a, b) {
        (Item::Json(a), Item::Json(b)) => match (&**a, &**b) {
            (Json::Null, Json::Null) => Some(Ordering::Equal),
            // Null differs from everything else.
            (Json::Null, _) | (_, Json::Null) => {
                return Ok(Some(comparison == Comparison::NotEqual));
            }
            (Json::Bool(a), Json::Bool(b)) => Some(a.cmp(b)),
            (Json::Number(a), Json::Number(b)) => Some(a.cmp(b)),
            (Json::String(a), Json::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
            _ => None,
        },
        (Item::Moment(a, _), Item::Moment(b, _)) => moment::compare(a, b, zoned)?,
        (Item::Json(json), _) | (_, Item::Json(json)) if matches!(**json, Json::Null) => {
            return Ok(Some(comparison == Comparison::NotEqual));
        }
        _ => None,
    };
    Ok(order.map(|order| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }))
}
