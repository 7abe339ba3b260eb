//! Clients that write text in other encodings than UTF-8.

use crate::client::{Client, Message, TestServer};
use crate::kinds;

/// Runs a statement of any bytes that must succeed; gives the bytes of the first value of its first row.
fn value(client: &mut Client, sql: &[u8]) -> Vec<u8> {
    let answers = run(client, sql);
    let row = answers.iter().find(|message| message.kind == b'D');
    let row = row.unwrap_or_else(|| panic!("{answers:?}"));
    let length = i32::from_be_bytes(row.body[2..6].try_into().expect("four bytes"));
    row.body[6..6 + length as usize].to_vec()
}

fn run(client: &mut Client, sql: &[u8]) -> Vec<Message> {
    client.send(b'Q', &[sql, b"\0"].concat());
    client.answers()
}

/// What the client was told of `client_encoding`.
fn told(answers: &[Message]) -> Option<String> {
    let told = answers.iter().filter(|message| message.kind == b'S');
    let mut value = told.filter_map(|message| message.body.strip_prefix(b"client_encoding\0"));
    let value = value.next_back()?.strip_suffix(b"\0")?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn error(answers: &[Message]) -> (String, Vec<u8>) {
    let error = answers.iter().find(|message| message.kind == b'E');
    let error = error.unwrap_or_else(|| panic!("{answers:?}"));
    let message = error.body.split(|byte| *byte == 0);
    let message = message
        .into_iter()
        .find_map(|field| field.strip_prefix(b"M"));
    let code = error.field(b'C').expect("a state");
    (code, message.expect("a message").to_vec())
}

#[test]
fn texts_are_converted_both_ways() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (name, shown, bytes, utf8) in [
        ("latin1", "LATIN1", &b"\xe4\xa4"[..], "ä¤"),
        ("ISO-8859-15", "LATIN9", b"\xe4\xa4", "ä€"),
        ("windows-1252", "WIN1252", b"\xe4\x80", "ä€"),
        ("SQL_ASCII", "SQL_ASCII", "ä€".as_bytes(), "ä€"),
        ("Unicode", "UTF8", "ä€".as_bytes(), "ä€"),
    ] {
        let answers = run(
            &mut client,
            format!("set client_encoding to '{name}'").as_bytes(),
        );
        assert_eq!(told(&answers).as_deref(), Some(shown));
        let shows = value(
            &mut client,
            b"select pg_client_encoding() || current_setting('client_encoding')",
        );
        assert_eq!(shows, [shown, shown].concat().as_bytes());
        // A query, what it stands for, and its answer.
        let select = |what: &[u8]| [b"select ", what].concat();
        let quoted = [b"'", bytes, b"'"].concat();
        let number = value(
            &mut client,
            &select(&[b"encode(convert_to(", &quoted[..], b", 'utf8'), 'hex')"].concat()),
        );
        let hex: String = utf8.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(number, hex.as_bytes(), "{name}");
        assert_eq!(value(&mut client, &select(&quoted)), bytes, "{name}");
        // Names and errors.
        let answers = run(&mut client, &select(&[b"1 as \"", bytes, b"\""].concat()));
        assert_eq!(answers[0].body[2..2 + bytes.len()], *bytes);
        let (code, message) = error(&run(
            &mut client,
            &select(&[b"* from \"", bytes, b"\""].concat()),
        ));
        assert_eq!(code, "42P01");
        assert_eq!(
            message,
            [b"relation \"", bytes, b"\" does not exist"].concat()
        );
        // Parameters and results, in text and in binary.
        for format in [0u8, 1] {
            for (sql, length) in [
                (&b"select $1::text"[..], 0),
                (b"select array[$1::text]", 24),
            ] {
                client.send(b'P', &[b"\0", sql, b"\0\0\0"].concat());
                let size = (bytes.len() as u32).to_be_bytes();
                let parameter = [
                    &[0, 0, 0, 1, 0, format, 0, 1],
                    &size[..],
                    bytes,
                    &[0, 1, 0, format],
                ];
                client.send(b'B', &parameter.concat());
                client.execute("", 0);
                client.sync();
                let answers = client.answers();
                assert_eq!(kinds(&answers), "12DCZ", "{name}");
                if format == 1 || length == 0 {
                    assert_eq!(answers[2].body[6 + length..], *bytes, "{name}");
                }
            }
        }
        // COPY has the client's encoding unless it names another.
        run(&mut client, b"create temp table t(v text)");
        for (options, sent) in [("", bytes), ("with (encoding 'utf8')", utf8.as_bytes())] {
            run(&mut client, b"truncate t");
            client.send(b'Q', format!("copy t from stdin {options}\0").as_bytes());
            assert_eq!(client.read().kind, b'G');
            client.send(b'd', &[sent, b"\n"].concat());
            client.send(b'c', b"");
            assert_eq!(kinds(&client.answers()), "CZ", "{name}");
            assert_eq!(value(&mut client, b"table t"), bytes, "{name}");
            let answers = run(
                &mut client,
                format!("copy t to stdout {options}").as_bytes(),
            );
            assert_eq!(answers[1].body, [sent, b"\n"].concat(), "{name}");
        }
        let answers = run(&mut client, b"copy t to stdout (format binary)");
        let data = answers.iter().filter(|message| message.kind == b'd');
        let data: Vec<u8> = data.flat_map(|message| message.body.clone()).collect();
        // After the header, the number of fields and the length.
        assert_eq!(data[25..25 + bytes.len()], *bytes, "{name}");
        run(&mut client, b"truncate t");
        client.send(b'Q', b"copy t from stdin (format binary)\0");
        assert_eq!(client.read().kind, b'G');
        client.send(b'd', &data);
        client.send(b'c', b"");
        assert_eq!(kinds(&client.answers()), "CZ", "{name}");
        assert_eq!(value(&mut client, b"table t"), bytes, "{name}");
        run(&mut client, b"drop table t");
    }
}

#[test]
fn characters_without_an_equivalent_are_errors() {
    let server = TestServer::start();
    let mut client = server.connect();
    run(&mut client, b"set client_encoding to latin1");
    let sql = b"select chr(8364)";
    let words = b"character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"";
    assert_eq!(
        error(&run(&mut client, sql)),
        ("22P05".to_owned(), words.to_vec())
    );
    run(&mut client, b"set client_encoding to win1252");
    let words = b"character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\"";
    assert_eq!(
        error(&run(&mut client, b"select '\x81'")),
        ("22P05".to_owned(), words.to_vec())
    );
    client.send(b'P', b"\0select '\x81'\0\0\0");
    client.sync();
    assert_eq!(error(&client.answers()).0, "22P05");
    // Bytes that are no UTF-8 do not come in as they are either.
    run(&mut client, b"set client_encoding to sql_ascii");
    assert_eq!(error(&run(&mut client, b"select '\xe4'")).0, "22021");
}

#[test]
fn the_encoding_follows_the_session() {
    let server = TestServer::start();
    let opened = server.try_connect("user\0helios\0client_encoding\0'latin-9'\0\0");
    let mut client = opened.expect("connected");
    assert_eq!(value(&mut client, b"show client_encoding"), b"LATIN9");
    assert_eq!(value(&mut client, b"select '\xa4'"), b"\xa4");
    // From the next statement on, also of one script, until it is undone.
    let answers = run(
        &mut client,
        b"begin; set local client_encoding to utf8; select chr(228)",
    );
    assert_eq!(answers[3].body[6..], *"ä".as_bytes(), "{answers:?}");
    assert_eq!(told(&answers).as_deref(), Some("UTF8"));
    assert_eq!(
        told(&run(&mut client, b"commit")).as_deref(),
        Some("LATIN9")
    );
    run(&mut client, b"begin; set client_encoding to utf8");
    assert_eq!(
        told(&run(&mut client, b"rollback")).as_deref(),
        Some("LATIN9")
    );
    assert_eq!(value(&mut client, b"select chr(228)"), b"\xe4");
    assert_eq!(
        told(&run(&mut client, b"set names 'utf8'")).as_deref(),
        Some("UTF8")
    );
    assert_eq!(
        told(&run(&mut client, b"reset client_encoding")).as_deref(),
        Some("LATIN9")
    );
    for (name, code) in [("euc_jp", "0A000"), ("klingon", "22023"), ("", "22023")] {
        let sql = format!("set client_encoding to '{name}'");
        assert_eq!(error(&run(&mut client, sql.as_bytes())).0, code, "{name}");
        let parameters = format!("user\0helios\0client_encoding\0{name}\0\0");
        let refused = server.try_connect(&parameters).expect_err("refused");
        assert_eq!(refused.field(b'C').as_deref(), Some(code), "{name}");
    }
    let mut other = server.connect();
    let listen = run(&mut other, b"listen \"\xc3\xa4\"");
    assert_eq!(kinds(&listen), "CZ");
    run(&mut client, b"notify \"\xe4\", '\xa4'");
    let answers = run(&mut other, b"select 1");
    let message = answers.iter().find(|message| message.kind == b'A');
    let message = message.expect("a message");
    assert_eq!(message.body[4..], *"ä\0€\0".as_bytes());
}
