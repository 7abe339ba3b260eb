//! `pg_extension` and what could be in it.

use helios_base::Value;

use super::Ty::{Bool, Name, Oid, Text};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, text};

/// The extensions whose objects are part of the system: name, number, version whose objects there
/// are, and what it is.
pub(crate) const EXTENSIONS: &[(&str, u32, &str, &str)] = &[(
    "vector",
    9000,
    "0.8.0",
    "vector data type and ivfflat and hnsw access methods",
)];

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_extension",
        &[
            ("oid", Oid),
            ("extname", Name),
            ("extowner", Oid),
            ("extnamespace", Oid),
            ("extrelocatable", Bool),
            ("extversion", Text),
        ],
        |_| {
            let rows = EXTENSIONS.iter().map(|(name, oid, version, _)| {
                vec![
                    Value::Oid(*oid),
                    text(*name),
                    Value::Oid(OWNER),
                    Value::Oid(PG_CATALOG),
                    Value::Bool(false),
                    text(*version),
                ]
            });
            rows.collect()
        },
    ),
    pg(
        "pg_available_extensions",
        &[
            ("name", Name),
            ("default_version", Text),
            ("installed_version", Text),
            ("comment", Text),
        ],
        |_| {
            let rows = EXTENSIONS.iter().map(|(name, _, version, comment)| {
                vec![text(*name), text(*version), text(*version), text(*comment)]
            });
            rows.collect()
        },
    ),
];
