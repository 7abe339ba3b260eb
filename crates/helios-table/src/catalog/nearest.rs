//! What makes an index one of nearness: its distance and the options of its structure.

use helios_base::{DataType, Error, Result, SqlState};
use helios_vector::Metric;
use serde::{Deserialize, Serialize};

/// The part of an index's definition that only indexes of nearness have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestDef {
    /// The operator class, as `vector_l2_ops`.
    pub class: String,
    /// `WITH`, as it was written.
    pub options: Vec<(String, String)>,
}

/// A structure holds every number of a vector, those that are zero too.
const DIMENSIONS_MAX: u32 = 16_000;

/// A graph holds strings of bits as they are.
const BITS_MAX: u32 = 64_000;

/// A rotation that is learnt takes their square.
const TURNED_MAX: usize = 2048;

/// Bits of RaBitQ's codes, if nothing else is said: with these, recall beside speed is best.
const RABITQ_BITS: u8 = 4;
/// Bits of scalar codes.
const SCALAR_BITS: u8 = 8;

/// The structures that an index can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `hnsw`
    Hnsw,
    /// `ivfflat`, `ivf`
    Ivf,
    /// `lsh`
    Lsh,
}

/// How vectors are made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantization {
    /// Not at all.
    None,
    /// So many bits for each number: 4 or 8.
    Scalar {
        /// Bits.
        bits: u8,
    },
    /// A code for each of several parts.
    Product {
        /// How many parts.
        parts: usize,
        /// How many codes: 16 or 256.
        centroids: usize,
        /// Whether a rotation is learnt first.
        rotated: bool,
    },
    /// So many bits for each number of the rotated vector: 1, 2, 4 or 8.
    Rabitq {
        /// Bits.
        bits: u8,
    },
}

/// All that an index of nearness is to be, read and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// The structure.
    pub method: Method,
    /// What near means.
    pub metric: Metric,
    /// Of every vector.
    pub dimensions: usize,
    /// Whether it is of strings of bits.
    pub of_bits: bool,
    /// Links of a node.
    pub m: usize,
    /// Candidates followed for a new node.
    pub ef_construction: usize,
    /// Lists around centroids; `None` for as many as suit the rows.
    pub lists: Option<usize>,
    /// How vectors are made smaller; `None` leaves it to how many there are.
    pub quantization: Option<Quantization>,
}

impl Method {
    /// The structure of an access method.
    #[must_use]
    pub fn named(method: &str) -> Option<Self> {
        match method {
            "hnsw" => Some(Self::Hnsw),
            "ivfflat" | "ivf" => Some(Self::Ivf),
            "lsh" => Some(Self::Lsh),
            _ => None,
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

impl NearestDef {
    /// Reads and checks what was written for an index on a column of type `ty`.
    ///
    /// # Errors
    /// 42704 for a class that is none of the type's, 22023 for a column without dimensions and for
    /// options that are unknown or out of range, 0A000 for types that no structure holds yet.
    pub fn blueprint(&self, method: &str, ty: &DataType) -> Result<Blueprint> {
        let Some(structure) = Method::named(method) else {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("access method \"{method}\" does not exist"),
            ));
        };
        let metric = self.metric(method, ty)?;
        let (DataType::Vector(_, Some(dimensions)) | DataType::Bit(Some(dimensions))) = *ty else {
            return Err(invalid("column does not have dimensions".to_owned()));
        };
        let most = match (ty, structure) {
            (DataType::Bit(_), Method::Hnsw) => BITS_MAX,
            _ => DIMENSIONS_MAX,
        };
        if dimensions > most {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("column cannot have more than {most} dimensions for {method} index"),
            ));
        }
        let mut plan = Blueprint {
            method: structure,
            metric,
            dimensions: dimensions as usize,
            of_bits: matches!(ty, DataType::Bit(_)),
            m: 16,
            ef_construction: 64,
            lists: None,
            quantization: None,
        };
        self.read_options(&mut plan)?;
        Ok(plan)
    }

    /// ` WITH (…)`, if anything was written there.
    pub(super) fn with_clause(&self) -> String {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(name, value)| format!("{name}='{}'", value.replace('\'', "''")))
            .collect();
        match options.is_empty() {
            true => String::new(),
            false => format!(" WITH ({})", options.join(", ")),
        }
    }

    /// Whether it finds what is near by the distance of this operator.
    #[must_use]
    pub fn is_by(&self, symbol: &str) -> bool {
        let suffix = match symbol {
            "<->" => "_l2_ops",
            "<#>" => "_ip_ops",
            "<=>" => "_cosine_ops",
            "<+>" => "_l1_ops",
            "<~>" => "_hamming_ops",
            "<%>" => "_jaccard_ops",
            _ => return false,
        };
        self.class.ends_with(suffix)
    }

    fn metric(&self, method: &str, ty: &DataType) -> Result<Metric> {
        let kind = match ty {
            DataType::Vector(kind, _) => kind.name(),
            DataType::Bit(_) => "bit",
            _ => {
                let error = Error::unsupported(format!(
                    "access method \"{method}\" does not support columns of type {}",
                    ty.bare()
                ));
                return Err(error.with_hint(
                    "Columns of type vector, halfvec, sparsevec and bit can be indexed.",
                ));
            }
        };
        let distance = self
            .class
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_suffix("_ops"));
        match distance {
            // Of zeros and ones the square of the distance is how many differ.
            Some("_hamming") if kind == "bit" => Ok(Metric::L2),
            // Neither centroids nor planes divide by the share of what is set in both.
            Some("_jaccard") if kind == "bit" && method == "hnsw" => Ok(Metric::Jaccard),
            Some(_) if kind == "bit" => Err(self.no_class(method)),
            Some("_l2") => Ok(Metric::L2),
            Some("_ip") => Ok(Metric::InnerProduct),
            Some("_cosine") => Ok(Metric::Cosine),
            Some("_l1") => Ok(Metric::L1),
            _ => Err(self.no_class(method)),
        }
    }

    fn no_class(&self, method: &str) -> Error {
        Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!(
                "operator class \"{}\" does not exist for access method \"{method}\"",
                self.class
            ),
        )
    }

    fn read_options(&self, plan: &mut Blueprint) -> Result<()> {
        let (mut parts, mut centroids, mut bits, mut rotated) = (None, None, None, None);
        let mut wanted: Option<&str> = None;
        for (name, value) in &self.options {
            let number = |least: usize, most: usize| -> Result<usize> {
                let number: i64 = value.parse().map_err(|_| {
                    invalid(format!(
                        "invalid value for integer option \"{name}\": {value}"
                    ))
                })?;
                usize::try_from(number)
                    .ok()
                    .filter(|n| (least..=most).contains(n))
                    .ok_or_else(|| {
                        out_of_bounds(name, value).with_detail(format!(
                            "Valid values are between \"{least}\" and \"{most}\"."
                        ))
                    })
            };
            match (name.as_str(), plan.method) {
                ("m", Method::Hnsw) => plan.m = number(2, 100)?,
                ("ef_construction", Method::Hnsw) => plan.ef_construction = number(4, 1000)?,
                ("lists", Method::Ivf) => plan.lists = Some(number(1, 32_768)?),
                ("quantization", Method::Hnsw | Method::Ivf) => {
                    let known = QUANTIZATIONS
                        .into_iter()
                        .find(|known| value.eq_ignore_ascii_case(known));
                    wanted = Some(known.ok_or_else(|| {
                        invalid(format!(
                            "invalid value for enum option \"quantization\": {value}"
                        ))
                        .with_detail(
                            "Valid values are \"none\", \"scalar\", \"product\" and \"rabitq\".",
                        )
                    })?);
                }
                ("bits", Method::Hnsw | Method::Ivf) => {
                    let found = number(1, 8)?;
                    if !matches!(found, 1 | 2 | 4 | 8) {
                        return Err(out_of_bounds(name, value)
                            .with_detail("Valid values are \"1\", \"2\", \"4\" and \"8\"."));
                    }
                    bits = Some(found as u8);
                }
                ("opq", Method::Hnsw | Method::Ivf) => {
                    rotated = Some(boolean(value).ok_or_else(|| {
                        invalid(format!(
                            "invalid value for boolean option \"{name}\": {value}"
                        ))
                    })?);
                }
                ("pq_subquantizers", Method::Hnsw | Method::Ivf) => {
                    parts = Some(number(1, plan.dimensions.min(4096))?);
                }
                ("pq_centroids", Method::Hnsw | Method::Ivf) => {
                    let found = number(16, 256)?;
                    if found != 16 && found != 256 {
                        return Err(out_of_bounds(name, value)
                            .with_detail("Valid values are \"16\" and \"256\"."));
                    }
                    centroids = Some(found);
                }
                ("sharding_strategy" | "shard_count", _) => {
                    return Err(Error::unsupported(format!(
                        "index option \"{name}\" is not supported"
                    ))
                    .with_hint("An index of nearness is kept in one piece."));
                }
                _ => return Err(invalid(format!("unrecognized parameter \"{name}\""))),
            }
        }
        if plan.ef_construction < 2 * plan.m {
            return Err(invalid(
                "ef_construction must be greater than or equal to 2 * m".to_owned(),
            ));
        }
        if wanted != Some("product") && (parts.is_some() || centroids.is_some()) {
            return Err(invalid(
                "pq_subquantizers and pq_centroids need quantization = product".to_owned(),
            ));
        }
        if wanted != Some("product") && rotated.is_some() {
            return Err(invalid("opq needs quantization = product".to_owned()));
        }
        if !matches!(wanted, Some("rabitq" | "scalar")) && bits.is_some() {
            return Err(invalid(
                "bits needs quantization = rabitq or scalar".to_owned(),
            ));
        }
        plan.quantization = match wanted {
            None => None,
            Some("none") => Some(Quantization::None),
            Some(wanted) if plan.of_bits => {
                return Err(invalid(format!(
                    "quantization = {wanted} cannot be used with operator class \"{}\"",
                    self.class
                ))
                .with_hint("Strings of bits need none: an index holds a bit for each of theirs."));
            }
            Some("scalar") => Some(Quantization::Scalar {
                bits: match bits.unwrap_or(SCALAR_BITS) {
                    bits @ (4 | 8) => bits,
                    bits => {
                        return Err(out_of_bounds("bits", &bits.to_string()).with_detail(
                            "Valid values of quantization = scalar are \"4\" and \"8\".",
                        ));
                    }
                },
            }),
            Some("rabitq") => Some(Quantization::Rabitq {
                bits: bits.unwrap_or(RABITQ_BITS),
            }),
            Some(_) => Some(Quantization::Product {
                parts: parts.unwrap_or(8).min(plan.dimensions),
                centroids: centroids.unwrap_or(256),
                rotated: self.rotated(rotated, plan)?,
            }),
        };
        Ok(())
    }

    /// Whether a rotation is to be learnt, which has to be one that can be.
    fn rotated(&self, wanted: Option<bool>, plan: &Blueprint) -> Result<bool> {
        if wanted != Some(true) {
            return Ok(false);
        }
        if plan.metric == Metric::L1 {
            return Err(invalid(format!(
                "opq cannot be used with operator class \"{}\"",
                self.class
            ))
            .with_detail("A rotation changes sums of absolute differences."));
        }
        if plan.dimensions > TURNED_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("column cannot have more than {TURNED_MAX} dimensions for opq"),
            ));
        }
        Ok(true)
    }
}

/// What `quantization` can be.
const QUANTIZATIONS: [&str; 4] = ["none", "scalar", "product", "rabitq"];

fn out_of_bounds(name: &str, value: &str) -> Error {
    invalid(format!("value {value} out of bounds for option \"{name}\""))
}

/// A truth value as it may be written.
fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}
