//! `aclexplode`, `acldefault`, `makeaclitem`: who may do what, taken apart and put together. An item
//! is a text here, such as `alice=r*w/helios`.

use std::sync::Arc;

use helios_base::{ArrayValue, Error, Result, SqlState, Value};
use helios_table::catalog::{AclItem, Privileges, RoleId, Roles, Securable, default_items};

use super::state::State;
use crate::system::acl_item;

/// Answers for these functions; `None` for all others.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Value>> {
    match (name, args) {
        ("aclexplode", [Value::Array(items)]) => Some(explode(state, items)),
        ("acldefault", [Value::Text(kind), Value::Oid(owner)]) => {
            Some(default(state, kind, RoleId(*owner)))
        }
        (
            "makeaclitem",
            [
                Value::Oid(grantee),
                Value::Oid(grantor),
                Value::Text(privilege),
                Value::Bool(grantable),
            ],
        ) => {
            let item = || {
                let privileges = named(privilege)?;
                Ok(AclItem {
                    grantee: RoleId(*grantee),
                    grantor: RoleId(*grantor),
                    privileges,
                    grantable: match grantable {
                        true => privileges,
                        false => Privileges::NONE,
                    },
                })
            };
            Some(item().and_then(|item| Ok(Value::text(acl_item(&*state.roles()?, &item)))))
        }
        _ => None,
    }
}

fn named(privilege: &str) -> Result<Privileges> {
    let word = privilege.trim().to_ascii_uppercase();
    Privileges::named(&word).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unrecognized privilege type: \"{privilege}\""),
        )
    })
}

fn default(state: &State, kind: &str, owner: RoleId) -> Result<Value> {
    let roles = state.roles()?;
    let kind = match kind {
        "r" => Securable::Table,
        "s" => Securable::Sequence,
        "n" => Securable::Schema,
        "d" => Securable::Database,
        "T" => Securable::Type,
        "f" => Securable::Function,
        // Of a column nobody has anything until it is said.
        "c" => return Ok(Value::from(ArrayValue::default())),
        // There are no such objects, but tools ask what their owners would have: languages, tablespaces, foreign data wrappers and
        // servers, large objects, parameters.
        "l" | "t" | "F" | "S" | "L" | "p" => {
            let mut items = Vec::new();
            if kind == "l" {
                items.push(AclItem {
                    grantee: RoleId::PUBLIC,
                    grantor: owner,
                    privileges: Privileges::USAGE,
                    grantable: Privileges::NONE,
                });
            }
            let privileges = match kind {
                "t" => Privileges::CREATE,
                "L" => Privileges::SELECT.with(Privileges::UPDATE),
                "p" => {
                    return Err(Error::unsupported("privileges on parameters"));
                }
                _ => Privileges::USAGE,
            };
            items.push(AclItem {
                grantee: owner,
                grantor: owner,
                privileges,
                grantable: Privileges::NONE,
            });
            let items = items.iter().map(|item| Value::text(acl_item(&roles, item)));
            return Ok(ArrayValue::one_dimensional(items.collect()).into());
        }
        other => {
            return Err(Error::new(
                SqlState::INTERNAL_ERROR,
                format!("unrecognized objtype abbreviation: {other}"),
            ));
        }
    };
    let items = default_items(owner, kind);
    let items = items.iter().map(|item| Value::text(acl_item(&roles, item)));
    Ok(ArrayValue::one_dimensional(items.collect()).into())
}

fn explode(state: &State, items: &ArrayValue) -> Result<Value> {
    if items.dims.len() != 1 {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "ACL arrays must be one-dimensional",
        ));
    }
    let roles = state.roles()?;
    let mut rows = Vec::new();
    for item in &items.elements {
        let Value::Text(item) = item else {
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "ACL arrays must not contain null values",
            ));
        };
        let item = parse(&roles, item)?;
        for (privilege, _, word) in Privileges::ALL {
            if item.privileges.has(*privilege) {
                let row = [
                    Value::Oid(item.grantor.0),
                    Value::Oid(item.grantee.0),
                    Value::text(*word),
                    Value::Bool(item.grantable.has(*privilege)),
                ];
                rows.push(Value::Record(Arc::from(row.to_vec())));
            }
        }
    }
    Ok(ArrayValue::one_dimensional(rows).into())
}

/// Reads `grantee=privileges/grantor`.
fn parse(roles: &Roles, text: &str) -> Result<AclItem> {
    let malformed = |detail: &str| {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid aclitem: \"{text}\""),
        )
        .with_detail(detail)
    };
    let role = |name: &str| match name {
        "" => Ok(RoleId::PUBLIC),
        name => {
            let numbered = || Some(RoleId(name.parse().ok()?));
            let known = roles.by_name(name).map(|role| role.id);
            known.or_else(numbered).ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("role \"{name}\" does not exist"),
                )
            })
        }
    };
    let (grantee, rest) = role_name(text);
    let rest = rest.strip_prefix('=');
    let rest = rest.ok_or_else(|| malformed("missing \"=\" sign"))?;
    let mut letters = rest;
    let (mut privileges, mut grantable) = (Privileges::NONE, Privileges::NONE);
    let mut last = Privileges::NONE;
    while let Some(letter) = letters.chars().next().filter(|letter| *letter != '/') {
        match Privileges::ALL
            .iter()
            .find(|(_, known, _)| *known == letter)
        {
            Some((privilege, _, _)) => {
                last = *privilege;
                privileges = privileges.with(last);
            }
            None if letter == '*' => grantable = grantable.with(last),
            None => return Err(malformed("invalid mode character")),
        }
        letters = letters.get(letter.len_utf8()..).unwrap_or_default();
    }
    let grantor = match letters.strip_prefix('/') {
        Some(grantor) => role(&role_name(grantor).0)?,
        None => RoleId::BOOTSTRAP,
    };
    Ok(AclItem {
        grantee: role(&grantee)?,
        grantor,
        privileges,
        grantable,
    })
}

/// The name that a text begins with, in quotes where it needs some, and what follows.
fn role_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.next_if(|(_, next)| *next == '"').is_some() => name.push('"'),
            '"' => quoted = !quoted,
            '=' | '/' if !quoted => return (name, text.get(at..).unwrap_or_default()),
            c => name.push(c),
        }
    }
    (name, "")
}
