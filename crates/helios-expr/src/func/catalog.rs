//! Functions that only the session can answer: they read the catalog, other sessions or the
//! running system. Each is [`crate::SessionHooks::call`] by its name.

use helios_base::Value;

use crate::function::{Function, function};
use crate::ty::Ty::{
    self, Bool, CharByte, Float8, Inet, Int2, Int4, Int8, Interval, Name, Oid, Regclass,
    Regcollation, Regnamespace, Regproc, Regprocedure, Regrole, Regtype, Text, TimestampTz, Void,
};

const INT4S: Ty = Ty::Array(&Int4);
const TEXTS: Ty = Ty::Array(&Text);

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
    "to_regclass"(Text) -> Regclass stable;
    "to_regtype"(Text) -> Regtype stable;
    "to_regnamespace"(Text) -> Regnamespace stable;
    "to_regproc"(Text) -> Regproc stable;
    "to_regprocedure"(Text) -> Regprocedure stable;
    "to_regrole"(Text) -> Regrole stable;
    "acldefault"(CharByte, Oid) -> TEXTS stable;
    "makeaclitem"(Oid, Oid, Text, Bool) -> Text stable;
    "has_table_privilege"(Text, Text) -> Bool stable;
    "has_table_privilege"(Oid, Text) -> Bool stable;
    "has_table_privilege"(Name, Text, Text) -> Bool stable;
    "has_table_privilege"(Name, Oid, Text) -> Bool stable;
    "has_table_privilege"(Oid, Text, Text) -> Bool stable;
    "has_table_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_schema_privilege"(Text, Text) -> Bool stable;
    "has_schema_privilege"(Oid, Text) -> Bool stable;
    "has_schema_privilege"(Name, Text, Text) -> Bool stable;
    "has_schema_privilege"(Name, Oid, Text) -> Bool stable;
    "has_schema_privilege"(Oid, Text, Text) -> Bool stable;
    "has_schema_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_database_privilege"(Text, Text) -> Bool stable;
    "has_database_privilege"(Oid, Text) -> Bool stable;
    "has_database_privilege"(Name, Text, Text) -> Bool stable;
    "has_database_privilege"(Name, Oid, Text) -> Bool stable;
    "has_database_privilege"(Oid, Text, Text) -> Bool stable;
    "has_database_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_branch_privilege"(Text, Text) -> Bool stable;
    "has_branch_privilege"(Name, Text, Text) -> Bool stable;
    "has_branch_privilege"(Oid, Text, Text) -> Bool stable;
    "has_sequence_privilege"(Text, Text) -> Bool stable;
    "has_sequence_privilege"(Oid, Text) -> Bool stable;
    "has_sequence_privilege"(Name, Text, Text) -> Bool stable;
    "has_sequence_privilege"(Name, Oid, Text) -> Bool stable;
    "has_sequence_privilege"(Oid, Text, Text) -> Bool stable;
    "has_sequence_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_function_privilege"(Text, Text) -> Bool stable;
    "has_function_privilege"(Oid, Text) -> Bool stable;
    "has_function_privilege"(Name, Text, Text) -> Bool stable;
    "has_function_privilege"(Name, Oid, Text) -> Bool stable;
    "has_function_privilege"(Oid, Text, Text) -> Bool stable;
    "has_function_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_type_privilege"(Text, Text) -> Bool stable;
    "has_type_privilege"(Oid, Text) -> Bool stable;
    "has_type_privilege"(Name, Text, Text) -> Bool stable;
    "has_type_privilege"(Name, Oid, Text) -> Bool stable;
    "has_type_privilege"(Oid, Text, Text) -> Bool stable;
    "has_type_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_language_privilege"(Text, Text) -> Bool stable;
    "has_language_privilege"(Oid, Text) -> Bool stable;
    "has_language_privilege"(Name, Text, Text) -> Bool stable;
    "has_language_privilege"(Name, Oid, Text) -> Bool stable;
    "has_language_privilege"(Oid, Text, Text) -> Bool stable;
    "has_language_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_tablespace_privilege"(Text, Text) -> Bool stable;
    "has_tablespace_privilege"(Oid, Text) -> Bool stable;
    "has_tablespace_privilege"(Name, Text, Text) -> Bool stable;
    "has_tablespace_privilege"(Name, Oid, Text) -> Bool stable;
    "has_tablespace_privilege"(Oid, Text, Text) -> Bool stable;
    "has_tablespace_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_any_column_privilege"(Text, Text) -> Bool stable;
    "has_any_column_privilege"(Oid, Text) -> Bool stable;
    "has_any_column_privilege"(Name, Text, Text) -> Bool stable;
    "has_any_column_privilege"(Name, Oid, Text) -> Bool stable;
    "has_any_column_privilege"(Oid, Text, Text) -> Bool stable;
    "has_any_column_privilege"(Oid, Oid, Text) -> Bool stable;
    "has_column_privilege"(Text, Text, Text) -> Bool stable;
    "has_column_privilege"(Text, Int2, Text) -> Bool stable;
    "has_column_privilege"(Oid, Text, Text) -> Bool stable;
    "has_column_privilege"(Oid, Int2, Text) -> Bool stable;
    "has_column_privilege"(Name, Text, Text, Text) -> Bool stable;
    "has_column_privilege"(Name, Text, Int2, Text) -> Bool stable;
    "has_column_privilege"(Name, Oid, Text, Text) -> Bool stable;
    "has_column_privilege"(Name, Oid, Int2, Text) -> Bool stable;
    "has_column_privilege"(Oid, Text, Text, Text) -> Bool stable;
    "has_column_privilege"(Oid, Text, Int2, Text) -> Bool stable;
    "has_column_privilege"(Oid, Oid, Text, Text) -> Bool stable;
    "has_column_privilege"(Oid, Oid, Int2, Text) -> Bool stable;
    "pg_has_role"(Name, Text) -> Bool stable;
    "pg_has_role"(Name, Name, Text) -> Bool stable;
    "pg_has_role"(Name, Oid, Text) -> Bool stable;
    "pg_has_role"(Oid, Text) -> Bool stable;
    "pg_has_role"(Oid, Name, Text) -> Bool stable;
    "pg_has_role"(Oid, Oid, Text) -> Bool stable;
    "pg_operator_is_visible"(Oid) -> Bool stable;
    "pg_opclass_is_visible"(Oid) -> Bool stable;
    "pg_opfamily_is_visible"(Oid) -> Bool stable;
    "pg_collation_is_visible"(Oid) -> Bool stable;
    "pg_conversion_is_visible"(Oid) -> Bool stable;
    "pg_statistics_obj_is_visible"(Oid) -> Bool stable;
    "pg_ts_config_is_visible"(Oid) -> Bool stable;
    "pg_ts_dict_is_visible"(Oid) -> Bool stable;
    "pg_ts_parser_is_visible"(Oid) -> Bool stable;
    "pg_ts_template_is_visible"(Oid) -> Bool stable;
    "pg_is_other_temp_schema"(Oid) -> Bool stable;
    "pg_get_viewdef"(Oid, Int4) -> Text stable;
    "pg_get_ruledef"(Oid) -> Text stable;
    "pg_get_ruledef"(Oid, Bool) -> Text stable;
    "pg_get_triggerdef"(Oid) -> Text stable;
    "pg_get_triggerdef"(Oid, Bool) -> Text stable;
    "pg_get_functiondef"(Oid) -> Text stable;
    "pg_get_function_arguments"(Oid) -> Text stable;
    "pg_get_function_identity_arguments"(Oid) -> Text stable;
    "pg_get_function_result"(Oid) -> Text stable;
    "pg_get_function_sqlbody"(Oid) -> Text stable;
    "pg_get_partkeydef"(Oid) -> Text stable;
    "pg_get_statisticsobjdef_columns"(Oid) -> Text stable;
    "pg_relation_is_publishable"(Regclass) -> Bool stable;
    "pg_relation_is_updatable"(Regclass, Bool) -> Int4 stable;
    "pg_column_is_updatable"(Regclass, Int2, Bool) -> Bool stable;
    "pg_describe_object"(Oid, Oid, Int4) -> Text stable;
    "pg_tablespace_location"(Oid) -> Text stable;
    "pg_database_size"(Oid) -> Int8 volatile;
    "pg_char_to_encoding"(Name) -> Int4 stable;
    "pg_encoding_to_char"(Int4) -> Name stable;
    "getdatabaseencoding"() -> Name stable;
    "pg_client_encoding"() -> Name stable;
    "pg_my_temp_schema"() -> Oid stable;
    "pg_conf_load_time"() -> TimestampTz stable;
    "pg_sequence_last_value"(Regclass) -> Int8 volatile;
    "pg_relation_size"(Regclass) -> Int8 volatile;
    "pg_relation_size"(Regclass, Text) -> Int8 volatile;
    "pg_table_size"(Regclass) -> Int8 volatile;
    "pg_indexes_size"(Regclass) -> Int8 volatile;
    "pg_total_relation_size"(Regclass) -> Int8 volatile;
    "pg_database_size"(Text) -> Int8 volatile;
    "pg_postmaster_start_time"() -> TimestampTz stable;
    "pg_is_in_recovery"() -> Bool volatile;
    "pg_cancel_backend"(Int4) -> Bool volatile;
    "pg_stat_statements_reset"() -> Void volatile;
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
    "pg_advisory_lock_shared"(Int8) -> Void volatile;
    "pg_advisory_lock_shared"(Int4, Int4) -> Void volatile;
    "pg_advisory_unlock_shared"(Int8) -> Bool volatile;
    "pg_advisory_unlock_shared"(Int4, Int4) -> Bool volatile;
    "pg_advisory_xact_lock_shared"(Int8) -> Void volatile;
    "pg_advisory_xact_lock_shared"(Int4, Int4) -> Void volatile;
    "pg_try_advisory_lock_shared"(Int8) -> Bool volatile;
    "pg_try_advisory_lock_shared"(Int4, Int4) -> Bool volatile;
    "pg_try_advisory_xact_lock_shared"(Int8) -> Bool volatile;
    "pg_try_advisory_xact_lock_shared"(Int4, Int4) -> Bool volatile;
    "inet_client_addr"() -> Inet stable;
    "inet_client_port"() -> Int4 stable;
    "pg_blocking_pids"(Int4) -> INT4S volatile;
    "pg_trigger_depth"() -> Int4 stable;
    "to_regcollation"(Text) -> Regcollation stable;
    "row_security_active"(Oid) -> Bool stable;
    "row_security_active"(Text) -> Bool stable;
    "pg_get_function_arg_default"(Oid, Int4) -> Text stable;
    "txid_status"(Int8) -> Text volatile;
    "current_query"() -> Text volatile;
    "helios_current_scn"() -> Int8 stable;
    "helios_scn_at"(TimestampTz) -> Int8 stable;
    "helios_timestamp_at"(Int8) -> TimestampTz stable;
};

/// Functions that want to see `NULL`.
pub(crate) static LENIENT: &[Function] =
    &[function("format_type", &[Oid, Int4], Text, |args, call| {
        match args.first() {
            Some(Value::Null) | None => Ok(Value::Null),
            _ => call
                .ctx
                .session
                .call("format_type", args, call.result_type()),
        }
    })
    .not_strict()
    .stable()];
