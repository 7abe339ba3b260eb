#!/usr/bin/env bash
# pgbench against HeliosDB and PostgreSQL beside each other on this machine, both durable:
#   benches/pgbench.sh [PROGRAM]
#
# PROGRAM is a release build of `heliosdb`. SECONDS_EACH (10), SCALE (10), CLIENTS ("1 8 32") and MODES ("prepared simple") change what runs; PGBIN names
# PostgreSQL's programs. Prints transactions per second and HeliosDB's share of PostgreSQL's. Each is measured while the other one
# is stopped.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/target/release/heliosdb}
seconds=${SECONDS_EACH:-10} scale=${SCALE:-10} clients=${CLIENTS:-1 8 32} modes=${MODES:-prepared simple}
bin=${PGBIN:-$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -1)}
[ -x "$program" ] || { echo "there is no program \"$program\": cargo build --release -p helios-cli" >&2; exit 2; }
[ -x "$bin/pgbench" ] || { echo "there is no pgbench in \"$bin\": set PGBIN" >&2; exit 2; }

scratch=$(mktemp -d)
chmod 755 "$scratch"
port=$((20000 + RANDOM % 12000))
export PGHOST=127.0.0.1 PGPORT=$port PGPASSWORD=bench
owner=()
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL does not run as root.
    owner=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
running=
stop() {
    if [ -n "$running" ]; then
        kill -INT "$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
        running=
    fi
}
trap 'stop; rm -rf "$scratch"' EXIT

start() {
    if [ "$1" = helios ]; then
        export PGUSER=helios PGDATABASE=helios
        HELIOS_PASSWORD=bench "$program" serve "$scratch/helios" --listen "$PGHOST:$port" 2>"$scratch/helios.log" &
    else
        export PGUSER=bench PGDATABASE=postgres
        if [ ! -d "$scratch/postgres" ]; then
            mkdir "$scratch/postgres" && chown 65534:65534 "$scratch/postgres" 2>/dev/null || true
            "${owner[@]}" "$bin/initdb" -D "$scratch/postgres" -U bench -A trust --no-sync >"$scratch/initdb.log"
        fi
        "${owner[@]}" "$bin/postgres" -D "$scratch/postgres" -p "$port" -c listen_addresses="$PGHOST" -c unix_socket_directories= \
            -c shared_buffers=512MB -c fsync=on -c synchronous_commit=on >"$scratch/postgres.log" 2>&1 &
    fi
    running=$!
    for _ in $(seq 300); do
        "$bin/psql" -XqAtc 'select 1' >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "$1 does not start" >&2
    cat "$scratch/$1.log" >&2
    exit 1
}

declare -A tps
measure() {
    start "$1"
    "$bin/pgbench" -i -q -s "$scale" >"$scratch/init.log" 2>&1 || { cat "$scratch/init.log" >&2; exit 1; }
    for mode in $modes; do
        for script in select-only simple-update tpcb-like; do
            for count in $clients; do
                out=$("$bin/pgbench" -n -M "$mode" -b "$script" -c "$count" -j "$((count < 4 ? count : 4))" -T "$seconds" 2>"$scratch/err.log") || {
                    cat "$scratch/err.log" >&2
                    out="tps = 0 (failed)"
                }
                tps[$1 $mode $script $count]=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$out")
            done
        done
    done
    # simple-update changes accounts only: what both scripts wrote is in the history.
    sums=$("$bin/psql" -XqAtc "select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)")
    [ "$sums" = t ] || { echo "$1: accounts and history disagree" >&2; exit 1; }
    stop
}
measure postgres
measure helios

printf '%-10s %-14s %8s %12s %12s %8s\n' mode script clients PostgreSQL HeliosDB ratio
for mode in $modes; do
    for script in select-only simple-update tpcb-like; do
        for count in $clients; do
            p=${tps[postgres $mode $script $count]:-0} h=${tps[helios $mode $script $count]:-0}
            printf '%-10s %-14s %8s %12.0f %12.0f %8s\n' "$mode" "$script" "$count" "$p" "$h" "$(awk -v p="$p" -v h="$h" 'BEGIN { if (p > 0) printf "%.2f", h / p; else print "-" }')"
        done
    done
done
