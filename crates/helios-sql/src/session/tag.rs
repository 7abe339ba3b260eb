//! Command tags, as PostgreSQL spells them.

use crate::parse::ast::RoutineKind;
use crate::plan::{
    BranchCommand, DropTarget, ListenCommand, PolicyAction, RoleCommand, Statement,
    TransactionCommand,
};

/// The tag of a statement, without its count.
pub(crate) fn of(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(_) => "SELECT",
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        Statement::Merge(_) => "MERGE",
        Statement::CreateTable(create) if create.query.is_some() => "SELECT",
        Statement::CreateTable(create) if create.of_query => "CREATE TABLE AS",
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::AlterTable(alter) => alter.tag,
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateSequence(_) => "CREATE SEQUENCE",
        Statement::AlterSequence { .. } => "ALTER SEQUENCE",
        Statement::CreateSchema(_) => "CREATE SCHEMA",
        Statement::RenameSchema(_) => "ALTER SCHEMA",
        Statement::RenameIndex { .. } => "ALTER INDEX",
        Statement::CreateFunction(create) if create.procedure => "CREATE PROCEDURE",
        Statement::CreateFunction(_) => "CREATE FUNCTION",
        Statement::AlterFunction(alter) => match alter.function.kind {
            RoutineKind::Function => "ALTER FUNCTION",
            RoutineKind::Procedure => "ALTER PROCEDURE",
            RoutineKind::Routine => "ALTER ROUTINE",
        },
        Statement::DropFunction(drop) => match drop.functions.first().map(|name| name.kind) {
            Some(RoutineKind::Procedure) => "DROP PROCEDURE",
            Some(RoutineKind::Routine) => "DROP ROUTINE",
            _ => "DROP FUNCTION",
        },
        Statement::CommentFunction(_) => "COMMENT",
        Statement::Routine(routine) if routine.def.procedure => "CALL",
        Statement::Routine(_) => "SELECT",
        Statement::CreateType(create) if create.domain => "CREATE DOMAIN",
        Statement::CreateType(_) => "CREATE TYPE",
        Statement::AlterType(alter) if alter.domain => "ALTER DOMAIN",
        Statement::AlterType(_) => "ALTER TYPE",
        Statement::Drop(drop) => match drop.target {
            DropTarget::Table => "DROP TABLE",
            DropTarget::View => "DROP VIEW",
            DropTarget::Index => "DROP INDEX",
            DropTarget::Sequence => "DROP SEQUENCE",
            DropTarget::Schema => "DROP SCHEMA",
            DropTarget::Type => "DROP TYPE",
            DropTarget::Domain => "DROP DOMAIN",
        },
        Statement::Truncate(_) => "TRUNCATE TABLE",
        Statement::Comment(_) => "COMMENT",
        Statement::Policy(policy) => match policy.action {
            PolicyAction::Create { .. } => "CREATE POLICY",
            PolicyAction::Alter { .. } | PolicyAction::Rename(_) => "ALTER POLICY",
            PolicyAction::Drop { .. } => "DROP POLICY",
        },
        Statement::Role(command) => of_role(command),
        Statement::Copy(_) => "COPY",
        Statement::Transaction(command) => match command {
            TransactionCommand::Begin(_) => "BEGIN",
            TransactionCommand::Start(_) => "START TRANSACTION",
            TransactionCommand::Commit { .. } => "COMMIT",
            TransactionCommand::Rollback { .. } | TransactionCommand::RollbackTo(_) => "ROLLBACK",
            TransactionCommand::Prepare => "PREPARE TRANSACTION",
            TransactionCommand::EndPrepared { commit: true, .. } => "COMMIT PREPARED",
            TransactionCommand::EndPrepared { commit: false, .. } => "ROLLBACK PREPARED",
            TransactionCommand::Savepoint(_) => "SAVEPOINT",
            TransactionCommand::Release(_) => "RELEASE",
            TransactionCommand::SetConstraints { .. } => "SET CONSTRAINTS",
            TransactionCommand::SetTransaction(_) | TransactionCommand::SetCharacteristics(_) => {
                "SET"
            }
        },
        Statement::Set { .. } => "SET",
        Statement::Show(_) => "SHOW",
        Statement::Reset(_) => "RESET",
        Statement::Explain(_) => "EXPLAIN",
        Statement::Prepare(_) => "PREPARE",
        Statement::Execute { .. } => "EXECUTE",
        Statement::Deallocate(None) => "DEALLOCATE ALL",
        Statement::Deallocate(_) => "DEALLOCATE",
        Statement::Declare(_) => "DECLARE CURSOR",
        Statement::Fetch(fetch) if fetch.only_move => "MOVE",
        Statement::Fetch(_) => "FETCH",
        Statement::Close(None) => "CLOSE CURSOR ALL",
        Statement::Close(_) => "CLOSE CURSOR",
        Statement::Analyze(_) => "ANALYZE",
        Statement::Vacuum { .. } => "VACUUM",
        Statement::Checkpoint => "CHECKPOINT",
        Statement::Extension(command) if command.drop => "DROP EXTENSION",
        Statement::Extension(_) => "CREATE EXTENSION",
        Statement::Listen(command) => match command {
            ListenCommand::Listen(_) => "LISTEN",
            ListenCommand::Unlisten(_) => "UNLISTEN",
            ListenCommand::Notify { .. } => "NOTIFY",
        },
        Statement::Reindex(_) => "REINDEX",
        Statement::Discard(what) => match what.as_str() {
            "plans" => "DISCARD PLANS",
            "sequences" => "DISCARD SEQUENCES",
            "temp" => "DISCARD TEMP",
            _ => "DISCARD ALL",
        },
        Statement::Lock { .. } => "LOCK TABLE",
        Statement::Branch(command) => match **command {
            BranchCommand::Use { .. } => "USE BRANCH",
            BranchCommand::Create { .. } => "CREATE BRANCH",
            BranchCommand::Drop { .. } => "DROP BRANCH",
            BranchCommand::Rename { .. } | BranchCommand::Set { .. } => "ALTER BRANCH",
            BranchCommand::Merge(ref merge) => merge.tag(),
        },
    }
}

/// Whether the statement writes, so that a read-only transaction refuses it.
pub(crate) fn writes(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::CreateTable(_)
        | Statement::AlterTable(_)
        | Statement::CreateIndex(_)
        | Statement::CreateView(_)
        | Statement::CreateSequence(_)
        | Statement::AlterSequence { .. }
        | Statement::CreateSchema(_)
        | Statement::RenameSchema(_)
        | Statement::RenameIndex { .. }
        | Statement::CreateFunction(_)
        | Statement::AlterFunction(_)
        | Statement::DropFunction(_)
        | Statement::CommentFunction(_)
        | Statement::CreateType(_)
        | Statement::AlterType(_)
        | Statement::Drop(_)
        | Statement::Truncate(_)
        | Statement::Comment(_)
        | Statement::Policy(_) => true,
        Statement::Reindex(indexes) => !indexes.is_empty(),
        // Those look for themselves, when they are where these are kept.
        Statement::Role(command) => !command.is_about_branches(),
        Statement::Query(query) => query.plan.changes_rows(),
        Statement::Routine(routine) => routine.writes,
        Statement::Copy(copy) => copy.from,
        Statement::Explain(explain) => explain.analyze && writes(&explain.statement),
        _ => false,
    }
}

/// The tag of a statement about roles or privileges.
pub(super) fn of_role(command: &RoleCommand) -> &'static str {
    match command {
        RoleCommand::Create { .. } => "CREATE ROLE",
        RoleCommand::Alter { .. } | RoleCommand::Rename { .. } | RoleCommand::Set { .. } => {
            "ALTER ROLE"
        }
        RoleCommand::Drop { .. } => "DROP ROLE",
        RoleCommand::Member { revoke: true, .. } => "REVOKE ROLE",
        RoleCommand::Member { .. } => "GRANT ROLE",
        RoleCommand::Grant(grant) if grant.revoke => "REVOKE",
        RoleCommand::Grant(_) => "GRANT",
        RoleCommand::Owner { tag, .. } | RoleCommand::OwnRoutine { tag, .. } => tag,
        RoleCommand::Default { .. } => "ALTER DEFAULT PRIVILEGES",
        RoleCommand::Reassign { .. } => "REASSIGN OWNED",
        RoleCommand::DropOwned { .. } => "DROP OWNED",
    }
}
