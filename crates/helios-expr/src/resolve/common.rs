//! The one type that several expressions must share: CASE, COALESCE, UNION, VALUES, IN, ARRAY.

use helios_base::{DataType, Error, Result, SqlState};

use super::category::{category, is_preferred};
use super::coercion::is_implicit;
use super::errors::type_name;

/// The common type of `types`; `what` names the construct in the error, such as `CASE`.
///
/// The modifier survives if all have it. Nothing but `unknown` makes `text`.
///
/// # Errors
/// `42804` `CASE types integer and text cannot be matched`.
pub fn common_type(what: &str, types: &[&DataType]) -> Result<DataType> {
    common(types).map_err(|(left, right)| {
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "{what} types {} and {} cannot be matched",
                type_name(&left),
                type_name(&right)
            ),
        )
    })
}

/// As [`common_type`]; on failure the two bare types that do not fit.
pub(crate) fn common(types: &[&DataType]) -> Result<DataType, (DataType, DataType)> {
    let Some((&first, rest)) = types.split_first() else {
        return Ok(DataType::Text);
    };
    if !matches!(first, DataType::Unknown) && rest.iter().all(|ty| ty.same(first)) {
        let same_modifier = rest.iter().all(|&ty| ty == first);
        return Ok(if same_modifier {
            first.clone()
        } else {
            first.bare()
        });
    }
    let mut chosen = first;
    for &next in rest {
        if matches!(next, DataType::Unknown) || next.same(chosen) {
            continue;
        }
        if matches!(chosen, DataType::Unknown) {
            chosen = next;
        } else if category(next) != category(chosen) {
            return Err((chosen.bare(), next.bare()));
        } else if !is_preferred(chosen) && is_implicit(chosen, next) && !is_implicit(next, chosen) {
            chosen = next;
        }
    }
    Ok(match chosen {
        DataType::Unknown => DataType::Text,
        chosen => chosen.bare(),
    })
}
