//! What to send where: options of the command line, and the variables that OpenTelemetry has named.

use std::time::Duration;

use heliosdb::{Error, SqlState};

use super::http::Endpoint;
use super::sampler::Sampler;

/// How long a collector may take for a batch.
const TIMEOUT: u64 = 10_000;
/// How many spans may wait.
const QUEUE: u64 = 2048;
/// How many spans are sent at once.
const BATCH: u64 = 512;
/// How long a span waits for others.
const DELAY: u64 = 5_000;
/// What the server is called.
const SERVICE: &str = "heliosdb";
/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// How traces are sent.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) endpoint: Endpoint,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) resource: Vec<(String, String)>,
    pub(super) sampler: Sampler,
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
    /// Texts of statements are sent as they were written.
    pub(super) texts: bool,
}

/// A value that cannot be used.
pub(super) fn wrong(name: &str, value: &str, detail: &str) -> Error {
    let message = format!("invalid value for {name}: \"{value}\"");
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(detail)
}

impl Settings {
    /// What `--otlp`, `--otlp-full-statements` and the variables say; `None`: nothing is sent.
    ///
    /// # Errors
    /// `22023` for values that cannot be used, `0A000` for what is not supported.
    pub fn read(
        address: Option<&str>,
        texts: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        // As the specification has it, an empty variable is none.
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        // What is said of traces comes before what is said of all that is sent.
        let either = |what: &str| {
            let names = [
                format!("OTEL_EXPORTER_OTLP_TRACES_{what}"),
                format!("OTEL_EXPORTER_OTLP_{what}"),
            ];
            names
                .into_iter()
                .find_map(|name| variable(&name).map(|value| (name, value)))
        };
        let Some(endpoint) = endpoint(address, &variable)? else {
            return Ok(None);
        };
        if let Some((name, value)) = either("PROTOCOL")
            && value != "http/json"
        {
            let message = format!("traces cannot be sent by \"{value}\"");
            return Err(Error::unsupported(message).with_hint(format!(
                "They are sent as JSON: leave out {name}, or set it to http/json."
            )));
        }
        if let Some((name, value)) = either("COMPRESSION")
            && value != "none"
        {
            let message = format!("traces cannot be sent with the compression \"{value}\"");
            return Err(Error::unsupported(message).with_hint(format!("Leave out {name}.")));
        }
        let number = |name: &str, default: u64, least: u64| match variable(name) {
            None => Ok(default),
            Some(text) => {
                let number = text.trim().parse().ok();
                number
                    .filter(|number| (least..=1 << 31).contains(number))
                    .ok_or_else(|| wrong(name, &text, "It is a whole number."))
            }
        };
        let timeout = match either("TIMEOUT") {
            Some((name, _)) => number(&name, TIMEOUT, 1)?,
            None => TIMEOUT,
        };
        let headers = match either("HEADERS") {
            Some((name, text)) => headers(&name, &text)?,
            None => Vec::new(),
        };
        let sampler = match variable("OTEL_TRACES_SAMPLER") {
            Some(name) => {
                Sampler::parse(name.trim(), variable("OTEL_TRACES_SAMPLER_ARG").as_deref())?
            }
            None => Sampler::default(),
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Some(Self {
            endpoint,
            headers,
            timeout: Duration::from_millis(timeout),
            resource: resource(&variable)?,
            sampler,
            queue: count(number("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE, 1)?),
            batch: count(number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH, 1)?),
            delay: Duration::from_millis(number("OTEL_BSP_SCHEDULE_DELAY", DELAY, 0)?),
            texts,
        }))
    }
}

/// Where to send traces, if anybody wants them.
fn endpoint(
    address: Option<&str>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<Endpoint>, Error> {
    let below = |mut endpoint: Endpoint| {
        if !endpoint.path.ends_with(PATH) {
            endpoint.path = format!("{}{PATH}", endpoint.path.trim_end_matches('/'));
        }
        endpoint
    };
    if let Some(address) = address {
        return Endpoint::parse(address, "--otlp").map(|endpoint| Some(below(endpoint)));
    }
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    match variable("OTEL_TRACES_EXPORTER").as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => {
            let message = format!("the exporter of traces \"{other}\" is not supported");
            return Err(
                Error::unsupported(message).with_hint("OTEL_TRACES_EXPORTER takes otlp and none.")
            );
        }
    }
    const WHOLE: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    match (variable(WHOLE), variable(BASE)) {
        // This one is taken as it is.
        (Some(url), _) => Endpoint::parse(url.trim(), WHOLE).map(Some),
        (None, Some(url)) => Endpoint::parse(url.trim(), BASE).map(|base| Some(below(base))),
        (None, None) => Ok(None),
    }
}

/// What the spans are of.
fn resource(variable: &impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, Error> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let mut all = vec![
        ("service.name".to_owned(), SERVICE.to_owned()),
        (
            "service.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        ("process.pid".to_owned(), std::process::id().to_string()),
    ];
    let mut set = |name: String, value: String| match all.iter_mut().find(|(old, _)| *old == name) {
        Some((_, old)) => *old = value,
        None => all.push((name, value)),
    };
    if let Some(text) = variable(NAME) {
        for (name, value) in pairs(NAME, &text)? {
            set(name, value);
        }
    }
    if let Some(name) = variable("OTEL_SERVICE_NAME") {
        set("service.name".to_owned(), name);
    }
    Ok(all)
}

/// The headers of a variable, which must be some that can be sent.
fn headers(name: &str, text: &str) -> Result<Vec<(String, String)>, Error> {
    let pairs = pairs(name, text)?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for (header, value) in &pairs {
        let ours = ["host", "content-length", "content-type", "connection"];
        // What is in them may be secret, so it is not shown.
        if !header.chars().all(token)
            || value.chars().any(char::is_control)
            || ours.iter().any(|our| header.eq_ignore_ascii_case(our))
        {
            return Err(wrong(name, "…", &format!("\"{header}\" cannot be sent.")));
        }
    }
    Ok(pairs)
}

/// `name=value,name=value`, with values in the encoding of URLs.
fn pairs(name: &str, text: &str) -> Result<Vec<(String, String)>, Error> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    parts
        .map(|part| {
            let pair = part
                .split_once('=')
                .filter(|(key, _)| !key.trim().is_empty());
            let pair = pair.and_then(|(key, value)| Some((key.trim(), decoded(value.trim())?)));
            let (key, value) =
                pair.ok_or_else(|| wrong(name, "…", "It is name=value, separated by commas."))?;
            Ok((key.to_owned(), value))
        })
        .collect()
}

/// Text in the encoding of URLs.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<Settings>, Error> {
        Settings::read(address, false, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(address: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let settings = read(address, variables).unwrap();
        settings.map(|settings| settings.endpoint.to_string())
    }

    #[test]
    fn endpoints_of_option_and_variables() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1/x/");
        let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2/y");
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        assert_eq!(url(None, &[base]).unwrap(), "http://a:1/x/v1/traces");
        assert_eq!(url(None, &[base, whole]).unwrap(), "http://b:2/y");
        let option = Some("http://c:3");
        assert_eq!(url(option, &[base, whole]).unwrap(), "http://c:3/v1/traces");
        assert_eq!(url(None, &[base, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(url(None, &[base, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn variables_are_read() {
        let settings = read(
            Some("http://c:3"),
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "a=no"),
                (
                    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                    "a=b%20c , Authorization=Basic%20eA==",
                ),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
                (
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "service.name=other,host.name=h%2C1",
                ),
                ("OTEL_SERVICE_NAME", "shop"),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
                ("OTEL_BSP_MAX_QUEUE_SIZE", "9"),
            ],
        );
        let settings = settings.unwrap().unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            settings.headers,
            [pair("a", "b c"), pair("Authorization", "Basic eA==")]
        );
        assert_eq!((settings.timeout.as_millis(), settings.queue), (250, 9));
        assert!(settings.resource.contains(&pair("service.name", "shop")));
        assert!(settings.resource.contains(&pair("host.name", "h,1")));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0ab"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Host=c"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=%4"),
            ("OTEL_TRACES_SAMPLER", "mine"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ] {
            assert!(
                read(Some("http://c:3"), &[(name, value)]).is_err(),
                "{name}"
            );
            // Nothing is wrong with what nobody asks for.
            assert!(read(None, &[(name, value)]).unwrap().is_none(), "{name}");
        }
    }
}
