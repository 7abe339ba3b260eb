//! What PostgreSQL 15 was seen to find.

use helios_base::{DataType, TextContext};

use super::*;
use crate::context::{EvalContext, NoSession};

fn found(document: &str, path: &str) -> String {
    let context = TextContext::default();
    let ctx = EvalContext::new(&NoSession, &context);
    let call = Call::new(&ctx, &[], &DataType::Jsonb);
    let document = Value::from(Json::parse(document).unwrap());
    let path = JsonPath::parse(path).unwrap().to_string();
    match query(&[&document, &Value::text(path)], &call, false) {
        Ok(found) => Json::Array(found).to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn paths_find() {
    let document = r#"{"a": [1, 2, {"b": 3}], "c": "x", "d": {"e": null}}"#;
    for (path, wanted) in [
        ("$.a", r#"[[1, 2, {"b": 3}]]"#),
        ("$.a[*]", r#"[1, 2, {"b": 3}]"#),
        ("$.a.b", "[3]"),
        ("$.a[last].b", "[3]"),
        ("$.a[0 to 1]", "[1, 2]"),
        ("$.a[*] ? (@ > 1)", "[2]"),
        ("$.a.size()", "[3]"),
        ("$.*.type()", r#"["array", "string", "object"]"#),
        ("$.**.b", "[3, 3]"),
        ("strict $.**.b", "[3]"),
        ("$.a[0] + $.a[1] * 2", "[5]"),
        ("-$.a[0 to 1]", "[-1, -2]"),
        ("$.c starts with \"x\"", "[true]"),
        ("$.c like_regex \"^X\" flag \"i\"", "[true]"),
        ("$.d.e == null", "[true]"),
        ("($.a > \"x\") is unknown", "[true]"),
        ("exists($.z)", "[false]"),
        ("\"2020-01-01\".datetime().type()", r#"["date"]"#),
        ("$.**{last}", "[1, 2, 3, \"x\", null]"),
    ] {
        assert_eq!(found(document, path), wanted, "{path}");
    }
    assert!(found(document, "strict $.z").contains("does not contain key"));
    assert!(found(document, "$.a[0] / 0").contains("division by zero"));
}
