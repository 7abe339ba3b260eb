//! Vectors to test with.

/// Vectors around centres, as real embeddings are.
pub fn clustered(seed: u64, rows: usize, dimensions: usize, clusters: usize) -> Vec<f32> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let centres: Vec<f32> = (0..clusters * dimensions)
        .map(|_| normal(&mut rng))
        .collect();
    let mut values = Vec::with_capacity(rows * dimensions);
    for _ in 0..rows {
        let cluster = rng.usize(..clusters);
        let centre = &centres[cluster * dimensions..(cluster + 1) * dimensions];
        values.extend(centre.iter().map(|x| x + 0.5 * normal(&mut rng)));
    }
    values
}

fn normal(rng: &mut fastrand::Rng) -> f32 {
    (0..6).map(|_| rng.f32() - 0.5).sum::<f32>() * 1.4
}

/// How many tests of a kind run; `HELIOS_VECTOR_ROUNDS` makes them many.
pub fn rounds(usual: usize) -> usize {
    let factor = std::env::var("HELIOS_VECTOR_ROUNDS");
    usual * factor.ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}
