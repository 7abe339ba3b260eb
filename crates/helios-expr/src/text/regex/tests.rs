//! Matches and groups as PostgreSQL 15 gives them.

use helios_base::Result;

use super::dissect::Maker;
use super::{Flags, Regex, compiled, parse};

/// The groups of the first match, or the match without any, as `{a,NULL}`.
fn groups(pattern: &str, text: &str) -> Result<String> {
    let regex = compiled(pattern, "")?;
    let Some(found) = regex.captures_at(text, 0)? else {
        return Ok("-".to_owned());
    };
    let first = usize::from(found.len() > 1);
    let shown: Vec<&str> = (first..found.len())
        .map(|group| found.get(group).unwrap_or("NULL"))
        .collect();
    Ok(shown.join(","))
}

#[test]
fn the_longest_match_wins_and_then_the_left_parts() {
    let cases = [
        ("a|ab", "ab", "ab"),
        ("(a|ab)(c|bcd)(d*)", "abcd", "ab,c,d"),
        ("x*(xy)?", "xxy", "xy"),
        ("(a*?)(a*)", "aaa", ","),
        ("(a*)(a*?)", "aaa", "aaa,"),
        ("(?:(a)|b)*", "abab", "NULL"),
        ("((a)|b)*", "abab", "b,NULL"),
        ("(|a)(b|c)*", "abc", "a,c"),
        ("(?:foo){1,1}?(b*)(?:.*)", "foobarbaz", ""),
        ("^(p*){1,1}?(.*)$", "ppq", ",ppq"),
        ("^(p*?){1,1}(.*)$", "ppq", "pp,q"),
        ("[ab]+?c|d", "abcabc", "abc"),
        ("(\\d+?)(\\d*)x", "123x", "1,23"),
        ("(?:a|ab)(?:c|bcd)(d*)", "abcd", ""),
    ];
    for (pattern, text, wanted) in cases {
        assert_eq!(
            groups(pattern, text).unwrap(),
            wanted,
            "{pattern} on {text}"
        );
    }
}

#[test]
fn looks_around() {
    let cases = [
        ("q(?=u)", "qa qu", "q"),
        ("q(?!u).", "qu qa", "qa"),
        ("(?<=\\$)\\d+", "12 $34", "34"),
        ("(?<!\\$)\\m\\d+", "$12 34", "34"),
        ("(?<=a+)b", "caab", "b"),
        ("^(?!.*x)\\w+$", "axb", "-"),
    ];
    for (pattern, text, wanted) in cases {
        assert_eq!(
            groups(pattern, text).unwrap(),
            wanted,
            "{pattern} on {text}"
        );
    }
}

#[test]
fn refers_back() {
    let cases = [
        ("(\\w)\\1", "hello", "l"),
        ("(\\w+) \\1", "is it it", "it"),
        ("(a*)b\\1", "aabaa", "aa"),
        ("(.)(.)\\2\\1", "xabbay", "a,b"),
        ("(a)|b\\1", "b", "-"),
        ("()\\1{2}", "x", ""),
        ("\\12", "\n", "\n"),
        ("(?i)(a)\\1", "xaA", "a"),
    ];
    for (pattern, text, wanted) in cases {
        assert_eq!(
            groups(pattern, text).unwrap(),
            wanted,
            "{pattern} on {text}"
        );
    }
    assert!(groups("(a\\1)", "aa").is_err());
    assert!(groups("(a)(?=\\1)", "aa").is_err());
    assert!(groups("\\1(a)", "aa").is_err());
}

#[test]
fn an_iteration_of_a_large_text_needs_no_deep_stack() {
    let text = "ab".repeat(20_000);
    assert_eq!(groups("^(?:(a)|b)*$", &text).unwrap(), "NULL");
}

#[test]
fn operands_of_quantifiers_are_checked() {
    for pattern in [
        "a**", "^*", "*a", "(*a)", "a|*", "a{2}{3}", "a{3,2}", "a{256}", "(", ")", "[",
    ] {
        assert!(groups(pattern, "a").is_err(), "{pattern}");
    }
    assert_eq!(groups("a{x", "a{x").unwrap(), "a{x");
}

/// A random expression of a few parts that often can be read in several ways.
fn expression(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(1..5) {
        let atoms = ["a", "b", "[ab]", ".", "ab", "b?", "a|bb", "aa*", "ba+b"];
        let atom = atoms[random.usize(..atoms.len())];
        let many = ["", "", "*", "+", "?", "{2}", "{1,2}"][random.usize(..7)];
        match random.u8(..4) {
            0 => text.push_str(&format!("({atom}){many}")),
            1 => text.push_str(&format!("({atom}{many})")),
            2 => text.push_str(&format!("(?:{atom}){many}")),
            _ => text.push_str(&format!("{}{many}", ["a", "b", "."][random.usize(..3)])),
        }
    }
    text + ["$", "$", ""][random.usize(..3)]
}

#[test]
fn what_is_taken_for_simple_is_found_alike() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut simple, mut matches) = (0, 0);
    for _ in 0..20_000 {
        let pattern = expression(&mut random);
        let Ok(regex) = Regex::new(&pattern, Flags::default()) else {
            continue;
        };
        if regex.exact.is_some() {
            continue;
        }
        simple += 1;
        let parsed = parse::parse(&pattern, Flags::default()).unwrap();
        let exact = Maker::make(&parsed.root, false).unwrap_or_else(|_| panic!("{pattern}"));
        let slow = Regex {
            fast: regex.fast.clone(),
            exact: Some(exact),
            ..regex
        };
        for _ in 0..20 {
            let text: String = (0..random.usize(..8))
                .map(|_| ['a', 'b', 'c'][random.usize(..3)])
                .collect();
            let fast = regex.captures_at(&text, 0).unwrap();
            let slow = slow.captures_at(&text, 0).unwrap();
            matches += usize::from(fast.is_some());
            let groups = |found: Option<super::Captures<'_>>| found.map(|found| found.groups);
            assert_eq!(groups(fast), groups(slow), "{pattern} on {text}");
        }
    }
    assert!(simple > 2_000 && matches > 10_000, "{simple} {matches}");
}

#[test]
fn a_part_of_an_address_needs_no_dissection() {
    let pattern = "^https?://(?:www\\.)?([^/]+)/.*$";
    let regex = Regex::new(pattern, Flags::default()).unwrap();
    assert!(regex.exact.is_none());
    let host = |text| groups(pattern, text).unwrap();
    assert_eq!(host("https://www.example.org/a/b"), "example.org");
    assert_eq!(host("http://www./b"), "www.");
    assert_eq!(host("http://example.org"), "-");
}
