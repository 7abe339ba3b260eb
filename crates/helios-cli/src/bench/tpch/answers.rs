//! What the queries must answer.

use tpchgen::q_and_a::answers_sf1::answer;

/// How many rows DuckDB answers, and the digest of their text (see [`digest`]): scale, query, rows, digest.
const DUCKDB: &str = include_str!("duckdb.tsv");

/// Compares the rows, as text, of query `number` with what is known; the difference, or what was compared with.
pub fn compare(number: usize, scale: f64, lines: &[String]) -> Result<&'static str, String> {
    if scale == 1.0 {
        return compare_official(number, lines);
    }
    let scale = scale.to_string();
    let number = number.to_string();
    for known in DUCKDB.lines() {
        let [s, n, rows, hash] = known.split('\t').collect::<Vec<_>>()[..] else {
            return Err("the known answers are damaged".to_owned());
        };
        if (s, n) == (&*scale, &*number) {
            let found = format!("{:016x}", digest(lines));
            return if hash == found && rows == lines.len().to_string() {
                Ok("as DuckDB")
            } else {
                Err(format!(
                    "{rows} rows expected, these found:\n{}",
                    lines.join("\n")
                ))
            };
        }
    }
    Ok("not compared")
}

/// FNV-1a over the lines.
fn digest(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn compare_official(number: usize, lines: &[String]) -> Result<&'static str, String> {
    let text = i32::try_from(number).ok().and_then(answer).unwrap_or("");
    let plain = |line: &str| -> String {
        let cells = line.split('|').map(str::trim);
        cells.collect::<Vec<_>>().join("|")
    };
    let expected: Vec<String> = text.trim().lines().skip(1).map(plain).collect();
    let found: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    if expected == found {
        return Ok("as the benchmark says");
    }
    let differ = expected.iter().zip(&found).find(|(a, b)| a != b);
    Err(format!(
        "{} rows expected, {} found; the first that differ: {differ:?}",
        expected.len(),
        found.len()
    ))
}
