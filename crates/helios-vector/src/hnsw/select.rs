//! Which of many candidates become neighbours.

use super::points::{PointsView, Score};

/// Chooses up to `most` of the candidates, which ascend by score against `base`: a candidate is
/// taken if no neighbour taken before is nearer to it than `base` is. That leaves links in all
/// directions, over which a search gets out of a cluster. Where a neighbour is as near as `base`, as
/// among copies of a vector, the candidate is not taken either, so copies do not fill a list.
pub(super) fn select(points: &PointsView<'_>, candidates: &[(u32, f32)], most: usize) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(most);
    let mut space = Vec::new();
    for (node, score) in candidates {
        if chosen.len() >= most {
            break;
        }
        let vector = points.vector(*node, &mut space);
        if !shadowed(points, vector, *score, &chosen) {
            chosen.push(*node);
        }
    }
    chosen
}

/// Whether one of the chosen nodes is at least as near to a vector as `score`.
fn shadowed(points: &PointsView<'_>, vector: &[f32], score: f32, chosen: &[u32]) -> bool {
    if points.codes_only() {
        let mut space = Vec::new();
        return chosen
            .iter()
            .any(|node| points.between(vector, points.vector(*node, &mut space)) <= score);
    }
    let by_full = points.by_full(vector);
    let (fours, ones) = chosen.as_chunks::<4>();
    fours
        .iter()
        .any(|four| by_full.score_4(*four).iter().any(|near| *near <= score))
        || ones.iter().any(|node| by_full.score(*node) <= score)
}
