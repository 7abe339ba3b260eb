#!/usr/bin/env python3
"""pgbench against the server and, beside it, PostgreSQL: transactions per second, both durable.

    cargo build --release && python3 tests/clients/pgbench.py --postgres /usr/lib/postgresql/15/bin

Both serve a new database over a local socket, one after the other. As root PostgreSQL runs as `nobody`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = {"tpcb-like": "tpcb-like", "simple-update": "simple-update", "select-only": "select-only"}


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


class Helios:
    name = "heliosdb"

    def __init__(self, binary, folder):
        # The name by which libpq looks for a socket.
        socket = folder / ".s.PGSQL.5432"
        self.environment = {"PGHOST": str(folder), "PGPORT": "5432", "PGUSER": "helios", "PGDATABASE": "helios"}
        self.process = subprocess.Popen([binary, "serve", folder / "database", "--socket", socket, "--trust"],
                                        stderr=subprocess.DEVNULL)
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Postgres:
    name = "PostgreSQL"

    def __init__(self, binaries, folder):
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
            self.prefix = ["setpriv", "--reuid=nobody", "--clear-groups"]
        self.control = [*self.prefix, f"{binaries}/pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-w"]
        done = run([*self.prefix, f"{binaries}/initdb", "-D", str(folder / "data"), "-U", "helios", "-A", "trust"], cwd=folder)
        if done.returncode != 0:
            sys.exit(done.stderr)
        options = f"-k {folder} -c listen_addresses='' -c shared_buffers=512MB -c max_connections=200"
        done = run([*self.control, "-o", options, "start"], cwd=folder)
        if done.returncode != 0:
            sys.exit(done.stderr)
        self.folder = folder
        self.environment = {"PGHOST": str(folder), "PGPORT": "5432", "PGUSER": "helios", "PGDATABASE": "postgres"}

    def stop(self):
        run([*self.control, "-m", "fast", "stop"], cwd=self.folder)


def invariants(server):
    """Sums of pgbench's tables must agree with its history."""
    sql = ("select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)"
           " and (select sum(bbalance) from pgbench_branches) = (select sum(tbalance) from pgbench_tellers)")
    return run(["psql", "-XAtc", sql], env={**os.environ, **server.environment}).stdout.strip()


def measure(server, arguments):
    environment = {**os.environ, **server.environment}
    done = run(["pgbench", "-i", "-q", "-s", str(arguments.scale)], env=environment)
    if done.returncode != 0:
        sys.exit(f"{server.name}: {done.stderr}")
    results = {}
    for script in SCRIPTS:
        for protocol in arguments.protocols.split(","):
            for clients in arguments.clients.split(","):
                done = run(["pgbench", "-n", "-b", script, "-M", protocol, "-c", clients, "-j", str(min(int(clients), os.cpu_count() or 1)),
                            "-T", str(arguments.seconds)], env=environment)
                found = re.search(r"tps = ([0-9.]+)", done.stdout)
                failed = re.search(r"number of failed transactions: ([1-9][0-9]*)", done.stdout)
                results[script, protocol, clients] = float(found[1]) if found else None
                if not found or failed:
                    print(f"{server.name} {script} {protocol} {clients}: {(done.stderr or done.stdout)[-500:]}", file=sys.stderr)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / "target/release/heliosdb"), help="the program heliosdb")
    parser.add_argument("--postgres", help="the folder of PostgreSQL's programs; without it only heliosdb is measured")
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--protocols", default="simple,prepared")
    arguments = parser.parse_args()
    answers = {}
    for make, what in [(Helios, arguments.server), (Postgres, arguments.postgres)]:
        if not what:
            continue
        with tempfile.TemporaryDirectory(prefix="pgbench-") as folder:
            os.chmod(folder, 0o755)
            server = make(what, Path(folder))
            try:
                answers[server.name] = measure(server, arguments)
                if invariants(server) != "t":
                    print(f"{server.name}: balances and history disagree", file=sys.stderr)
            finally:
                server.stop()
    names = list(answers)
    print("| script | protocol | clients | " + " | ".join(names) + (" | ratio |" if len(names) == 2 else " |"))
    print("|---|---|---|" + "---|" * (len(names) + (len(names) == 2)))
    for key in answers[names[0]]:
        values = [answers[name][key] for name in names]
        cells = [f"{value:,.0f}" if value else "failed" for value in values]
        if len(values) == 2:
            cells.append(f"{values[0] / values[1]:.2f}" if all(values) else "")
        print("| " + " | ".join([*key, *cells]) + " |")


if __name__ == "__main__":
    main()
