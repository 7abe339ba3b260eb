//! Options of branches: which there are, and what they may be.

use helios_base::{Error, Result, SqlState};
use helios_table::columnar::HybridStorage;
use helios_version::{GC_POLICY, GcPolicy, RETENTION_PERIOD};

/// What an option may be.
enum Kind {
    Bool,
    /// As [`HybridStorage`] reads it.
    Hybrid,
    Policy,
    Interval,
    Text,
}

/// The options that one process can keep.
const KNOWN: &[(&str, Kind)] = &[
    ("auto_compression", Kind::Hybrid),
    ("bulk_load_threshold", Kind::Hybrid),
    ("comment", Kind::Text),
    (GC_POLICY, Kind::Policy),
    ("hybrid_storage", Kind::Hybrid),
    ("hybrid_storage_access_count_threshold", Kind::Hybrid),
    ("hybrid_storage_cold_threshold", Kind::Hybrid),
    ("hybrid_storage_hot_threshold", Kind::Hybrid),
    ("hybrid_storage_min_rows", Kind::Hybrid),
    ("read_only", Kind::Bool),
    (RETENTION_PERIOD, Kind::Interval),
    ("ttl", Kind::Interval),
];

/// Options that mean something on a cluster only.
const CLUSTER: &[&str] = &[
    "compute_endpoint",
    "region",
    "replication_factor",
    "storage_node",
];

/// Takes an interval or a policy away again.
pub(super) const NONE: &str = "none";

/// Checks options and brings them into their stored form.
///
/// # Errors
/// 0A000 for options of clusters, 42704 for unknown ones, 22023 for bad values.
pub(super) fn branch_options(written: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut options: Vec<(String, String)> = Vec::new();
    for (name, value) in written {
        let name = &super::settings::in_full(name).to_owned();
        if options.iter().any(|(given, _)| given == name) {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("branch option \"{name}\" is given more than once"),
            ));
        }
        if CLUSTER.contains(&name.as_str()) {
            return Err(Error::unsupported(format!(
                "branch option \"{name}\" is only supported on a cluster"
            ))
            .with_hint("This database runs in one process."));
        }
        let Some((_, kind)) = KNOWN.iter().find(|(known, _)| known == name) else {
            let known = KNOWN.iter().map(|(known, _)| *known);
            let error = Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("unrecognized branch option \"{name}\""),
            );
            return Err(match helios_base::nearest(name, known.clone()) {
                Some(near) => error.with_hint(format!("Perhaps you meant \"{near}\".")),
                None => error.with_hint(format!(
                    "Options are {}.",
                    known.collect::<Vec<_>>().join(", ")
                )),
            });
        };
        let bad = || {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for branch option \"{name}\": \"{value}\""),
            )
        };
        let stored = match kind {
            Kind::Bool => match value.to_ascii_lowercase().as_str() {
                "true" | "on" | "1" | "yes" => "true".to_owned(),
                "false" | "off" | "0" | "no" => "false".to_owned(),
                _ => return Err(bad().with_hint("It is true or false.")),
            },
            Kind::Policy => {
                let value = value.to_ascii_lowercase();
                if value != NONE && GcPolicy::named(&value).is_none() {
                    let names = GcPolicy::ALL.map(GcPolicy::name).join(", ");
                    return Err(bad().with_hint(format!("It is one of {names}.")));
                }
                value
            }
            Kind::Hybrid => {
                if !value.eq_ignore_ascii_case(NONE) {
                    HybridStorage::default().set(name, value)?;
                }
                value.to_ascii_lowercase()
            }
            Kind::Interval => {
                if !value.eq_ignore_ascii_case(NONE) {
                    let length = helios_version::parse_period(value).ok_or_else(|| {
                        bad().with_hint(
                            "It is an interval that is not negative, such as 7 days, or none.",
                        )
                    })?;
                    if length.is_zero() && name == super::expiry::OPTION {
                        return Err(bad().with_hint("A time to live is longer than nothing."));
                    }
                }
                value.to_ascii_lowercase()
            }
            Kind::Text => value.clone(),
        };
        options.push((name.clone(), stored));
    }
    options.sort();
    Ok(options)
}
