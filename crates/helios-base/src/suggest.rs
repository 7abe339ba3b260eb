//! "Did you mean": the nearest known name.

/// The candidate closest to `name`, if one is close enough to be a slip of the fingers.
///
/// Distance counts insertions, deletions, replacements and swaps of neighbours, letter case aside;
/// at most a third of the name's length may differ. The first of equally close candidates wins.
///
/// # Cost
/// O(candidates · length²).
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    let limit = (wanted.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().collect();
            if wanted.len().abs_diff(other.len()) > limit {
                return None;
            }
            let distance = distance(&wanted, &other);
            (distance <= limit && distance < wanted.len().max(other.len()))
                .then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, three rows at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let replace = last[j] + usize::from(x != y);
            let mut best = replace.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_nothing_else() {
        let names = ["customers", "orders", "items"];
        assert_eq!(nearest("costumers", names), Some("customers"));
        assert_eq!(nearest("oders", names), Some("orders"));
        assert_eq!(nearest("ITMES", names), Some("items"));
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("warehouse", names), None);
    }
}
