//! The thread that sends spans in batches.

use std::time::{Duration, Instant};

use super::encode;
use super::http::Answer;
use super::queue::Queue;
use super::settings::Settings;
use super::span::SpanData;

/// How often a batch is sent before it is dropped.
const ATTEMPTS: u32 = 5;
/// The pause after the first failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends until the queue ends.
pub fn run(queue: &Queue, settings: &Settings) {
    let mut failing = false;
    loop {
        let batch = queue.next(settings.delay);
        if batch.is_empty() {
            break;
        }
        match send(&batch, queue, settings) {
            Ok(rejected) => {
                let rejected = rejected.min(batch.len());
                queue.count_sent(batch.len() - rejected);
                queue.count_dropped(rejected);
                if std::mem::take(&mut failing) {
                    tracing::info!("the collector of traces takes them again");
                }
            }
            Err(why) => {
                queue.count_dropped(batch.len());
                // Once until it is there again, not with every batch.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(why, spans = batch.len(), "traces could not be sent");
                }
            }
        }
    }
    queue.end();
}

/// Sends a batch, again where the collector may take it later; how many spans it refused.
fn send(batch: &[SpanData], queue: &Queue, settings: &Settings) -> Result<usize, String> {
    let body = encode::request(batch, settings);
    let mut pause = PAUSE;
    let mut attempt = 1;
    loop {
        let stop = queue.stop();
        let patience = Instant::now() + settings.timeout;
        let deadline = stop.map_or(patience, |stop| stop.min(patience));
        let endpoint = &settings.endpoint;
        let why = match endpoint.post(&settings.headers, body.as_bytes(), deadline) {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(rejected(&answer)),
            Ok(Answer { status, .. }) => {
                let why = format!("{endpoint} answers {status}");
                if !matches!(status, 429 | 502 | 503 | 504) {
                    return Err(why);
                }
                why
            }
            Err(error) => format!("{endpoint}: {error}"),
        };
        if stop.is_some() || attempt == ATTEMPTS {
            return Err(why);
        }
        queue.rest(pause);
        attempt += 1;
        pause *= 2;
    }
}

/// How many spans a collector did not take although it answered well.
fn rejected(answer: &Answer) -> usize {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let count = &body["partialSuccess"]["rejectedSpans"];
    let text = count.as_str().and_then(|text| text.parse().ok());
    let count = text.or_else(|| count.as_u64()).unwrap_or(0);
    usize::try_from(count).unwrap_or(usize::MAX)
}
