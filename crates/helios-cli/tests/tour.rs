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

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

// Guards against colours that do not tell additions from deletions, or the current branch from others.
#[test]
fn colours() {
    let script = "CREATE TABLE city (id int PRIMARY KEY, people int);
        INSERT INTO city VALUES (1, 10), (2, 20);
        CREATE BRANCH census; \n\\use census
        UPDATE city SET people = 21 WHERE id = 2;
        DELETE FROM city WHERE id = 1;
        INSERT INTO city VALUES (3, 30);
        \\branch diff main census
        \\branch tree
        \\timeline 1\n";
    let script: String = script
        .lines()
        .map(|line| line.trim().to_owned() + "\n")
        .collect();
    let out = shell(&["--color", "always"], &script);
    for line in [
        format!("{YELLOW}~ 2{PLAIN}"),
        format!("    people: {RED}20{PLAIN} → {GREEN}21{PLAIN}"),
        format!("{RED}- {{\"id\": 1, \"people\": 10}}{PLAIN}"),
        format!("{GREEN}+ {{\"id\": 3, \"people\": 30}}{PLAIN}"),
    ] {
        assert!(out.lines().any(|found| found == line), "{line}\n{out}");
    }
    let current = "\u{1b}[1;32mcensus\u{1b}[0m *";
    assert!(out.contains(current), "{out}");
    assert!(out.contains(&format!("{YELLOW}SCN ")), "{out}");
}

/// What the shell answers to a script.
fn shell(args: &[&str], script: &str) -> String {
    let mut shell = Command::new(env!("CARGO_BIN_EXE_heliosdb"))
        .args(args)
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
    String::from_utf8(output.stdout).unwrap()
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
    let out = shell(&[], &script);
    let mut answers = vec![Vec::new()];
    for line in out.lines() {
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
