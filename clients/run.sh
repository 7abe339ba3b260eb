#!/usr/bin/env bash
# Runs real clients against a server of its own: clients/run.sh [PROGRAM] [CLIENT…]
#
# PROGRAM is the `heliosdb` to test (target/release/heliosdb, else target/debug/heliosdb). Clients come from their ordinary package
# managers into a scratch directory ($HELIOS_CLIENTS keeps it between runs). Whoever lacks a toolchain is skipped, and says so.
# Each client is a program that prints "ok NAME" or "not ok NAME: why" for each check.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
program=${1:-}
[ $# -gt 0 ] && shift
if [ -z "$program" ]; then
    for program in "$root"/target/{release,debug}/heliosdb; do [ -x "$program" ] && break; done
fi
[ -x "$program" ] || { echo "there is no program \"$program\": build it with cargo build" >&2; exit 2; }

scratch=$(mktemp -d)
tools=${HELIOS_CLIENTS:-$scratch/tools}
mkdir -p "$tools"
port=$((20000 + RANDOM % 20000))
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=helios PGDATABASE=helios PGPASSWORD=correct-horse PGAPPNAME=clients
HELIOS_PASSWORD=$PGPASSWORD "$program" serve "$scratch/db" --listen "$PGHOST:$port" 2>"$scratch/server.log" &
server=$!
end() {
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    rm -rf "$scratch"
}
trap end EXIT
for _ in $(seq 100); do
    grep -q '^listening' "$scratch/server.log" && break
    sleep 0.1
done

python() {
    if [ ! -x "$tools/venv/bin/python" ]; then
        python3 -m venv "$tools/venv" || return 1
    fi
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 || return 1
}
lacks() { ! command -v "$1" >/dev/null && echo "skipped: there is no $1"; }

run_psql() { lacks psql || bash "$here/psql.sh"; }
run_psycopg() { lacks python3 || { python 'psycopg[binary]' && "$tools/venv/bin/python" "$here/use_psycopg.py"; }; }
run_asyncpg() { lacks python3 || { python asyncpg && "$tools/venv/bin/python" "$here/use_asyncpg.py"; }; }
run_pg8000() { lacks python3 || { python pg8000 && "$tools/venv/bin/python" "$here/use_pg8000.py"; }; }
run_sqlalchemy() { lacks python3 || { python sqlalchemy 'psycopg[binary]' && "$tools/venv/bin/python" "$here/use_sqlalchemy.py"; }; }
run_django() { lacks python3 || { python django 'psycopg[binary]' && "$tools/venv/bin/python" "$here/use_django.py"; }; }
run_node() {
    lacks npm || {
        [ -d "$tools/node_modules/pg" ] || npm install --silent --no-fund --no-audit --prefix "$tools" pg pg-cursor >&2 || return 1
        NODE_PATH="$tools/node_modules" node "$here/use_node.js"
    }
}
run_jdbc() {
    lacks javac || lacks mvn || {
        jar=$(ls "$tools"/postgresql-*.jar 2>/dev/null | head -1)
        if [ -z "$jar" ]; then
            mvn --quiet --batch-mode dependency:copy -Dartifact=org.postgresql:postgresql:42.7.4 -DoutputDirectory="$tools" >&2 || return 1
            jar=$(ls "$tools"/postgresql-*.jar | head -1)
        fi
        javac -cp "$jar" -d "$scratch" "$here/UseJdbc.java" && java -cp "$scratch:$jar" UseJdbc
    }
}

run_tokio() {
    lacks cargo || {
        mkdir -p "$tools/tokio/src" && cp "$here/use_tokio.rs" "$tools/tokio/src/main.rs" || return 1
        cat >"$tools/tokio/Cargo.toml" <<'TOML'
[package]
name = "use-tokio"
version = "0.0.0"
edition = "2021"
[workspace]
[dependencies]
bytes = "1"
futures-util = { version = "0.3", features = ["sink"] }
serde_json = "1"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "sync", "time"] }
tokio-postgres = { version = "0.7", features = ["with-serde_json-1"] }
TOML
        # Whoever builds with a queue names it in CARGO.
        (cd "$tools/tokio" && CARGO_TARGET_DIR="$tools/tokio/target" "${CARGO:-cargo}" build --quiet >&2) && "$tools/tokio/target/debug/use-tokio"
    }
}

all=(psql psycopg asyncpg pg8000 sqlalchemy django node jdbc tokio)
failed=0
for client in "${@:-${all[@]}}"; do
    out=$scratch/$client.out
    # Nobody waits for one that hangs.
    (run_"$client") >"$out" 2>"$scratch/$client.err" &
    child=$!
    (sleep 900; kill "$child") >/dev/null 2>&1 & watch=$!
    wait "$child"
    status=$?
    kill "$watch" 2>/dev/null
    if grep -q '^skipped' "$out"; then
        printf '%-12s %s\n' "$client" "$(grep '^skipped' "$out")"
        continue
    fi
    good=$(grep -c '^ok ' "$out")
    bad=$(grep -c '^not ok ' "$out")
    printf '%-12s %3d ok, %d not ok   %s\n' "$client" "$good" "$bad" "$(grep '^# ' "$out" | head -1)"
    grep '^not ok ' "$out"
    if [ "$status" != 0 ] && [ "$bad" = 0 ] || [ "$good" = 0 ]; then
        echo "  ended with status $status:"
        tail -8 "$scratch/$client.err" | sed 's/^/  /'
        failed=1
    fi
    [ "$bad" = 0 ] || failed=1
done
exit $failed
