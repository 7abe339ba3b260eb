#!/usr/bin/env bash
# kill -9 of the server under pgbench, again and again, on one database:
#   benches/pgbench_kill.sh [PROGRAM]
#
# ROUNDS (20; the soak takes 200), SCALE (2), CLIENTS (8) and SEED (1) change what runs; PGBIN names PostgreSQL's programs. Without pgbench it says so
# and is content.
#
# Each round runs pgbench's TPC-B-like transaction, kills the server somewhere between 0.2 and 2 seconds later (every fourth round once more while it
# recovers), opens it again and looks:
#   - the balances of accounts, tellers and branches and the deltas of the history have one sum;
#   - every client's transactions are there as 1, 2, 3 … without a hole: all that the server acknowledged, and at most the one more that each client waited for.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/release/heliosdb}")
rounds=${ROUNDS:-20} scale=${SCALE:-2} clients=${CLIENTS:-8}
RANDOM=${SEED:-1}
bin=${PGBIN:-$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)}
[ -x "$program" ] || { echo "there is no program \"$program\": cargo build --release -p helios-cli" >&2; exit 2; }
[ -x "$bin/pgbench" ] || { echo "skipped: there is no pgbench in \"$bin\"; PGBIN may name its directory"; exit 0; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pgbench-kill.XXXXXX")
port=$((20000 + $$ % 12000))
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=helios PGDATABASE=helios PGPASSWORD=bench
server=
finish() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    echo "round $round: $*" >&2
    tail -20 "$scratch/server.log" >&2
    trap - EXIT
    kill -9 "$server" 2>/dev/null || true
    echo "what there is stays in $scratch" >&2
    exit 1
}
launch() {
    HELIOS_PASSWORD=bench "$program" serve "$scratch/db" --listen "$PGHOST:$port" 2>>"$scratch/server.log" &
    server=$!
}
start() {
    launch
    for _ in $(seq 600); do
        "$bin/psql" -XqAtc 'select 1' >/dev/null 2>&1 && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    fail "the server does not start"
}
crash() {
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
}
pause() { # a random time of $1 to $2 milliseconds
    local ms=$(($1 + RANDOM % ($2 - $1)))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}
query() { "$bin/psql" -XqAtc "$1"; }

# pgbench's own transaction, which also says who wrote a line of the history and as the how-manieth: `n` keeps its value from one transaction of a client
# to the next.
cat >"$scratch/tpcb.sql" <<'SQL'
\set n :n + 1
\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime, round, client, n)
VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP, :round, :client_id, :n);
END;
SQL

round=0
start
"$bin/pgbench" -i -q -s "$scale" >"$scratch/init.log" 2>&1 || { cat "$scratch/init.log" >&2; fail "pgbench -i"; }
query 'ALTER TABLE pgbench_history ADD COLUMN round int, ADD COLUMN client int, ADD COLUMN n int' >/dev/null

acknowledged=0 more=0
modes=(simple extended prepared)
for round in $(seq "$rounds"); do
    mode=${modes[$((round % 3))]}
    mkdir "$scratch/run"
    (cd "$scratch/run" && exec "$bin/pgbench" -n -l --log-prefix=done -M "$mode" -s "$scale" -f "$scratch/tpcb.sql" -D n=0 -D "round=$round" \
        -c "$clients" -j 2 -T 60 >"$scratch/bench.log" 2>&1) &
    bench=$!
    pause 200 2000
    crash
    wait "$bench" || true
    if [ $((round % 4)) = 0 ]; then
        launch
        pause 1 300
        crash
    fi
    start
    # One line for each transaction that a client saw commit: the client's number first.
    said=$(cat "$scratch"/run/done* 2>/dev/null | awk '{ n[$1]++ } END { for (c in n) printf "%s(%d,%d)", (i++ ? "," : ""), c, n[c] }')
    rm -rf "$scratch/run"
    read -r count extra bad < <(query "
        WITH said(client, n) AS (SELECT * FROM (VALUES ${said:-(-1, 0)}) v WHERE column1 >= 0),
             kept AS (SELECT client, count(*) AS n, count(DISTINCT n) AS different, min(n) AS first, max(n) AS last FROM pgbench_history WHERE round = $round GROUP BY client)
        SELECT coalesce(sum(said.n), 0), coalesce(sum(coalesce(kept.n, 0) - coalesce(said.n, 0)), 0),
               count(*) FILTER (WHERE kept.n <> different OR first <> 1 OR last <> kept.n
                                OR coalesce(kept.n, 0) - coalesce(said.n, 0) NOT IN (0, 1))
        FROM said FULL JOIN kept USING (client)" | tr '|' ' ') || fail "the history cannot be read"
    [ "$bad" = 0 ] || fail "$bad clients lost a transaction or have one too many: $said"
    sums=$(query "SELECT count(DISTINCT s) FROM (
        SELECT sum(abalance) AS s FROM pgbench_accounts UNION ALL SELECT sum(tbalance) FROM pgbench_tellers
        UNION ALL SELECT sum(bbalance) FROM pgbench_branches UNION ALL SELECT coalesce(sum(delta), 0) FROM pgbench_history) t") || fail "the sums cannot be read"
    [ "$sums" = 1 ] || fail "the sums of balances and of the history differ"
    acknowledged=$((acknowledged + count)) more=$((more + extra))
done
kill -INT "$server"
wait "$server" || fail "the server does not stop in peace"
server=
"$program" check "$scratch/db" >"$scratch/check.log" 2>&1 || { cat "$scratch/check.log" >&2; fail "heliosdb check"; }
echo "$rounds kills, $clients clients: $acknowledged acknowledged transactions, all there, and $more whose answer was lost with the server; sums agree"
