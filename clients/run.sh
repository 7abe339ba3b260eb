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
run_pg_dump() { lacks pg_dump || PROGRAM=$program SCRATCH=$scratch bash "$here/pg_dump.sh"; }
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
npm_has() {
    local name missing=()
    for name in "$@"; do [ -d "$tools/node_modules/$name" ] || missing+=("$name"); done
    [ ${#missing[@]} = 0 ] || npm install --silent --no-fund --no-audit --prefix "$tools" "${missing[@]}" >&2
}
run_drizzle() {
    lacks npm || { npm_has pg drizzle-orm drizzle-kit && TOOLS=$tools NODE_PATH=$tools/node_modules node "$here/use_drizzle.js"; }
}
run_prisma() {
    lacks npm || { npm_has pg prisma @prisma/client @prisma/adapter-pg && TOOLS=$tools NODE_PATH=$tools/node_modules node "$here/use_prisma.js"; }
}
run_jdbc() {
    lacks javac || {
        jar=
        # Debian's libpostgresql-jdbc-java puts it there.
        for found in "$tools"/postgresql-*.jar /usr/share/java/postgresql.jar; do
            [ -e "$found" ] && jar=$found && break
        done
        if [ -z "$jar" ]; then
            lacks mvn && return
            mvn --quiet --batch-mode dependency:copy -Dartifact=org.postgresql:postgresql:42.7.4 -DoutputDirectory="$tools" >&2 || return 1
            jar=$(ls "$tools"/postgresql-*.jar | head -1)
        fi
        javac -cp "$jar" -d "$scratch" "$here/UseJdbc.java" && java -cp "$scratch:$jar" UseJdbc
    }
}

# A crate of its own, whose dependencies standard input says. Whoever builds with a queue names it in CARGO.
rust() {
    local crate=$tools/$1
    mkdir -p "$crate/src" && cp "$here/use_$1.rs" "$crate/src/main.rs" || return 1
    {
        printf '[package]\nname = "use-%s"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n' "$1"
        cat
    } >"$crate/Cargo.toml"
    (cd "$crate" && CARGO_TARGET_DIR="$crate/target" "${CARGO:-cargo}" build --quiet >&2) && "$crate/target/debug/use-$1"
}
run_tokio() {
    lacks cargo || rust tokio <<'TOML'
bytes = "1"
futures-util = { version = "0.3", features = ["sink"] }
serde_json = "1"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "sync", "time"] }
tokio-postgres = { version = "0.7", features = ["with-serde_json-1"] }
TOML
}
run_sqlx() {
    lacks cargo || rust sqlx <<'TOML'
futures-util = "0.3"
sqlx = { version = "0.8", default-features = false, features = ["bigdecimal", "chrono", "derive", "json", "migrate", "postgres", "runtime-tokio", "uuid"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }
TOML
}
# lib/pq and pgx as Debian packages them (golang-github-lib-pq-dev, golang-github-jackc-pgx-v4-dev), or from a GOPATH of yours.
run_go() {
    lacks go || {
        local path=${GOPATH:-/usr/share/gocode}
        [ -d "$path/src/github.com/jackc/pgx/v4" ] && [ -d "$path/src/github.com/lib/pq" ] || { echo "skipped: there is no pgx 4 or lib/pq in $path"; return; }
        mkdir -p "$tools/go" && cp "$here/use_go.go" "$tools/go/main.go" || return 1
        (cd "$tools/go" && GOPATH=$path GO111MODULE=off GOCACHE=$tools/go/cache go build -buildvcs=false -o use-go main.go >&2) && "$tools/go/use-go"
    }
}

all=(psql pg_dump psycopg asyncpg pg8000 sqlalchemy django node drizzle prisma jdbc go tokio sqlx)
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
