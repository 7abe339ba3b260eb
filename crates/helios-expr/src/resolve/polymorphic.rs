//! Settling `anyelement`, `anyarray`, `anycompatible` and their kin for actual argument types.

use helios_base::{DataType, Error, Result, SqlState};

use super::coercion::is_implicit;
use super::common::common;
use crate::ty::Ty;

/// What the two families of polymorphic types stand for in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    element: Option<DataType>,
    array: Option<DataType>,
    compatible: Option<DataType>,
}

/// Whether the actual types are consistent with the polymorphic patterns among `declared`.
pub(crate) fn is_consistent(declared: &[Ty], actual: &[DataType]) -> bool {
    settle(declared, actual).is_ok()
}

/// Finds what the polymorphic patterns stand for. Unknown arguments are left out of account.
///
/// # Errors
/// `42804` if they contradict each other.
pub(crate) fn settle(declared: &[Ty], actual: &[DataType]) -> Result<Settled> {
    let mut settled = Settled::default();
    let mut non_array = false;
    let mut enums = false;
    let mut compatible: Vec<&DataType> = Vec::new();
    let mut compatible_used = false;
    let mut compatible_non_array = false;
    for (pattern, ty) in declared.iter().zip(actual) {
        let unknown = matches!(ty, DataType::Unknown);
        match pattern {
            Ty::AnyElement | Ty::AnyNonArray | Ty::AnyEnum => {
                non_array |= *pattern == Ty::AnyNonArray;
                enums |= *pattern == Ty::AnyEnum;
                if unknown {
                    continue;
                }
                match &settled.element {
                    Some(element) if !element.same(ty) => {
                        return Err(unlike("anyelement", element, ty));
                    }
                    _ => settled.element = Some(ty.bare()),
                }
            }
            Ty::AnyArray => {
                if unknown {
                    continue;
                }
                let vector = ty.vector_array();
                let ty = vector.as_ref().unwrap_or(ty);
                let DataType::Array(_) = ty else {
                    return Err(mismatch(format!(
                        "argument declared anyarray is not an array but type {ty}"
                    )));
                };
                match &settled.array {
                    Some(array) if !array.same(ty) => {
                        return Err(unlike("anyarray", array, ty));
                    }
                    _ => settled.array = Some(ty.bare()),
                }
            }
            Ty::AnyCompatible | Ty::AnyCompatibleNonArray => {
                compatible_used = true;
                compatible_non_array |= *pattern == Ty::AnyCompatibleNonArray;
                if !unknown {
                    compatible.push(ty);
                }
            }
            Ty::AnyCompatibleArray => {
                compatible_used = true;
                match ty {
                    DataType::Unknown => {}
                    DataType::Array(element) => compatible.push(element),
                    other => {
                        return Err(mismatch(format!(
                            "argument declared anycompatiblearray is not an array but type {other}"
                        )));
                    }
                }
            }
            _ => {}
        }
    }
    if let Some(DataType::Array(element)) = &settled.array {
        match &settled.element {
            Some(actual) if !actual.same(element) => {
                return Err(mismatch(
                    "argument declared anyarray is not consistent with argument declared anyelement"
                        .to_owned(),
                )
                .with_detail(format!(
                    "{} versus {actual}",
                    DataType::Array(element.clone())
                )));
            }
            _ => settled.element = Some((**element).clone()),
        }
    }
    if non_array && matches!(settled.element, Some(DataType::Array(_))) {
        let ty = settled.element.unwrap_or(DataType::Unknown);
        return Err(mismatch(format!(
            "type matched to anynonarray is an array type: {ty}"
        )));
    }
    if let (true, Some(ty)) = (enums, settled.element.as_ref().filter(|ty| !ty.is_enum())) {
        return Err(mismatch(format!(
            "type matched to anyenum is not an enum type: {ty}"
        )));
    }
    if compatible_used {
        let ty = common(&compatible)
            .map(|ty| ty.bare())
            .map_err(|(left, right)| unlike("anycompatible", &left, &right))?;
        if compatible_non_array && matches!(ty, DataType::Array(_)) {
            return Err(mismatch(format!(
                "type matched to anycompatiblenonarray is an array type: {ty}"
            )));
        }
        if let Some(from) = compatible.iter().find(|from| !is_implicit(from, &ty)) {
            return Err(unlike("anycompatible", from, &ty));
        }
        settled.compatible = Some(ty);
    }
    Ok(settled)
}

impl Settled {
    /// The concrete type of a pattern in this call; for `"any"` the actual type.
    ///
    /// # Errors
    /// `42P18` or `42804` when every argument of the family is an undecided literal.
    pub(crate) fn apply(&self, pattern: Ty, actual: &DataType) -> Result<DataType> {
        let array = |element: &DataType| match element {
            DataType::Array(_) => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("could not find array type for data type {element}"),
            )),
            element => Ok(DataType::Array(Box::new(element.clone()))),
        };
        let found = match pattern {
            Ty::AnyElement | Ty::AnyNonArray | Ty::AnyEnum => self.element.clone(),
            Ty::AnyArray => match (&self.array, &self.element) {
                (Some(array), _) => Some(array.clone()),
                (None, Some(element)) => Some(array(element)?),
                (None, None) => None,
            },
            Ty::AnyCompatible | Ty::AnyCompatibleNonArray => self.compatible.clone(),
            Ty::AnyCompatibleArray => self.compatible.as_ref().map(array).transpose()?,
            Ty::Any => Some(actual.clone()),
            plain => plain.concrete(),
        };
        found.ok_or_else(|| {
            mismatch(
                "could not determine polymorphic type because input has type unknown".to_owned(),
            )
        })
    }
}

fn mismatch(message: String) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

fn unlike(family: &str, left: &DataType, right: &DataType) -> Error {
    mismatch(format!("arguments declared \"{family}\" are not all alike"))
        .with_detail(format!("{left} versus {right}"))
}
