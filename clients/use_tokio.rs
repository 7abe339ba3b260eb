//! tokio-postgres: prepared statements in binary, pipelines, COPY, portals, notifications, cancellation.

use std::collections::HashMap;
use std::future::Future;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, TryStreamExt, future, pin_mut};
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{AsyncMessage, Client, Config, IsolationLevel, NoTls, SimpleQueryMessage};

type Checked = Result<(), Box<dyn std::error::Error>>;

fn config() -> Config {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let mut config = Config::new();
    config.host(var("PGHOST")).port(var("PGPORT").parse().unwrap_or(5432)).user(var("PGUSER"));
    config.password(var("PGPASSWORD")).dbname(var("PGDATABASE")).application_name("tokio");
    config
}

async fn connect() -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config().connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            return Err(concat!("not so: ", stringify!($condition)).into());
        }
    };
}

async fn values_go_and_come() -> Checked {
    let c = connect().await?;
    macro_rules! round {
        ($($ty:literal: $kind:ty = $value:expr;)*) => {$(
            let sent: $kind = $value;
            let row = c.query_one(concat!("select $1::", $ty), &[&sent]).await?;
            let got: $kind = row.try_get(0)?;
            ensure!(got == sent);
            let row = c.query_one(concat!("select $1::", $ty), &[&None::<$kind>]).await?;
            ensure!(row.try_get::<_, Option<$kind>>(0)?.is_none());
        )*};
    }
    round! {
        "bool": bool = true; "int2": i16 = -7; "int4": i32 = i32::MIN; "int8": i64 = i64::MAX; "float4": f32 = 0.5; "float8": f64 = 1e300;
        "text": String = "\u{2603}".to_owned(); "varchar": String = "v".to_owned(); "bytea": Vec<u8> = vec![0, 1, 255]; "\"char\"": i8 = 65;
        "oid": u32 = 4_000_000_000; "int4[]": Vec<Option<i32>> = vec![Some(1), None]; "text[]": Vec<String> = vec!["a".into(), "b,\"".into()];
        "timestamptz": std::time::SystemTime = std::time::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
        "inet": std::net::IpAddr = "10.0.0.1".parse()?;
        "json": Json<HashMap<String, i32>> = Json(HashMap::from([("a".to_owned(), 1)]));
        "jsonb": Json<HashMap<String, i32>> = Json(HashMap::from([("a".to_owned(), 1)]));
    }
    Ok(())
}

async fn types_of_users_are_looked_up() -> Checked {
    let c = connect().await?;
    c.batch_execute(
        "drop table if exists tk_e; drop type if exists tk_mood, tk_pair; create type tk_mood as enum ('sad', 'ok'); create type tk_pair as (a int, b text);
         create table tk_e (m tk_mood, p tk_pair, all_of_them tk_mood[])",
    )
    .await?;
    let statement = c.prepare("insert into tk_e values ($1, row(1, 'x'), '{sad,ok}') returning m, p, all_of_them").await?;
    ensure!(statement.params()[0].name() == "tk_mood");
    let kinds: Vec<_> = statement.columns().iter().map(|column| column.type_().kind().clone()).collect();
    ensure!(format!("{:?}", kinds[0]).contains("sad"));
    ensure!(format!("{:?}", kinds[1]).contains("Composite"));
    ensure!(format!("{:?}", kinds[2]).contains("tk_mood"));
    Ok(())
}

async fn pipelines() -> Checked {
    let c = connect().await?;
    let all = (0..200_i64).map(|n| {
        let c = &c;
        async move { c.query_one("select $1::int8 * 2", &[&n]).await?.try_get::<_, i64>(0) }
    });
    let doubled = future::try_join_all(all).await?;
    ensure!(doubled == (0..200).map(|n| n * 2).collect::<Vec<i64>>());
    // An error in the middle is its own.
    let (one, two, three) = future::join3(c.query("select 1", &[]), c.query("select 1/0", &[]), c.query("select 3", &[])).await;
    ensure!(one.is_ok() && three.is_ok());
    ensure!(two.err().and_then(|e| e.code().map(|c| c.code().to_owned())).as_deref() == Some("22012"));
    Ok(())
}

async fn transactions_and_savepoints() -> Checked {
    let mut c = connect().await?;
    c.batch_execute("drop table if exists tk_t; create table tk_t (a int primary key, b text)").await?;
    let mut t = c.build_transaction().isolation_level(IsolationLevel::Serializable).start().await?;
    t.execute("insert into tk_t values ($1, $2)", &[&1, &"one"]).await?;
    let s = t.savepoint("s").await?;
    let error = s.execute("insert into tk_t values (1, 'again')", &[]).await.expect_err("a duplicate");
    let told = error.as_db_error().ok_or("no error of the database")?;
    ensure!(told.code().code() == "23505" && told.constraint() == Some("tk_t_pkey") && told.table() == Some("tk_t"));
    s.rollback().await?;
    t.commit().await?;
    {
        let t = c.transaction().await?;
        t.execute("delete from tk_t", &[]).await?;
        // Dropped: rolled back.
    }
    ensure!(c.query_one("select count(*) from tk_t", &[]).await?.get::<_, i64>(0) == 1);
    Ok(())
}

async fn portals() -> Checked {
    let mut c = connect().await?;
    let t = c.transaction().await?;
    let portal = t.bind("select g from generate_series(1, 10) g", &[]).await?;
    let mut seen = Vec::new();
    loop {
        let rows = t.query_portal(&portal, 3).await?;
        if rows.is_empty() {
            break;
        }
        seen.push(rows.len());
    }
    ensure!(seen == [3, 3, 3, 1]);
    Ok(())
}

async fn rows_as_a_stream() -> Checked {
    let c = connect().await?;
    let none: [i32; 0] = [];
    let rows = c.query_raw("select g, repeat('x', 100) from generate_series(1, 50000) g", none).await?;
    pin_mut!(rows);
    let mut sum = 0_i64;
    while let Some(row) = rows.try_next().await? {
        sum += i64::from(row.get::<_, i32>(0));
    }
    ensure!(sum == 50_000 * 50_001 / 2);
    Ok(())
}

async fn copy_both_ways() -> Checked {
    let c = connect().await?;
    c.batch_execute("drop table if exists tk_c; create table tk_c (a int, b text)").await?;
    let sink = c.copy_in("copy tk_c from stdin").await?;
    pin_mut!(sink);
    for n in 0..1000 {
        sink.send(Bytes::from(format!("{n}\tx{n}\n"))).await?;
    }
    ensure!(sink.finish().await? == 1000);
    let writer = tokio_postgres::binary_copy::BinaryCopyInWriter::new(c.copy_in("copy tk_c from stdin (format binary)").await?, &[Type::INT4, Type::TEXT]);
    pin_mut!(writer);
    writer.as_mut().write(&[&5000, &"binary"]).await?;
    ensure!(writer.finish().await? == 1);
    let out = c.copy_out("copy tk_c to stdout (format csv)").await?;
    let bytes: Vec<Bytes> = out.try_collect().await?;
    ensure!(bytes.concat().iter().filter(|byte| **byte == b'\n').count() == 1001);
    let out = c.copy_out("copy (select a, b from tk_c where a = 5000) to stdout (format binary)").await?;
    let rows: Vec<_> = tokio_postgres::binary_copy::BinaryCopyOutStream::new(out, &[Type::INT4, Type::TEXT]).try_collect().await?;
    ensure!(rows.len() == 1 && rows[0].get::<&str>(1) == "binary");
    Ok(())
}

async fn simple_queries() -> Checked {
    let c = connect().await?;
    let answers = c.simple_query("select 1 as a, null as b; set timezone = 'UTC'; select 2 as a where false").await?;
    let rows = answers.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count();
    let done = answers.iter().filter(|m| matches!(m, SimpleQueryMessage::CommandComplete(_))).count();
    ensure!(rows == 1 && done == 3);
    Ok(())
}

async fn notifications_and_notices() -> Checked {
    let (c, mut connection) = config().connect(NoTls).await?;
    let (send, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = messages.next().await {
            let _ = send.send(message);
        }
    });
    c.batch_execute("listen tk_news; drop table if exists tk_not_there").await?;
    connect().await?.batch_execute("notify tk_news, 'hello'").await?;
    let (mut notice, mut news) = (false, false);
    while !(notice && news) {
        match tokio::time::timeout(std::time::Duration::from_secs(10), heard.recv()).await? {
            Some(AsyncMessage::Notice(told)) => notice |= told.message().contains("tk_not_there"),
            Some(AsyncMessage::Notification(told)) => news |= told.payload() == "hello",
            _ => return Err("the connection ended".into()),
        }
    }
    Ok(())
}

async fn cancellation() -> Checked {
    let c = connect().await?;
    let token = c.cancel_token();
    let (done, _) = future::join(c.batch_execute("select pg_sleep(30)"), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        token.cancel_query(NoTls).await
    })
    .await;
    ensure!(done.err().and_then(|e| e.code().map(|c| c.code().to_owned())).as_deref() == Some("57014"));
    c.batch_execute("select 1").await?;
    Ok(())
}

async fn wrong_passwords_are_refused() -> Checked {
    let mut config = config();
    config.password("wrong");
    let error = config.connect(NoTls).await.err().ok_or("let in")?;
    ensure!(error.code().is_some_and(|code| code.code() == "28P01"));
    Ok(())
}

async fn check(name: &str, done: impl Future<Output = Checked>) {
    match tokio::time::timeout(std::time::Duration::from_secs(60), done).await {
        Ok(Ok(())) => println!("ok {name}"),
        Ok(Err(error)) => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            println!("not ok {name}: {error} {why}");
        }
        Err(_) => println!("not ok {name}: it hangs"),
    }
}

#[tokio::main]
async fn main() {
    println!("# tokio-postgres");
    check("values_go_and_come", values_go_and_come()).await;
    check("types_of_users_are_looked_up", types_of_users_are_looked_up()).await;
    check("pipelines", pipelines()).await;
    check("transactions_and_savepoints", transactions_and_savepoints()).await;
    check("portals", portals()).await;
    check("rows_as_a_stream", rows_as_a_stream()).await;
    check("copy_both_ways", copy_both_ways()).await;
    check("simple_queries", simple_queries()).await;
    check("notifications_and_notices", notifications_and_notices()).await;
    check("cancellation", cancellation()).await;
    check("wrong_passwords_are_refused", wrong_passwords_are_refused()).await;
}
