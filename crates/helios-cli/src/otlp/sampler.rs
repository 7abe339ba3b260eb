//! Which traces are sent.

use heliosdb::Error;

use super::context::Context;
use super::settings::wrong;

/// Decides for a span without a parent here; spans below it follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Which part of the traces.
    ratio: f64,
    /// Whether a client that began the trace decides.
    by_parent: bool,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            ratio: 1.0,
            by_parent: true,
        }
    }
}

impl Sampler {
    /// Reads `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// # Errors
    /// `0A000` for samplers that are not there, `22023` for what is no part.
    pub fn parse(name: &str, argument: Option<&str>) -> Result<Self, Error> {
        let by_parent = name.starts_with("parentbased_");
        let ratio = match name.trim_start_matches("parentbased_") {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => match argument {
                None => 1.0,
                Some(text) => text
                    .parse()
                    .ok()
                    .filter(|ratio| (0.0..=1.0).contains(ratio))
                    .ok_or_else(|| {
                        wrong("OTEL_TRACES_SAMPLER_ARG", text, "It is a part from 0 to 1.")
                    })?,
            },
            _ => {
                let message = format!("the sampler \"{name}\" is not supported");
                return Err(Error::unsupported(message).with_hint(
                    "OTEL_TRACES_SAMPLER takes always_on, always_off and traceidratio, each also after parentbased_.",
                ));
            }
        };
        Ok(Self { ratio, by_parent })
    }

    /// Whether to send a trace, which a client may have begun.
    pub fn takes(&self, trace: u128, parent: Option<Context>) -> bool {
        match parent {
            Some(parent) if self.by_parent => parent.sampled,
            _ => {
                // The last bits of a trace's name are random ones; so many fit into a float.
                #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
                let place = (trace & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64;
                place < self.ratio
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::new_trace;
    use super::*;

    #[test]
    fn parts_and_parents_decide() {
        let takes = |name: &str, argument: Option<&str>, parent: Option<bool>| {
            let sampler = Sampler::parse(name, argument).unwrap();
            let parent = parent.map(|sampled| Context {
                trace: 1,
                span: 1,
                sampled,
            });
            (0..1000)
                .filter(|_| sampler.takes(new_trace(), parent))
                .count()
        };
        assert_eq!(takes("always_on", None, Some(false)), 1000);
        assert_eq!(takes("always_off", None, Some(true)), 0);
        assert_eq!(takes("parentbased_always_on", None, Some(false)), 0);
        assert_eq!(takes("parentbased_always_on", None, None), 1000);
        assert_eq!(takes("parentbased_always_off", None, Some(true)), 1000);
        let some = takes("traceidratio", Some("0.25"), None);
        assert!((100..400).contains(&some), "{some}");
        for bad in ["jaeger_remote", "", "parentbased_"] {
            assert!(Sampler::parse(bad, None).is_err(), "{bad}");
        }
        for bad in ["2", "-1", "some", "NaN"] {
            assert!(Sampler::parse("traceidratio", Some(bad)).is_err(), "{bad}");
        }
    }
}
