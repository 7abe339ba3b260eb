// lib/pq and pgx (through database/sql and by themselves): text, binary, COPY, batches, notifications, cancellation.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
	"github.com/lib/pq"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func same(got, want interface{}) {
	if !reflect.DeepEqual(got, want) {
		panic(fmt.Errorf("%v is not %v", got, want))
	}
}

// The environment says where: PGHOST and its like.
func pqOpen() *sql.DB {
	db, err := sql.Open("postgres", "sslmode=disable")
	must(err)
	return db
}

func pgxOpen() *pgx.Conn {
	c, err := pgx.Connect(context.Background(), "sslmode=disable")
	must(err)
	return c
}

func pqValues() {
	db := pqOpen()
	defer db.Close()
	var n int64
	var f float64
	var s string
	var b []byte
	var at time.Time
	var list []string
	var none sql.NullString
	sent := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
	must(db.QueryRow("select $1::int8, $2::float8, $3::text, $4::bytea, $5::timestamptz, $6::text[], null", int64(7), 0.5, "\u2603", []byte{0, 255}, sent, pq.Array([]string{"a", "b,\""})).
		Scan(&n, &f, &s, &b, &at, pq.Array(&list), &none))
	same([]interface{}{n, f, s, b, at.Equal(sent), list, none.Valid}, []interface{}{int64(7), 0.5, "\u2603", []byte{0, 255}, true, []string{"a", "b,\""}, false})
}

func pqCopy() {
	db := pqOpen()
	defer db.Close()
	_, err := db.Exec("drop table if exists go_c; create table go_c (a int, b text)")
	must(err)
	t, err := db.Begin()
	must(err)
	s, err := t.Prepare(pq.CopyIn("go_c", "a", "b"))
	must(err)
	for n := 0; n < 1000; n++ {
		_, err = s.Exec(n, fmt.Sprint("x", n))
		must(err)
	}
	_, err = s.Exec()
	must(err)
	must(s.Close())
	must(t.Commit())
	var count int
	must(db.QueryRow("select count(*) from go_c").Scan(&count))
	same(count, 1000)
}

func pqErrors() {
	db := pqOpen()
	defer db.Close()
	_, err := db.Exec("drop table if exists go_t; create table go_t (a int primary key); insert into go_t values (1)")
	must(err)
	_, err = db.Exec("insert into go_t values ($1)", 1)
	var told *pq.Error
	if !errors.As(err, &told) {
		panic(err)
	}
	same([]string{string(told.Code), told.Constraint, told.Table}, []string{"23505", "go_t_pkey", "go_t"})
}

func pqIsolation() {
	db := pqOpen()
	defer db.Close()
	t, err := db.BeginTx(context.Background(), &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true})
	must(err)
	var level, only string
	must(t.QueryRow("show transaction_isolation").Scan(&level))
	must(t.QueryRow("show transaction_read_only").Scan(&only))
	same([]string{level, only}, []string{"serializable", "on"})
	must(t.Rollback())
}

func pqCancel() {
	db := pqOpen()
	defer db.Close()
	limit, end := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer end()
	_, err := db.ExecContext(limit, "select pg_sleep(30)")
	if err == nil {
		panic("not cancelled")
	}
	// The driver gives the connection up; on the server nothing runs on.
	time.Sleep(200 * time.Millisecond)
	other := pqOpen()
	defer other.Close()
	var running int
	must(other.QueryRow("select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep(30)'").Scan(&running))
	same(running, 0)
}

func pqListener() {
	l := pq.NewListener("sslmode=disable", time.Second, time.Minute, nil)
	defer l.Close()
	must(l.Listen("go_news"))
	db := pqOpen()
	defer db.Close()
	_, err := db.Exec("notify go_news, 'hello'")
	must(err)
	select {
	case n := <-l.Notify:
		same(n.Extra, "hello")
	case <-time.After(10 * time.Second):
		panic("nothing heard")
	}
}

func pgxValues() {
	ctx := context.Background()
	c := pgxOpen()
	defer c.Close(ctx)
	var n int64
	var s string
	var list []int32
	var at time.Time
	var doc map[string]int
	sent := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
	must(c.QueryRow(ctx, "select $1::int8, $2::text, $3::int4[], $4::timestamptz, $5::jsonb", int64(7), "\u2603", []int32{1, 2}, sent, map[string]int{"a": 1}).Scan(&n, &s, &list, &at, &doc))
	same([]interface{}{n, s, list, at.Equal(sent), doc}, []interface{}{int64(7), "\u2603", []int32{1, 2}, true, map[string]int{"a": 1}})
}

func pgxBatches() {
	ctx := context.Background()
	c := pgxOpen()
	defer c.Close(ctx)
	batch := &pgx.Batch{}
	for n := 0; n < 100; n++ {
		batch.Queue("select $1::int4 * 2", n)
	}
	results := c.SendBatch(ctx, batch)
	for n := 0; n < 100; n++ {
		var got int
		must(results.QueryRow().Scan(&got))
		same(got, n*2)
	}
	must(results.Close())
}

func pgxCopy() {
	ctx := context.Background()
	c := pgxOpen()
	defer c.Close(ctx)
	_, err := c.Exec(ctx, "create temp table go_c (a int, b text)")
	must(err)
	rows := make([][]interface{}, 1000)
	for n := range rows {
		rows[n] = []interface{}{n, fmt.Sprint("x", n)}
	}
	count, err := c.CopyFrom(ctx, pgx.Identifier{"go_c"}, []string{"a", "b"}, pgx.CopyFromRows(rows))
	must(err)
	same(count, int64(1000))
	var out strings.Builder
	_, err = c.PgConn().CopyTo(ctx, &out, "copy go_c to stdout")
	must(err)
	same(strings.Count(out.String(), "\n"), 1000)
}

func pgxTransactions() {
	ctx := context.Background()
	c := pgxOpen()
	defer c.Close(ctx)
	_, err := c.Exec(ctx, "create temp table go_t (a int primary key)")
	must(err)
	must(c.BeginTxFunc(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, "insert into go_t values (1)"); err != nil {
			return err
		}
		err := t.BeginFunc(ctx, func(s pgx.Tx) error {
			_, err := s.Exec(ctx, "insert into go_t values (1)")
			return err
		})
		var told *pgconn.PgError
		if !errors.As(err, &told) || told.Code != "23505" || told.ConstraintName != "go_t_pkey" {
			panic(err)
		}
		return nil
	}))
	var count int
	must(c.QueryRow(ctx, "select count(*) from go_t").Scan(&count))
	same(count, 1)
}

func pgxPool() {
	ctx := context.Background()
	pool, err := pgxpool.Connect(ctx, "sslmode=disable pool_max_conns=3")
	must(err)
	defer pool.Close()
	done := make(chan int, 20)
	for n := 0; n < 20; n++ {
		go func(n int) {
			var got int
			if err := pool.QueryRow(ctx, "select $1::int4", n).Scan(&got); err != nil {
				got = -1000
			}
			done <- got
		}(n)
	}
	sum := 0
	for n := 0; n < 20; n++ {
		sum += <-done
	}
	same(sum, 190)
}

func pgxNotified() {
	ctx := context.Background()
	c, other := pgxOpen(), pgxOpen()
	defer c.Close(ctx)
	defer other.Close(ctx)
	_, err := c.Exec(ctx, "listen go_news")
	must(err)
	_, err = other.Exec(ctx, "select pg_notify($1, $2)", "go_news", "hello")
	must(err)
	limit, end := context.WithTimeout(ctx, 10*time.Second)
	defer end()
	n, err := c.WaitForNotification(limit)
	must(err)
	same(n.Payload, "hello")
}

func check(name string, run func()) {
	defer func() {
		if why := recover(); why != nil {
			fmt.Printf("not ok %s: %s\n", name, strings.Join(strings.Fields(fmt.Sprint(why)), " "))
		}
	}()
	run()
	fmt.Println("ok", name)
}

func main() {
	fmt.Println("# lib/pq and pgx 4")
	check("pq: values go and come", pqValues)
	check("pq: copies", pqCopy)
	check("pq: errors have their fields", pqErrors)
	check("pq: isolation levels", pqIsolation)
	check("pq: cancellation", pqCancel)
	check("pq: a listener hears", pqListener)
	check("pgx: values go and come", pgxValues)
	check("pgx: batches", pgxBatches)
	check("pgx: copies", pgxCopy)
	check("pgx: transactions and savepoints", pgxTransactions)
	check("pgx: pools", pgxPool)
	check("pgx: notifications", pgxNotified)
}
