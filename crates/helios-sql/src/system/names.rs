//! Objects by name and names by object, for `regclass` and its kin.

use helios_base::reg::type_name;
use helios_base::{DataType, Error, RegKind, Result, SqlState};
use helios_table::Catalog;
use helios_table::catalog::{FunctionDef, FunctionId, TypeKind};

use super::{INFORMATION_SCHEMA, OWNER, PG_CATALOG, io_functions, proc_list};
use crate::parse::{parse_type, quote_ident};
use crate::session::split_name;

/// The catalog as one session sees it.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) path: &'a [String],
    pub(crate) user: &'a str,
    /// All roles, where they are known.
    pub(crate) roles: Option<&'a helios_table::catalog::Roles>,
}

impl Names<'_> {
    /// The object's name as SQL would write it: qualified unless the path finds it.
    pub(crate) fn name_of(&self, kind: RegKind, oid: u32) -> Option<String> {
        match kind {
            RegKind::Class => self.class(oid),
            RegKind::Type => self.type_of(oid).map(|ty| self.show_type(&ty)),
            RegKind::Namespace => self.schema(oid).map(|name| quote_ident(name).to_string()),
            RegKind::Role => match &self.roles {
                Some(roles) => roles
                    .by_id(helios_table::catalog::RoleId(oid))
                    .map(|role| quote_ident(&role.name).to_string()),
                None => (oid == OWNER).then(|| quote_ident(self.user).to_string()),
            },
            RegKind::Proc | RegKind::Procedure => {
                if let Some(def) = self.catalog.function_by_id(FunctionId(oid)) {
                    return Some(self.function(kind, def));
                }
                if let Some(entry) = io_functions::by_oid(oid) {
                    return Some(match kind {
                        RegKind::Proc => entry.name.to_owned(),
                        _ => entry.to_string(),
                    });
                }
                let entry = proc_list::by_oid(oid)?;
                Some(match kind {
                    RegKind::Proc => entry.qualified_name(),
                    _ => entry.to_string(),
                })
            }
            RegKind::Collation => match oid {
                100 => Some("\"default\"".to_owned()),
                950 => Some("\"C\"".to_owned()),
                951 => Some("\"POSIX\"".to_owned()),
                _ => None,
            },
            RegKind::Oper | RegKind::Operator => None,
        }
    }

    /// A user's function, qualified unless the path finds it; as `regprocedure` with its types.
    fn function(&self, kind: RegKind, def: &FunctionDef) -> String {
        let seen = self.catalog.resolve_functions(None, &def.name, self.path);
        let name = quote_ident(&def.name);
        let mut shown = if seen.iter().any(|seen| seen.id == def.id) {
            name.to_string()
        } else {
            format!("{}.{name}", quote_ident(&def.schema_name))
        };
        if kind == RegKind::Procedure {
            let types: Vec<String> = def.inputs().map(|arg| self.show_type(&arg.ty)).collect();
            shown += &format!("({})", types.join(","));
        }
        shown
    }

    fn schema(&self, oid: u32) -> Option<&str> {
        match oid {
            PG_CATALOG => Some("pg_catalog"),
            INFORMATION_SCHEMA => Some("information_schema"),
            oid => {
                let mut schemas = self.catalog.schemas();
                schemas
                    .find(|schema| schema.id.0 == oid)
                    .map(|schema| schema.name.as_str())
            }
        }
    }

    fn class(&self, oid: u32) -> Option<String> {
        if let Some((schema, name)) = super::relation_name(oid) {
            return Some(if schema == "pg_catalog" {
                name.to_owned()
            } else {
                format!("{schema}.{name}")
            });
        }
        let Some(found) = self.catalog.relation_by_oid(oid) else {
            let def = self.catalog.types().find(|def| def.id.0 == oid)?;
            let composite = matches!(def.kind, TypeKind::Composite(_));
            return composite.then(|| self.show_type(&def.data_type()));
        };
        let seen = self.catalog.resolve(None, found.name(), self.path);
        let name = quote_ident(found.name());
        Some(if seen.is_some_and(|seen| seen.oid() == oid) {
            name.to_string()
        } else {
            format!("{}.{name}", quote_ident(found.schema_name()))
        })
    }

    /// The type of this number.
    pub(crate) fn type_of(&self, oid: u32) -> Option<DataType> {
        DataType::from_oid(oid).or_else(|| self.catalog.type_numbered(oid))
    }

    /// A type's name without modifier, qualified unless the path finds it.
    pub(crate) fn show_type(&self, ty: &DataType) -> String {
        match ty {
            DataType::Array(element) => format!("{}[]", self.show_type(element)),
            DataType::User(user) => {
                let seen = self.catalog.resolve_named_type(None, &user.name, self.path);
                let name = quote_ident(&user.name);
                if seen.is_some_and(|seen| seen.oid() == user.oid) {
                    name.to_string()
                } else {
                    format!("{}.{name}", quote_ident(&user.schema))
                }
            }
            DataType::Bit(_) => "bit".to_owned(),
            plain => type_name(plain),
        }
    }

    /// The object of this name.
    ///
    /// # Errors
    /// 42P01, 42704, 42883, 3F000 there is none; 42602 the text is no name.
    pub(crate) fn find(&self, kind: RegKind, text: &str) -> Result<u32> {
        match kind {
            RegKind::Class => self.find_class(text),
            RegKind::Type => self.find_type(text).map(|ty| ty.oid()),
            RegKind::Namespace => {
                let (_, name) = split_name(text)?;
                match name.as_str() {
                    "pg_catalog" => Ok(PG_CATALOG),
                    "information_schema" => Ok(INFORMATION_SCHEMA),
                    name => self.catalog.require_schema(name).map(|schema| schema.id.0),
                }
            }
            RegKind::Role => {
                let (_, name) = split_name(text)?;
                let known = self.roles.as_ref().and_then(|roles| roles.by_name(&name));
                if let Some(role) = known {
                    return Ok(role.id.0);
                }
                if name == self.user {
                    return Ok(OWNER);
                }
                Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("role \"{name}\" does not exist"),
                ))
            }
            RegKind::Proc => self.find_function(text),
            RegKind::Procedure => self.find_signature(text),
            RegKind::Collation => match split_name(text)?.1.as_str() {
                "default" => Ok(100),
                "C" => Ok(950),
                "POSIX" => Ok(951),
                _ => Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("collation \"{text}\" for encoding \"UTF8\" does not exist"),
                )),
            },
            RegKind::Oper | RegKind::Operator => Err(Error::unsupported(format!(
                "input of type {kind} is not supported"
            ))),
        }
    }

    fn find_class(&self, text: &str) -> Result<u32> {
        let (schema, name) = split_name(text)?;
        if let Some(oid) = super::relation_oid(schema.as_deref(), &name) {
            return Ok(oid);
        }
        let composite = self
            .catalog
            .resolve_type(schema.as_deref(), &name, self.path)
            .filter(|def| matches!(def.kind, TypeKind::Composite(_)));
        match composite {
            Some(def) => Ok(def.id.0),
            None => {
                super::require_schema(self.catalog, schema.as_deref())?;
                self.catalog
                    .require(schema.as_deref(), &name, self.path)
                    .map(|relation| relation.oid())
            }
        }
    }

    /// The type that a text such as `numeric(10,2)[]` names, without modifier.
    pub(crate) fn find_type(&self, text: &str) -> Result<DataType> {
        let written = parse_type(text)?;
        let ty = crate::bind::named_type(&written, self.catalog, self.path)?;
        Ok(ty.bare())
    }

    fn find_function(&self, text: &str) -> Result<u32> {
        let (schema, name) = split_name(text)?;
        let users = self
            .catalog
            .resolve_functions(schema.as_deref(), &name, self.path);
        let schema = schema.as_deref().unwrap_or("pg_catalog");
        let systems = proc_list::named(&name).filter(|function| function.schema == schema);
        let behind = io_functions::named(&name).filter(|_| schema == "pg_catalog");
        let mut found = systems
            .map(|function| function.oid)
            .chain(behind.map(|function| function.oid))
            .chain(users.iter().map(|def| def.id.0));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(Error::new(
                SqlState::AMBIGUOUS_FUNCTION,
                format!("more than one function named \"{text}\""),
            )),
            _ => Err(no_function(text)),
        }
    }

    /// `name(type, type)`
    fn find_signature(&self, text: &str) -> Result<u32> {
        let Some((name, args)) = text
            .trim()
            .strip_suffix(')')
            .and_then(|text| text.split_once('('))
        else {
            return Err(Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                "expected a left parenthesis",
            ));
        };
        let (schema, name) = split_name(name)?;
        let types = args
            .split(',')
            .filter(|arg| !arg.trim().is_empty())
            .map(|arg| self.find_type(arg))
            .collect::<Result<Vec<_>>>()?;
        let fits = |function: &&proc_list::Function| {
            let mut pairs = function.args.iter().zip(&types);
            function.args.len() == types.len() && pairs.all(|(pattern, ty)| pattern.is(ty))
        };
        let users = self
            .catalog
            .resolve_functions(schema.as_deref(), &name, self.path);
        let users = users.iter().find(|def| def.same_inputs(&types));
        let schema = schema.as_deref().unwrap_or("pg_catalog");
        proc_list::named(&name)
            .filter(|function| function.schema == schema)
            .find(fits)
            .map(|function| function.oid)
            .or(users.map(|def| def.id.0))
            .ok_or_else(|| no_function(text))
    }
}

fn no_function(text: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function \"{text}\" does not exist"),
    )
}
