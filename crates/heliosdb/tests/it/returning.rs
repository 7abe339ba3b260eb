//! What `RETURNING` and `ON CONFLICT` can name of the row that is written.

use heliosdb::{Database, SqlState};

#[test]
fn a_table_can_be_named_with_its_schema() {
    let mut c = Database::open_in_memory().unwrap().connect().unwrap();
    for sql in [
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (id int PRIMARY KEY, n int DEFAULT 0)",
    ] {
        c.execute(sql, ()).unwrap();
    }
    for sql in [
        "INSERT INTO s.t (id) VALUES (1) RETURNING s.t.id",
        "INSERT INTO s.t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = s.t.n + 1 WHERE s.t.id = excluded.id \
         RETURNING s.t.n",
        "UPDATE s.t SET n = s.t.n RETURNING s.t.id",
        "DELETE FROM s.t RETURNING s.t.id",
    ] {
        let got: i32 = c.query_row(sql, ()).unwrap().get(0).unwrap();
        assert_eq!(got, 1, "{sql}");
    }
    // Another name hides it.
    let hidden = c.query_row("INSERT INTO s.t AS x (id) VALUES (2) RETURNING s.t.id", ());
    let hidden = hidden.map(drop).unwrap_err();
    assert_eq!(hidden.sqlstate(), SqlState::UNDEFINED_TABLE);
}
