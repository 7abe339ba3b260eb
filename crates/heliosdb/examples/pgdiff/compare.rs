//! Whether two answers are the same.

use super::answer::{Answer, Outcome};

/// What differs, in a few words; `None` when nothing does.
pub fn difference(sql: &str, theirs: &Answer, ours: &Answer) -> Option<&'static str> {
    let what = match (&theirs.outcome, &ours.outcome) {
        (
            Outcome::Rows { columns, rows, tag },
            Outcome::Rows {
                columns: our_columns,
                rows: our_rows,
                tag: our_tag,
            },
        ) => {
            let types = |columns: &[super::answer::Column]| {
                columns
                    .iter()
                    .map(|column| column.ty.clone())
                    .collect::<Vec<_>>()
            };
            if types(columns) != types(our_columns) {
                Some("types")
            } else if columns != our_columns {
                Some("names")
            } else if !same_rows(rows, our_rows, is_ordered(sql)) {
                Some("rows")
            } else {
                (tag != our_tag).then_some("tag")
            }
        }
        (Outcome::Failed { state, .. }, Outcome::Failed { state: our, .. }) => {
            (state != our).then_some("sqlstate")
        }
        (
            Outcome::Done { tag, copied },
            Outcome::Done {
                tag: our_tag,
                copied: our_copied,
            },
        ) => {
            if tag == our_tag {
                (copied != our_copied).then_some("copied")
            } else {
                Some("tag")
            }
        }
        (_, Outcome::Crashed(_)) => Some("crash"),
        (_, Outcome::Failed { .. }) => Some("error"),
        (Outcome::Failed { .. }, _) => Some("no error"),
        _ => Some("kind"),
    };
    what.or_else(|| (theirs.status != ours.status).then_some("status"))
}

fn same_rows(theirs: &[Vec<Option<String>>], ours: &[Vec<Option<String>>], ordered: bool) -> bool {
    if ordered {
        return theirs == ours;
    }
    let sorted = |rows: &[Vec<Option<String>>]| {
        let mut rows = rows.to_vec();
        rows.sort();
        rows
    };
    theirs.len() == ours.len() && sorted(theirs) == sorted(ours)
}

/// Whether the outermost query says in what order its rows come.
fn is_ordered(sql: &str) -> bool {
    let mut depth = 0_i32;
    let mut quoted = false;
    let lower = sql.to_ascii_lowercase();
    for (at, byte) in lower.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'o' if depth == 0
                && lower
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with("order by")) =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}
