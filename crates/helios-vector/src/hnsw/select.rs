//! Which of many candidates become neighbours.

use super::links::KEPT;
use super::points::{PointsView, Score};

/// Chooses up to `most` of the candidates, which ascend by score against `base`: a candidate is
/// taken if no neighbour taken before is nearer to it than `base` is. That leaves links in all
/// directions, over which a search gets out of a cluster. Where a neighbour is as near as `base`, as
/// among copies of a vector, the candidate is not taken either, so copies do not fill a list.
/// Links that are marked to be kept are taken whatever they are.
pub(super) fn select(points: &PointsView<'_>, candidates: &[(u32, f32)], most: usize) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(most);
    let mut words: Vec<u32> = Vec::with_capacity(most);
    // What was chosen, decoded, where there are codes only.
    let mut decoded: Vec<f32> = Vec::new();
    let kept = candidates.iter().filter(|(word, _)| word & KEPT != 0);
    let mut room = most.saturating_sub(kept.count());
    let mut space = Vec::new();
    for (word, score) in candidates {
        let node = word & !KEPT;
        if chosen.len() >= most {
            break;
        }
        if word & KEPT == 0 && room == 0 {
            continue;
        }
        let vector = points.vector(node, &mut space);
        if word & KEPT == 0 {
            let shadowed = if points.codes_only() {
                let mut rows = decoded.chunks_exact(vector.len());
                rows.any(|row| points.between(vector, row) <= *score)
            } else {
                shadowed(points, vector, *score, &chosen)
            };
            if shadowed {
                continue;
            }
            room -= 1;
        }
        if points.codes_only() {
            decoded.extend_from_slice(vector);
        }
        chosen.push(node);
        words.push(*word);
    }
    words
}

/// Whether one of the chosen nodes is at least as near to a vector as `score`.
fn shadowed(points: &PointsView<'_>, vector: &[f32], score: f32, chosen: &[u32]) -> bool {
    let by_full = points.by_full(vector);
    let (fours, ones) = chosen.as_chunks::<4>();
    fours
        .iter()
        .any(|four| by_full.score_4(*four).iter().any(|near| *near <= score))
        || ones.iter().any(|node| by_full.score(*node) <= score)
}
