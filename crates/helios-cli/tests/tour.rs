//! Guards against a tour of the shell in the documentation that is not true.
//!
//! In a block marked `console` the lines that begin with a prompt are entered, one after the other,
//! in a shell on an empty database; the others are what it must answer. Runs of blanks and rules
//! count as one, and `…` stands for anything.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// An entered line with its place, and the answer shown.
struct Entry {
    line: usize,
    prompt: String,
    input: String,
    shown: Vec<String>,
}

#[test]
fn branches() {
    tour("branches.md");
}

fn tour(page: &str) {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut tours = 0;
    for block in blocks(&text) {
        tours += 1;
        let answers = run(&block);
        for (entry, answer) in block.iter().zip(&answers) {
            let shown: Vec<String> = entry.shown.iter().map(|line| plain(line)).collect();
            let found: Vec<String> = answer.iter().map(|line| plain(line)).collect();
            let same = shown.len() == found.len()
                && shown
                    .iter()
                    .zip(&found)
                    .all(|(shown, found)| like(shown, found));
            assert!(
                same,
                "docs/{page}:{}: {}\nshown:\n{}\nfound:\n{}",
                entry.line,
                entry.input,
                entry.shown.join("\n"),
                answer.join("\n")
            );
        }
        // What the prompts say is so: a session that goes to a branch is on it in the next one.
        let mut branch = "main".to_owned();
        for entry in &block {
            assert_eq!(
                entry.prompt,
                format!("heliosdb[{branch}]"),
                "docs/{page}:{}",
                entry.line
            );
            if let Some(name) = entry.input.strip_prefix("\\use ") {
                name.trim().clone_into(&mut branch);
            }
        }
    }
    assert!(tours > 0, "docs/{page} has no tour");
}

fn blocks(text: &str) -> Vec<Vec<Entry>> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<Entry>> = None;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            match block.take() {
                Some(done) => blocks.push(done),
                None if line == "```console" => block = Some(Vec::new()),
                None => {}
            }
            continue;
        }
        let Some(block) = &mut block else { continue };
        match line.split_once("=> ") {
            Some((prompt, input)) if prompt.starts_with("heliosdb[") => block.push(Entry {
                line: number + 1,
                prompt: prompt.to_owned(),
                input: input.to_owned(),
                shown: Vec::new(),
            }),
            _ => block.last_mut().unwrap().shown.push(line.to_owned()),
        }
    }
    blocks
}

/// What the shell answers to each entry.
fn run(entries: &[Entry]) -> Vec<Vec<String>> {
    let mut script = String::new();
    for entry in entries {
        let _ = writeln!(script, "{}\n\\echo @@", entry.input);
    }
    let mut shell = Command::new(env!("CARGO_BIN_EXE_heliosdb"))
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    let output = shell.wait_with_output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{complaints}");
    let mut answers = vec![Vec::new()];
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if line == "@@" {
            answers.push(Vec::new());
        } else {
            answers.last_mut().unwrap().push(line.to_owned());
        }
    }
    answers
}

/// A line without what depends on the widths of columns.
fn plain(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut plain = words.join(" ");
    while plain.contains("--") {
        plain = plain.replace("--", "-");
    }
    plain
}

/// Whether a line is as shown.
fn like(shown: &str, found: &str) -> bool {
    match shown.split_once('…') {
        None => shown == found,
        Some((head, tail)) => found.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| like(tail, &rest[at..]))
        }),
    }
}
