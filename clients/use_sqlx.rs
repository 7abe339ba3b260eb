//! sqlx: prepared statements in binary, its own reading of user types, migrations, pools, COPY, listeners.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolCopyExt, PgPoolOptions, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Column, Connection, Executor, PgConnection, QueryBuilder, Row, TypeInfo};

type Checked = Result<(), Box<dyn std::error::Error>>;

macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            return Err(concat!("not so: ", stringify!($condition)).into());
        }
    };
}

async fn connect() -> Result<PgConnection, sqlx::Error> {
    // The environment says where: PGHOST and its like.
    PgConnection::connect_with(&PgConnectOptions::new()).await
}

async fn pool() -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new().max_connections(3).connect_with(PgConnectOptions::new()).await
}

async fn values_go_and_come() -> Checked {
    let mut c = connect().await?;
    macro_rules! round {
        ($($ty:literal: $kind:ty = $value:expr;)*) => {$(
            let sent: $kind = $value;
            let got: $kind = sqlx::query_scalar(concat!("select $1::", $ty)).bind(sent.clone()).fetch_one(&mut c).await?;
            ensure!(got == sent);
            let got: Option<$kind> = sqlx::query_scalar(concat!("select $1::", $ty)).bind(None::<$kind>).fetch_one(&mut c).await?;
            ensure!(got.is_none());
        )*};
    }
    round! {
        "bool": bool = true; "int2": i16 = -7; "int4": i32 = i32::MIN; "int8": i64 = i64::MAX; "float4": f32 = 0.5; "float8": f64 = 1e300;
        "text": String = "\u{2603}".to_owned(); "varchar": String = "v".to_owned(); "bytea": Vec<u8> = vec![0, 1, 255]; "\"char\"": i8 = 65;
        "int4[]": Vec<Option<i32>> = vec![Some(1), None]; "text[]": Vec<String> = vec!["a".into(), "b,\"".into()];
        "uuid": sqlx::types::Uuid = sqlx::types::Uuid::from_u128(7);
        "numeric": sqlx::types::BigDecimal = "-1.2300".parse()?;
        "date": sqlx::types::chrono::NaiveDate = "2024-02-29".parse()?;
        "timestamp": sqlx::types::chrono::NaiveDateTime = "2024-02-29T01:02:03.000004".parse()?;
        "timestamptz": sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc> = "2024-02-29T01:02:03Z".parse()?;
        "interval": sqlx::postgres::types::PgInterval = sqlx::postgres::types::PgInterval { months: 1, days: -2, microseconds: 3 };
        "int4range": sqlx::postgres::types::PgRange<i32> = (1..5).into();
        "jsonb": Json<BTreeMap<String, i32>> = Json(BTreeMap::from([("a".to_owned(), 1)]));
        "json": Json<BTreeMap<String, i32>> = Json(BTreeMap::from([("a".to_owned(), 1)]));
    }
    Ok(())
}

#[derive(sqlx::Type, Clone, Debug, PartialEq)]
#[sqlx(type_name = "sqlx_mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Ok,
}

#[derive(sqlx::Type, Clone, Debug, PartialEq)]
#[sqlx(type_name = "sqlx_pair")]
struct Pair {
    a: i32,
    mood: Mood,
}

async fn types_of_users_go_and_come() -> Checked {
    let mut c = connect().await?;
    c.execute(
        "drop table if exists sqlx_m; drop type if exists sqlx_pair; drop type if exists sqlx_mood;
         create type sqlx_mood as enum ('sad', 'ok'); create type sqlx_pair as (a int, mood sqlx_mood);
         create table sqlx_m (m sqlx_mood, p sqlx_pair)",
    )
    .await?;
    // Parameters are declared with the number of the user's type.
    let pair = Pair { a: 1, mood: Mood::Sad };
    sqlx::query("insert into sqlx_m values ($1, $2)").bind(Mood::Ok).bind(pair.clone()).execute(&mut c).await?;
    let (m, p): (Mood, Pair) = sqlx::query_as("select m, p from sqlx_m").fetch_one(&mut c).await?;
    ensure!(m == Mood::Ok && p == pair);
    ensure!(sqlx::query_scalar::<_, i64>("select count(*) from sqlx_m where m = $1").bind(Mood::Ok).fetch_one(&mut c).await? == 1);
    Ok(())
}

async fn statements_are_described() -> Checked {
    let mut c = connect().await?;
    c.execute("drop table if exists sqlx_d; create table sqlx_d (id bigserial primary key, name text not null, extra jsonb)").await?;
    // As the macros of sqlx ask at compile time, for which columns may be null.
    let told = c.describe("select id, name, extra, $1::int4 as n from sqlx_d where name = $2").await?;
    let types: Vec<_> = told.columns.iter().map(|column| column.type_info().name().to_owned()).collect();
    ensure!(types == ["INT8", "TEXT", "JSONB", "INT4"]);
    ensure!(told.nullable[..3] == [Some(false), Some(false), Some(true)]);
    let Some(sqlx::Either::Left(parameters)) = told.parameters else { return Err("no parameters".into()) };
    ensure!(parameters == [PgTypeInfo::with_name("int4"), PgTypeInfo::with_name("text")]);
    Ok(())
}

async fn transactions_and_savepoints() -> Checked {
    let mut c = connect().await?;
    c.execute("drop table if exists sqlx_t; create table sqlx_t (a int primary key, b text)").await?;
    let mut t = c.begin().await?;
    sqlx::query("insert into sqlx_t values (1, 'one')").execute(&mut *t).await?;
    {
        let mut s = t.begin().await?;
        let error = sqlx::query("insert into sqlx_t values (1, 'again')").execute(&mut *s).await.expect_err("a duplicate");
        let told = error.as_database_error().ok_or("no error of the database")?;
        ensure!(told.is_unique_violation() && told.constraint() == Some("sqlx_t_pkey") && told.table() == Some("sqlx_t"));
        s.rollback().await?;
    }
    t.commit().await?;
    {
        let mut t = c.begin().await?;
        sqlx::query("delete from sqlx_t").execute(&mut *t).await?;
        // Dropped: rolled back.
    }
    ensure!(sqlx::query_scalar::<_, i64>("select count(*) from sqlx_t").fetch_one(&mut c).await? == 1);
    Ok(())
}

async fn migrations_are_run_and_undone() -> Checked {
    let pool = pool().await?;
    pool.execute("drop table if exists _sqlx_migrations; drop table if exists sqlx_a; drop table if exists sqlx_b").await?;
    let step = |version, kind, sql: &'static str| Migration::new(version, "step".into(), kind, sql.into(), false);
    let steps = vec![
        step(1, MigrationType::ReversibleUp, "create table sqlx_a (a int); insert into sqlx_a values (1)"),
        step(1, MigrationType::ReversibleDown, "drop table sqlx_a"),
        step(2, MigrationType::ReversibleUp, "create table sqlx_b (b int)"),
        step(2, MigrationType::ReversibleDown, "drop table sqlx_b"),
    ];
    let migrator = Migrator { migrations: steps.into(), ..Migrator::DEFAULT };
    // It takes an advisory lock for its time.
    migrator.run(&pool).await?;
    migrator.run(&pool).await?;
    ensure!(sqlx::query_scalar::<_, i64>("select count(*) from _sqlx_migrations where success").fetch_one(&pool).await? == 2);
    migrator.undo(&pool, 1).await?;
    ensure!(sqlx::query_scalar::<_, Option<String>>("select to_regclass('sqlx_b')::text").fetch_one(&pool).await?.is_none());
    Ok(())
}

async fn many_rows_in_one_statement() -> Checked {
    let mut c = connect().await?;
    c.execute("create temp table many (a int, b text)").await?;
    let mut builder = QueryBuilder::new("insert into many (a, b) ");
    builder.push_values(0..5000, |mut row, n: i32| {
        row.push_bind(n).push_bind(n.to_string());
    });
    ensure!(builder.build().execute(&mut c).await?.rows_affected() == 5000);
    let numbers: Vec<i32> = (0..1000).collect();
    let found: i64 = sqlx::query_scalar("select count(*) from many where a = any($1)").bind(&numbers).fetch_one(&mut c).await?;
    ensure!(found == 1000);
    sqlx::query("insert into many select * from unnest($1::int4[], $2::text[])").bind(&numbers).bind(vec!["u"; 1000]).execute(&mut c).await?;
    ensure!(sqlx::query_scalar::<_, i64>("select count(*) from many").fetch_one(&mut c).await? == 6000);
    Ok(())
}

async fn rows_as_a_stream() -> Checked {
    let mut c = connect().await?;
    let mut rows = sqlx::query("select g, repeat('x', 100) from generate_series(1, 50000) g").fetch(&mut c);
    let mut sum = 0_i64;
    while let Some(row) = rows.try_next().await? {
        sum += i64::from(row.get::<i32, _>(0));
    }
    drop(rows);
    ensure!(sum == 50_000 * 50_001 / 2);
    // One left unread: the connection is tidied with the next statement.
    let _ = sqlx::query("select g from generate_series(1, 5000) g").fetch(&mut c).try_next().await?;
    ensure!(sqlx::query_scalar::<_, i32>("select 7").fetch_one(&mut c).await? == 7);
    Ok(())
}

async fn copy_both_ways() -> Checked {
    let pool = pool().await?;
    pool.execute("drop table if exists sqlx_c; create table sqlx_c (a int, b text)").await?;
    let mut sink = pool.copy_in_raw("copy sqlx_c from stdin (format csv)").await?;
    for n in 0..1000 {
        sink.send(format!("{n},x{n}\n").as_bytes()).await?;
    }
    ensure!(sink.finish().await? == 1000);
    let out: Vec<_> = pool.copy_out_raw("copy sqlx_c to stdout").await?.try_collect().await?;
    ensure!(out.concat().iter().filter(|byte| **byte == b'\n').count() == 1000);
    let sink = pool.copy_in_raw("copy sqlx_c from stdin").await?;
    sink.abort("changed my mind").await?;
    ensure!(sqlx::query_scalar::<_, i64>("select count(*) from sqlx_c").fetch_one(&pool).await? == 1000);
    Ok(())
}

async fn a_listener_hears() -> Checked {
    let pool = pool().await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen_all(["sqlx_news", "sqlx_other"]).await?;
    sqlx::query("select pg_notify($1, $2)").bind("sqlx_news").bind("hello").execute(&pool).await?;
    let heard = tokio::time::timeout(Duration::from_secs(10), listener.recv()).await??;
    ensure!(heard.channel() == "sqlx_news" && heard.payload() == "hello");
    Ok(())
}

async fn pools_notice_broken_connections() -> Checked {
    let pool = pool().await?;
    let victim: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&pool).await?;
    let mut c = connect().await?;
    let _: bool = sqlx::query_scalar("select pg_terminate_backend($1)").bind(victim).fetch_one(&mut c).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    ensure!(sqlx::query_scalar::<_, i32>("select 7").fetch_one(&pool).await? == 7);
    Ok(())
}

async fn a_changed_table_is_noticed() -> Checked {
    let mut c = connect().await?;
    c.execute("drop table if exists sqlx_x; create table sqlx_x (a int); insert into sqlx_x values (1)").await?;
    ensure!(sqlx::query("select * from sqlx_x").fetch_one(&mut c).await?.len() == 1);
    c.execute("alter table sqlx_x add column b text default 'x'").await?;
    // The kept statement says what PostgreSQL's says; a new one has both columns.
    let error = sqlx::query("select * from sqlx_x").fetch_one(&mut c).await.expect_err("the shape has changed");
    ensure!(error.as_database_error().is_some_and(|e| e.message() == "cached plan must not change result type"));
    c.clear_cached_statements().await?;
    ensure!(sqlx::query("select * from sqlx_x").fetch_one(&mut c).await?.len() == 2);
    Ok(())
}

async fn check(name: &str, done: impl Future<Output = Checked>) {
    match tokio::time::timeout(Duration::from_secs(60), done).await {
        Ok(Ok(())) => println!("ok {name}"),
        Ok(Err(error)) => println!("not ok {name}: {}", error.to_string().replace('\n', " ")),
        Err(_) => println!("not ok {name}: it hangs"),
    }
}

#[tokio::main]
async fn main() {
    println!("# sqlx");
    check("values_go_and_come", values_go_and_come()).await;
    check("types_of_users_go_and_come", types_of_users_go_and_come()).await;
    check("statements_are_described", statements_are_described()).await;
    check("transactions_and_savepoints", transactions_and_savepoints()).await;
    check("migrations_are_run_and_undone", migrations_are_run_and_undone()).await;
    check("many_rows_in_one_statement", many_rows_in_one_statement()).await;
    check("rows_as_a_stream", rows_as_a_stream()).await;
    check("copy_both_ways", copy_both_ways()).await;
    check("a_listener_hears", a_listener_hears()).await;
    check("pools_notice_broken_connections", pools_notice_broken_connections()).await;
    check("a_changed_table_is_noticed", a_changed_table_is_noticed()).await;
}
