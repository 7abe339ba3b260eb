//! Roles and privileges.

use helios_base::Result;
use helios_table::catalog::Privileges;

use super::ast::{Pos, RoutineKind, Statement};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::{
    GrantCommand, GrantTarget, RoleCommand, RoleOption, RoleSpec, Routines, SetScope, SetValue,
};

impl Parser<'_> {
    /// Whether the word here is followed by `=`.
    pub(super) fn is_assigned(&self) -> bool {
        let next = self.peek_at(1);
        next.kind == Kind::Op && self.text_of(next) == "="
    }

    /// The role of `SET ROLE` and `SET SESSION AUTHORIZATION`.
    pub(super) fn set_role(&mut self, name: &str, scope: SetScope) -> Result<Statement> {
        let value = if self.eat("default") {
            SetValue::Default
        } else if let Kind::Text(text) = &self.peek().kind {
            let text = text.clone();
            self.advance();
            SetValue::Values(vec![text])
        } else {
            SetValue::Values(vec![self.label()?.name])
        };
        Ok(Statement::Set {
            name: name.to_owned(),
            value,
            scope,
        })
    }

    /// Whether `CREATE`, `ALTER` or `DROP` is of a role.
    pub(super) fn is_role_after(&self, ahead: usize) -> bool {
        ["role", "user", "group"]
            .iter()
            .any(|word| self.is_word_at(ahead, word))
    }

    /// `CREATE`, `ALTER`, `DROP` of `ROLE`, `USER` and `GROUP`.
    pub(super) fn role_statement(&mut self) -> Result<Statement> {
        let (create, alter) = (self.is_word("create"), self.is_word("alter"));
        self.advance();
        let user = self.is_word("user");
        self.advance();
        let command = if create {
            let name = self.ident()?.name;
            self.eat("with");
            let mut options = Vec::new();
            if user {
                options.push(RoleOption::Login(true));
            }
            options.append(&mut self.role_options(true)?);
            RoleCommand::Create { name, options }
        } else if alter {
            let role = self.role_spec()?;
            if self.eat_words("rename to") {
                let RoleSpec::Named(from) = role else {
                    return Err(self.unexpected());
                };
                let to = self.ident()?.name;
                RoleCommand::Rename { from, to }
            } else if self.is_word("in") {
                return Err(self.unsupported("settings of a role in one database", self.pos()));
            } else if self.is_word("set") || self.is_word("reset") {
                self.role_setting(role)?
            } else if self.is_word("add") || self.is_word("drop") {
                return self.group_members(role);
            } else {
                self.eat("with");
                let options = self.role_options(false)?;
                RoleCommand::Alter { role, options }
            }
        } else {
            let if_exists = self.eat_if_exists()?;
            let roles = self.comma_list(Self::role_spec)?;
            RoleCommand::Drop { roles, if_exists }
        };
        Ok(Statement::Role(Box::new(command)))
    }

    /// `SET name TO value`, `SET name FROM CURRENT`, `RESET name`, `RESET ALL` of a role.
    fn role_setting(&mut self, role: RoleSpec) -> Result<RoleCommand> {
        let pos = self.pos();
        let parsed = match self.is_word("set") {
            true => self.set()?,
            false => self.reset_statement()?,
        };
        let (name, value) = match parsed {
            Statement::Set { name, value, .. } => {
                let value = (value != SetValue::Default).then_some(value);
                (Some(name), value)
            }
            Statement::Reset(name) => (name, None),
            _ => return Err(self.unsupported("this setting of a role", pos)),
        };
        Ok(RoleCommand::Set { role, name, value })
    }

    /// `ALTER GROUP … ADD | DROP USER …`
    fn group_members(&mut self, role: RoleSpec) -> Result<Statement> {
        let revoke = self.is_word("drop");
        self.advance();
        self.expect("user")?;
        let RoleSpec::Named(role) = role else {
            return Err(self.unexpected());
        };
        let members = self.comma_list(Self::role_spec)?;
        Ok(Statement::Role(Box::new(RoleCommand::Member {
            revoke,
            roles: vec![role],
            members,
            admin: false,
        })))
    }

    fn role_options(&mut self, create: bool) -> Result<Vec<RoleOption>> {
        let mut options = Vec::new();
        loop {
            let Kind::Word(word) = &self.peek().kind else {
                return Ok(options);
            };
            let (yes, plain) = match word.strip_prefix("no") {
                Some(plain) => (false, plain),
                None => (true, word.as_str()),
            };
            let flag = match plain {
                "superuser" => Some(RoleOption::Superuser(yes)),
                "createdb" => Some(RoleOption::CreateDb(yes)),
                "createrole" | "createuser" => Some(RoleOption::CreateRole(yes)),
                "inherit" => Some(RoleOption::Inherit(yes)),
                "login" => Some(RoleOption::Login(yes)),
                "replication" => Some(RoleOption::Replication(yes)),
                "bypassrls" => Some(RoleOption::BypassRls(yes)),
                _ => None,
            };
            if let Some(flag) = flag {
                self.advance();
                options.push(flag);
                continue;
            }
            options.push(match word.as_str() {
                "connection" => {
                    self.expect_words("connection limit")?;
                    let pos = self.pos();
                    let limit = self.option_value()?;
                    match limit.parse::<i32>() {
                        Ok(limit) if limit >= -1 => RoleOption::ConnectionLimit(limit),
                        _ => {
                            return Err(self.unsupported(format!("connection limit {limit}"), pos));
                        }
                    }
                }
                "encrypted" | "password" => {
                    self.eat("encrypted");
                    self.expect("password")?;
                    if self.eat("null") {
                        RoleOption::Password(None)
                    } else {
                        RoleOption::Password(Some(self.string()?))
                    }
                }
                "valid" => {
                    self.expect_words("valid until")?;
                    RoleOption::ValidUntil(self.string()?)
                }
                "sysid" if create => {
                    self.advance();
                    self.option_value()?;
                    continue;
                }
                "in" if create => {
                    self.advance();
                    if !self.eat("role") {
                        self.expect("group")?;
                    }
                    RoleOption::InRole(self.comma_list(Self::role_spec)?)
                }
                "role" | "user" if create => {
                    self.advance();
                    RoleOption::Members(self.comma_list(Self::role_spec)?, false)
                }
                "admin" if create => {
                    self.advance();
                    RoleOption::Members(self.comma_list(Self::role_spec)?, true)
                }
                _ => return Ok(options),
            });
        }
    }

    /// A role's name, or a word that stands for one.
    pub(super) fn role_spec(&mut self) -> Result<RoleSpec> {
        if self.eat("current_user") || self.eat("current_role") {
            return Ok(RoleSpec::Current);
        }
        if self.eat("session_user") {
            return Ok(RoleSpec::Session);
        }
        let quoted = matches!(self.peek().kind, Kind::Quoted(_));
        let name = self.ident()?.name;
        Ok(match name.as_str() {
            "public" if !quoted => RoleSpec::Public,
            _ => RoleSpec::Named(name),
        })
    }

    /// `GRANT`, `REVOKE`
    pub(super) fn grant_statement(&mut self) -> Result<Statement> {
        let revoke = self.is_word("revoke");
        self.advance();
        let option_only = revoke && self.eat_words("grant option for");
        let admin_only = revoke && self.eat_words("admin option for");
        let start = self.mark();
        let pos = self.pos();
        let names = self.privilege_names()?;
        if !self.is_word("on") {
            self.reset(start);
            return self.membership(revoke, admin_only);
        }
        if admin_only {
            return Err(self.unexpected());
        }
        let privileges = self.known_privileges(names, pos)?;
        self.expect("on")?;
        let on = self.grant_target()?;
        let grant = self.grant_rest(revoke, option_only, privileges, on)?;
        Ok(Statement::Role(Box::new(RoleCommand::Grant(Box::new(
            grant,
        )))))
    }

    /// Words for privileges, or names of roles, each perhaps with columns.
    pub(super) fn privilege_names(&mut self) -> Result<Vec<(String, Vec<String>)>> {
        let mut names: Vec<(String, Vec<String>)> = Vec::new();
        loop {
            let name = self.label()?.name;
            if names.is_empty() {
                self.eat("privileges");
            }
            let columns = if self.is_punct("(") {
                let columns = self.idents()?;
                columns.into_iter().map(|column| column.name).collect()
            } else {
                Vec::new()
            };
            names.push((name, columns));
            if !self.eat_punct(",") {
                return Ok(names);
            }
        }
    }

    /// The privileges that these words mean.
    pub(super) fn known_privileges(
        &self,
        names: Vec<(String, Vec<String>)>,
        pos: Pos,
    ) -> Result<Vec<(Option<Privileges>, Vec<String>)>> {
        let known = |(name, columns): (String, Vec<String>)| {
            if name == "all" {
                return Ok((None, columns));
            }
            let known = Privileges::named(&name.to_uppercase());
            let known = known.ok_or_else(|| {
                let message = format!("unrecognized privilege type \"{name}\"");
                self.syntax(message, pos)
            })?;
            Ok((Some(known), columns))
        };
        names.into_iter().map(known).collect()
    }

    /// What follows the objects of `GRANT` and `REVOKE`.
    pub(super) fn grant_rest(
        &mut self,
        revoke: bool,
        option_only: bool,
        privileges: Vec<(Option<Privileges>, Vec<String>)>,
        on: GrantTarget,
    ) -> Result<GrantCommand> {
        self.expect(if revoke { "from" } else { "to" })?;
        let grantees = self.comma_list(|parser| {
            parser.eat("group");
            parser.role_spec()
        })?;
        let grantable = !revoke && self.eat_words("with grant option");
        let granted_by = if self.eat_words("granted by") {
            Some(self.role_spec()?)
        } else {
            None
        };
        let cascade = revoke && self.eat("cascade");
        if revoke && !cascade {
            self.eat("restrict");
        }
        Ok(GrantCommand {
            revoke,
            option_only,
            privileges,
            on,
            grantees,
            grantable,
            cascade,
            granted_by,
        })
    }

    fn membership(&mut self, revoke: bool, admin_only: bool) -> Result<Statement> {
        let roles = self.comma_list(Self::ident)?;
        self.expect(if revoke { "from" } else { "to" })?;
        let members = self.comma_list(Self::role_spec)?;
        let admin = admin_only || (!revoke && self.eat_words("with admin option"));
        if self.eat_words("granted by") {
            self.role_spec()?;
        }
        if revoke && !self.eat("cascade") {
            self.eat("restrict");
        }
        Ok(Statement::Role(Box::new(RoleCommand::Member {
            revoke,
            roles: roles.into_iter().map(|role| role.name).collect(),
            members,
            admin,
        })))
    }

    fn grant_target(&mut self) -> Result<GrantTarget> {
        let pos = self.pos();
        let names = |parser: &mut Self| -> Result<Vec<String>> {
            let names = parser.comma_list(Self::ident)?;
            Ok(names.into_iter().map(|name| name.name).collect())
        };
        let qualified = |parser: &mut Self| -> Result<Vec<crate::plan::QualifiedName>> {
            let names = parser.comma_list(Self::name)?;
            Ok(names.into_iter().map(Into::into).collect())
        };
        if self.eat_words("all tables in schema") {
            return Ok(GrantTarget::TablesIn(names(self)?));
        }
        if self.eat_words("all sequences in schema") {
            return Ok(GrantTarget::SequencesIn(names(self)?));
        }
        for (words, kind) in [
            ("all functions in schema", RoutineKind::Function),
            ("all procedures in schema", RoutineKind::Procedure),
            ("all routines in schema", RoutineKind::Routine),
        ] {
            if self.eat_words(words) {
                return Ok(GrantTarget::RoutinesIn(kind, names(self)?));
            }
        }
        // `schema` alone may be a table of that name.
        let is_kind = |parser: &Self, word: &str| {
            parser.is_word(word) && !parser.is_word_at(1, "to") && !parser.is_word_at(1, "from")
        };
        for (word, what) in [
            ("language", "languages"),
            ("large", "large objects"),
            ("foreign", "foreign objects"),
            ("tablespace", "tablespaces"),
            ("parameter", "parameters"),
            ("all", "all objects of this kind"),
        ] {
            if is_kind(self, word) {
                return Err(self.unsupported(format!("privileges on {what}"), pos));
            }
        }
        if ["function", "procedure", "routine"]
            .iter()
            .any(|word| is_kind(self, word))
            && let Some(kind) = self.eat_routine_kind()
        {
            let functions = self.comma_list(Self::function_name)?;
            return Ok(GrantTarget::Routines(Routines::Written(kind, functions)));
        }
        if is_kind(self, "schema") {
            self.advance();
            return Ok(GrantTarget::Schemas(names(self)?));
        }
        let of_database = self.is_words("database branch")
            && !["to", "from"].iter().any(|word| self.is_word_at(2, word));
        if is_kind(self, "branch") || of_database {
            self.eat("database");
            self.expect("branch")?;
            let names = self.comma_list(Self::branch_name)?;
            return Ok(GrantTarget::Branches(
                names.into_iter().map(|name| name.name).collect(),
            ));
        }
        if is_kind(self, "database") {
            self.advance();
            return Ok(GrantTarget::Databases(names(self)?));
        }
        if is_kind(self, "sequence") {
            self.advance();
            return Ok(GrantTarget::Sequences(qualified(self)?));
        }
        if is_kind(self, "type") || is_kind(self, "domain") {
            self.advance();
            return Ok(GrantTarget::Types(qualified(self)?));
        }
        if is_kind(self, "table") {
            self.advance();
        }
        Ok(GrantTarget::Tables(qualified(self)?))
    }
}
