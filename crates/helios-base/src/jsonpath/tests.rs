//! Forms that PostgreSQL 15 was seen to show.

use super::*;

#[test]
fn canonical_forms() {
    for (input, output) in [
        ("$", "$"),
        ("strict $", "strict $"),
        ("lax $.a[*] ? (@.b > 1)", "$.\"a\"[*]?(@.\"b\" > 1)"),
        ("$.a + 1", "($.\"a\" + 1)"),
        ("$.a.**{2 to last}.b", "$.\"a\".**{2 to last}.\"b\""),
        ("$[0, 2 to last - 1]", "$[0,2 to last - 1]"),
        (
            "$ ? (@.a == 1 && (@.b == 2 || @.c == 3))",
            "$?(@.\"a\" == 1 && (@.\"b\" == 2 || @.\"c\" == 3))",
        ),
        ("$ ? (!(@.a == 1))", "$?(!(@.\"a\" == 1))"),
        (
            "$ ? ((@.a == 1) is unknown)",
            "$?((@.\"a\" == 1) is unknown)",
        ),
        ("$ ? (exists(@.a))", "$?(exists (@.\"a\"))"),
        ("$ ? (@ starts with \"x\")", "$?(@ starts with \"x\")"),
        (
            "$ ? (@ like_regex \"^a\" flag \"i\")",
            "$?(@ like_regex \"^a\" flag \"i\")",
        ),
        ("-1 + $x", "(-1 + $\"x\")"),
        ("-$.a", "(-$.\"a\")"),
        ("(1).type()", "(1).type()"),
        ("$.a.datetime(\"yyyy\")", "$.\"a\".datetime(\"yyyy\")"),
        ("($ > 1).type()", "($ > 1).type()"),
    ] {
        assert_eq!(JsonPath::parse(input).unwrap().to_string(), output);
        assert_eq!(JsonPath::parse(output).unwrap().to_string(), output);
    }
}

#[test]
fn what_is_no_path() {
    for wrong in [
        "",
        "@",
        "last",
        "$.",
        "$ ? (1)",
        "1 < 2 < 3",
        "$ && $",
        "!$.a",
        "\"a",
        "$[",
        "$.a(",
    ] {
        assert!(JsonPath::parse(wrong).is_err(), "{wrong}");
    }
    assert!(JsonPath::parse(&"(".repeat(100_000)).is_err());
}
