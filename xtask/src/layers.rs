//! Dependencies point down only.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata};

/// Each crate's layer. A crate may depend on lower layers only.
const LAYERS: &[(&str, u8)] = &[
    ("helios-base", 0),
    ("helios-log", 1),
    ("helios-kv", 1),
    ("helios-expr", 2),
    ("helios-arrow", 1),
    ("helios-segment", 1),
    ("helios-vector", 1),
    ("helios-version", 2),
    ("helios-table", 3),
    ("helios-sql", 5),
    ("heliosdb", 7),
    ("helios-wire", 8),
    ("helios-cli", 9),
];

/// Crates for development, which nothing may ship with, and the highest layer each may know.
const DEVELOPMENT: &[(&str, u8)] = &[("helios-testkit", 0), ("xtask", 0)];

/// Libraries that only some crates may know, by name or name prefix.
const RESERVED: &[(&str, &[&str])] = &[
    ("datafusion", &["helios-sql"]),
    (
        "arrow",
        &[
            "helios-arrow",
            "helios-segment",
            "helios-table",
            "helios-sql",
            "heliosdb",
            "helios-cli",
        ],
    ),
    ("parquet", &["helios-sql", "heliosdb", "helios-cli"]),
    ("vortex", &["helios-segment"]),
    ("tokio", &["helios-sql", "heliosdb"]),
    ("redb", &["helios-kv"]),
];

/// Returns one line per fault.
pub fn check(metadata: &Metadata) -> Vec<String> {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let development: BTreeMap<&str, u8> = DEVELOPMENT.iter().copied().collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let layer = layers.get(name).copied();
        let ceiling = layer.or_else(|| development.get(name).map(|top| top + 1));
        let Some(ceiling) = ceiling else {
            faults.push(format!(
                "crate \"{name}\" has no layer: add it to xtask/src/layers.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            if let Some(below) = layers.get(other)
                && *below >= ceiling
                // A crate's own tests may look upwards for nothing but shared helpers.
                && dependency.kind != DependencyKind::Development
            {
                faults.push(format!(
                    "\"{name}\" (layer {ceiling}) depends on \"{other}\" (layer {below}): dependencies point down only"
                ));
            }
            if development.contains_key(other) && dependency.kind == DependencyKind::Normal {
                faults.push(format!(
                    "\"{name}\" ships with \"{other}\": make it a dev-dependency"
                ));
            }
            for (library, allowed) in RESERVED {
                if other.starts_with(library)
                    && !allowed.contains(&name)
                    // A bench may compare with what the crate itself must not know.
                    && dependency.kind != DependencyKind::Development
                {
                    faults.push(format!(
                        "\"{name}\" depends on \"{other}\": only {} may",
                        allowed.join(", ")
                    ));
                }
            }
        }
    }
    faults
}
