#!/usr/bin/env python3
"""Runs real clients against the server; see README.md."""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# name: (packages for pip, or None), command; {python} has the packages.
CLIENTS = {
    "psql": (None, ["{python}", "psql.py"]),
    "psycopg": (["psycopg[binary]"], ["{python}", "psycopg_.py"]),
    "asyncpg": (["asyncpg"], ["{python}", "asyncpg_.py"]),
    "pg8000": (["pg8000"], ["{python}", "pg8000_.py"]),
    "sqlalchemy": (["sqlalchemy", "psycopg[binary]"], ["{python}", "sqlalchemy_.py"]),
    "django": (["django", "psycopg[binary]"], ["{python}", "django_.py"]),
    "node": (None, ["node", "node.mjs"]),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(binary, folder):
    port = free_port()
    environment = {**os.environ, "HELIOS_PASSWORD": "password"}
    log = open(folder / "server.log", "w")
    process = subprocess.Popen(
        [binary, "serve", folder / "database", "--listen", f"127.0.0.1:{port}"],
        env=environment, stdout=log, stderr=log,
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            if process.poll() is not None:
                sys.exit((folder / "server.log").read_text())
            time.sleep(0.1)
    return process, {
        "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "helios",
        "PGPASSWORD": "password", "PGDATABASE": "helios",
    }


def of_url(url):
    parts = urllib.parse.urlsplit(url)
    return {
        "PGHOST": parts.hostname or "127.0.0.1", "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username or "", "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }


def prepare(name, packages, folder):
    """The Python to run with, or why the client is absent."""
    if name == "psql":
        return (sys.executable, None) if shutil.which("psql") else (None, "no psql here")
    if name == "node":
        if not (shutil.which("node") and shutil.which("npm")):
            return None, "no node and npm here"
        for file in ("node.mjs",):
            shutil.copy(HERE / file, folder)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "pg"],
                              cwd=folder, capture_output=True, text=True)
        return (sys.executable, None) if done.returncode == 0 else (None, "npm could not install pg")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return None, "pip could not install " + " ".join(packages)
    return str(python), None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--server", help="the program heliosdb (default: the newest in target)")
    parser.add_argument("--url", help="a server that runs already")
    arguments = parser.parse_args()
    unknown = set(arguments.clients) - set(CLIENTS)
    if unknown:
        parser.error(f"unknown clients: {', '.join(sorted(unknown))}")
    folder = Path(tempfile.mkdtemp(prefix="heliosdb-clients-"))
    server = None
    if arguments.url:
        environment = of_url(arguments.url)
    else:
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        built = [target / kind / "heliosdb" for kind in ("release", "debug")]
        built = sorted((p for p in built if p.exists()), key=lambda p: p.stat().st_mtime)
        binary = arguments.server or (built and str(built[-1]))
        if not binary:
            sys.exit("build the server first: cargo build")
        server, environment = start_server(binary, folder)
    failures, reports = [], []
    try:
        for name in arguments.clients or CLIENTS:
            packages, command = CLIENTS[name]
            own = folder / name
            own.mkdir()
            python, absent = prepare(name, packages, own)
            if absent:
                reports.append(f"{name:12} absent: {absent}")
                continue
            command = [part.format(python=python) for part in command]
            cwd = own if name == "node" else HERE
            done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment},
                                  capture_output=True, text=True, timeout=600)
            passed = re.findall(r"^ok (.*)$", done.stdout, re.M)
            failed = re.findall(r"^FAIL (.*)$", done.stdout, re.M)
            if done.returncode != 0 and not failed:
                failed = ["did not run: " + " ".join(done.stderr.split())[-300:]]
            reports.append(f"{name:12} {len(passed)} / {len(passed) + len(failed)}")
            failures += [f"{name}: {line}" for line in failed]
    finally:
        if server:
            server.terminate()
            server.wait(timeout=30)
    print("\n".join(reports))
    if failures:
        print("\nfailures:\n" + "\n".join(failures))
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
