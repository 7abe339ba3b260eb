//! Functions that only the session can answer: they read the catalog, other sessions or the
//! running system. Each is [`crate::SessionHooks::call`] by its name.

use crate::function::{Function, function};
use crate::ty::Ty::{Bool, Float8, Int4, Int8, Interval, Name, Oid, Text, TimestampTz, Void};

macro_rules! hooks {
    ($($name:literal ($($arg:ident),*) -> $result:ident $when:ident;)*) => {
        &[$(
            function($name, &[$($arg),*], $result, |args, call| {
                call.ctx.session.call($name, args, call.result_type())
            })
            .$when(),
        )*]
    };
}

pub(crate) static FUNCTIONS: &[Function] = hooks! {
    "col_description"(Oid, Int4) -> Text stable;
    "obj_description"(Oid, Name) -> Text stable;
    "obj_description"(Oid) -> Text stable;
    "shobj_description"(Oid, Name) -> Text stable;
    "format_type"(Oid, Int4) -> Text stable;
    "pg_get_userbyid"(Oid) -> Name stable;
    "pg_get_viewdef"(Oid) -> Text stable;
    "pg_get_viewdef"(Oid, Bool) -> Text stable;
    "pg_get_viewdef"(Text) -> Text stable;
    "pg_get_indexdef"(Oid) -> Text stable;
    "pg_get_indexdef"(Oid, Int4, Bool) -> Text stable;
    "pg_get_constraintdef"(Oid) -> Text stable;
    "pg_get_constraintdef"(Oid, Bool) -> Text stable;
    "pg_get_expr"(Text, Oid) -> Text stable;
    "pg_get_expr"(Text, Oid, Bool) -> Text stable;
    "pg_get_serial_sequence"(Text, Text) -> Text stable;
    "pg_table_is_visible"(Oid) -> Bool stable;
    "pg_type_is_visible"(Oid) -> Bool stable;
    "pg_function_is_visible"(Oid) -> Bool stable;
    "to_regclass"(Text) -> Oid stable;
    "to_regtype"(Text) -> Oid stable;
    "to_regnamespace"(Text) -> Oid stable;
    "has_table_privilege"(Text, Text) -> Bool stable;
    "has_table_privilege"(Oid, Text) -> Bool stable;
    "has_schema_privilege"(Text, Text) -> Bool stable;
    "has_schema_privilege"(Oid, Text) -> Bool stable;
    "has_database_privilege"(Text, Text) -> Bool stable;
    "pg_relation_size"(Text) -> Int8 volatile;
    "pg_relation_size"(Oid) -> Int8 volatile;
    "pg_table_size"(Text) -> Int8 volatile;
    "pg_table_size"(Oid) -> Int8 volatile;
    "pg_indexes_size"(Text) -> Int8 volatile;
    "pg_indexes_size"(Oid) -> Int8 volatile;
    "pg_total_relation_size"(Text) -> Int8 volatile;
    "pg_total_relation_size"(Oid) -> Int8 volatile;
    "pg_database_size"(Text) -> Int8 volatile;
    "pg_postmaster_start_time"() -> TimestampTz stable;
    "pg_is_in_recovery"() -> Bool volatile;
    "pg_cancel_backend"(Int4) -> Bool volatile;
    "pg_terminate_backend"(Int4) -> Bool volatile;
    "pg_sleep"(Float8) -> Void volatile;
    "pg_sleep_for"(Interval) -> Void volatile;
    "pg_sleep_until"(TimestampTz) -> Void volatile;
    "pg_notify"(Text, Text) -> Void volatile;
    "pg_advisory_lock"(Int8) -> Void volatile;
    "pg_advisory_lock"(Int4, Int4) -> Void volatile;
    "pg_advisory_unlock"(Int8) -> Bool volatile;
    "pg_advisory_unlock"(Int4, Int4) -> Bool volatile;
    "pg_advisory_unlock_all"() -> Void volatile;
    "pg_advisory_xact_lock"(Int8) -> Void volatile;
    "pg_advisory_xact_lock"(Int4, Int4) -> Void volatile;
    "pg_try_advisory_lock"(Int8) -> Bool volatile;
    "pg_try_advisory_lock"(Int4, Int4) -> Bool volatile;
    "pg_try_advisory_xact_lock"(Int8) -> Bool volatile;
    "pg_try_advisory_xact_lock"(Int4, Int4) -> Bool volatile;
    "txid_status"(Int8) -> Text volatile;
    "current_query"() -> Text volatile;
    "helios_current_scn"() -> Int8 stable;
    "helios_scn_at"(TimestampTz) -> Int8 stable;
    "helios_timestamp_at"(Int8) -> TimestampTz stable;
};
