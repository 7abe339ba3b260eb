//! What was measured of one system at one effort, and tables of that.

use std::collections::BTreeMap;

use crate::report;

/// A system at one effort.
#[derive(Clone, Debug)]
pub struct Point {
    pub name: String,
    pub threads: usize,
    pub effort: usize,
    pub recall: f64,
    /// Queries a second.
    pub speed: f64,
    /// Seconds that the index took to make.
    pub build: f64,
    pub memory: f64,
    pub disk: f64,
}

/// Queries a second at a recall, between two measured points.
fn at(points: &[&Point], recall: f64) -> Option<f64> {
    let mut points: Vec<(f64, f64)> = points.iter().map(|p| (p.recall, p.speed)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((least, speed)) = points.first()
        && *least >= recall
    {
        return Some(*speed);
    }
    points.windows(2).find_map(|pair| match pair {
        [(r0, s0), (r1, s1)] if (*r0..=*r1).contains(&recall) && r1 > r0 => {
            Some(s0 + (s1 - s0) * (recall - r0) / (r1 - r0))
        }
        _ => None,
    })
}

/// Prints each point, and then each system at the recalls that are compared.
pub fn print(points: &[Point], ours: &str) {
    println!(
        "{:<28}{:>8}{:>8}{:>10}{:>12}",
        "", "threads", "effort", "recall", "queries/s"
    );
    for point in points {
        println!(
            "{:<28}{:>8}{:>8}{:>10.4}{:>12}",
            point.name,
            point.threads,
            point.effort,
            point.recall,
            report::thousands(point.speed as u64)
        );
    }
    let mut systems: BTreeMap<(usize, &str), Vec<&Point>> = BTreeMap::new();
    for point in points {
        let system = systems.entry((point.threads, &point.name)).or_default();
        system.push(point);
    }
    println!(
        "\n{:<28}{:>8}{:>12}{:>12}{:>10}{:>10}{:>10}",
        "queries/s at a recall of", "threads", "0.95", "0.99", "build s", "MB", "MB disk"
    );
    for ((threads, name), points) in &systems {
        let Some(first) = points.first() else {
            continue;
        };
        let shown = |recall| {
            at(points, recall).map_or("-".to_owned(), |speed| report::thousands(speed as u64))
        };
        println!(
            "{name:<28}{threads:>8}{:>12}{:>12}{:>10.1}{:>10.1}{:>10.1}",
            shown(0.95),
            shown(0.99),
            first.build,
            first.memory / 1e6,
            first.disk / 1e6
        );
    }
    println!();
    for (threads, recall) in systems
        .keys()
        .map(|(threads, _)| *threads)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .flat_map(|threads| [(threads, 0.95), (threads, 0.99)])
    {
        let of = |name: &str| at(systems.get(&(threads, name))?, recall);
        let best = systems
            .keys()
            // Graphs of full vectors.
            .filter(|(count, name)| {
                *count == threads && !name.starts_with("heliosdb") && !name.contains(',')
            })
            .filter_map(|(_, name)| Some((of(name)?, *name)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some(mine), Some((speed, name))) = (of(ours), best) {
            println!(
                "{ours} beside {name} at {recall}, threads {threads}: {:.2} (goal ≥ 1.00)",
                mine / speed
            );
        }
    }
}
