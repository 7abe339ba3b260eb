//! Choosing among overloads: PostgreSQL's `func_match_argtypes` and `func_select_candidate`.

use helios_base::DataType;

use super::category::{Category, category, of_pattern};
use super::coercion::is_implicit;
use super::polymorphic;
use crate::ty::Ty;

/// One overload with its argument list spread to the number of actual arguments.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<E> {
    pub entry: E,
    pub args: Vec<Ty>,
}

/// The outcome of a selection.
pub(crate) enum Choice<E> {
    One(E),
    None,
    Ambiguous,
}

/// Picks the overload for arguments of these types.
pub(crate) fn choose<E: Copy>(
    candidates: Vec<Candidate<E>>,
    actual: &[DataType],
) -> Choice<Candidate<E>> {
    if let Some(exact) = candidates.iter().find(|c| is_exact(&c.args, actual)) {
        return Choice::One(exact.clone());
    }
    let mut usable: Vec<_> = candidates
        .into_iter()
        .filter(|candidate| accepts(&candidate.args, actual))
        .collect();
    match usable.len() {
        0 => Choice::None,
        1 => usable.pop().map_or(Choice::None, Choice::One),
        _ => select(usable, actual).map_or(Choice::Ambiguous, Choice::One),
    }
}

fn is_exact(declared: &[Ty], actual: &[DataType]) -> bool {
    declared
        .iter()
        .zip(actual)
        .all(|(ty, actual)| ty.is(actual))
}

/// Whether every argument can be passed, perhaps after an implicit cast.
pub(crate) fn accepts(declared: &[Ty], actual: &[DataType]) -> bool {
    let mut generic = false;
    for (pattern, ty) in declared.iter().zip(actual) {
        if *pattern == Ty::Any {
            continue;
        }
        if pattern.is_polymorphic() {
            generic = true;
        } else if let Ty::Element(_) = pattern {
            if !matches!(ty, DataType::Unknown) && !pattern.is(ty) {
                return false;
            }
        } else if !matches!(ty, DataType::Unknown)
            && !pattern
                .concrete()
                .is_some_and(|declared| is_implicit(ty, &declared))
        {
            return false;
        }
    }
    !generic || polymorphic::is_consistent(declared, actual)
}

fn select<E: Copy>(mut candidates: Vec<Candidate<E>>, actual: &[DataType]) -> Option<Candidate<E>> {
    let known = |i: usize| !matches!(actual.get(i), None | Some(DataType::Unknown));
    let categories: Vec<_> = actual.iter().map(category).collect();

    // Most exact matches.
    keep_best(&mut candidates, |args| {
        matches(args, actual, |i, pattern, ty| known(i) && pattern.is(ty))
    });
    // Most exact or preferred matches.
    if candidates.len() > 1 {
        keep_best(&mut candidates, |args| {
            matches(args, actual, |i, pattern, ty| {
                let (kind, preferred) = of_pattern(pattern);
                known(i) && (pattern.is(ty) || preferred && categories.get(i) == Some(&kind))
            })
        });
    }
    if candidates.len() > 1 && actual.iter().any(|ty| matches!(ty, DataType::Unknown)) {
        by_unknowns(&mut candidates, actual);
    }
    if candidates.len() > 1 {
        return by_common_type(&candidates, actual);
    }
    candidates.pop()
}

fn matches(
    args: &[Ty],
    actual: &[DataType],
    mut good: impl FnMut(usize, Ty, &DataType) -> bool,
) -> usize {
    args.iter()
        .zip(actual)
        .enumerate()
        .filter(|(i, (pattern, ty))| good(*i, **pattern, ty))
        .count()
}

fn keep_best<E>(candidates: &mut Vec<Candidate<E>>, score: impl Fn(&[Ty]) -> usize) {
    let best = candidates.iter().map(|c| score(&c.args)).max().unwrap_or(0);
    candidates.retain(|candidate| score(&candidate.args) == best);
}

/// Decides each undecided literal for a category (strings win) and drops what does not fit.
fn by_unknowns<E: Copy>(candidates: &mut Vec<Candidate<E>>, actual: &[DataType]) {
    let mut wanted: Vec<Option<(Category, bool)>> = vec![None; actual.len()];
    for (i, ty) in actual.iter().enumerate() {
        if !matches!(ty, DataType::Unknown) {
            continue;
        }
        let mut slot: Option<(Category, bool)> = None;
        let mut conflict = false;
        for candidate in candidates.iter() {
            let Some(&pattern) = candidate.args.get(i) else {
                continue;
            };
            let (kind, preferred) = of_pattern(pattern);
            match &mut slot {
                None => slot = Some((kind, preferred)),
                Some((chosen, has_preferred)) if *chosen == kind => *has_preferred |= preferred,
                Some(chosen) if kind == Category::String => *chosen = (kind, preferred),
                Some(_) => conflict = true,
            }
        }
        if conflict && !matches!(slot, Some((Category::String, _))) {
            return;
        }
        if let Some(wanted) = wanted.get_mut(i) {
            *wanted = slot;
        }
    }
    let fits = |candidate: &Candidate<E>| {
        candidate.args.iter().zip(&wanted).all(|(&pattern, slot)| {
            let Some((kind, has_preferred)) = slot else {
                return true;
            };
            let (actual, preferred) = of_pattern(pattern);
            actual == *kind && (preferred || !has_preferred)
        })
    };
    if candidates.iter().any(fits) {
        candidates.retain(fits);
    }
}

/// If all decided arguments have one type, tries that type for the undecided ones.
fn by_common_type<E: Copy>(
    candidates: &[Candidate<E>],
    actual: &[DataType],
) -> Option<Candidate<E>> {
    let mut known = actual.iter().filter(|ty| !matches!(ty, DataType::Unknown));
    let first = known.next()?;
    if !known.all(|ty| ty.same(first)) {
        return None;
    }
    let assumed = vec![first.clone(); actual.len()];
    let mut fitting = candidates.iter().filter(|c| accepts(&c.args, &assumed));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}
