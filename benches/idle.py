#!/usr/bin/env python3
"""What an idle connection costs: opens IDLE (2000) connections to a server of its own while WORKERS (8) clients work, and prints the server's memory.

    benches/idle.py [PROGRAM]

Each idle connection has run QUERIES (3) statements before it goes silent, one of them in a transaction, as a pool's connections have. pgbench does the work where it
is installed (PGBIN), otherwise nobody does. Memory is what Linux counts as the process's own (RssAnon), before and after.
"""

import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/release/heliosdb")
IDLE = int(os.environ.get("IDLE", "2000"))
WORKERS = int(os.environ.get("WORKERS", "8"))
QUERIES = int(os.environ.get("QUERIES", "3"))
PGBIN = os.environ.get("PGBIN", "/usr/lib/postgresql/15/bin")
PORT = 20000 + os.getpid() % 12000


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def until_ready(connection, rest=b""):
    data = rest
    while True:
        while len(data) >= 5:
            length = struct.unpack("!I", data[1:5])[0] + 1
            if len(data) < length:
                break
            kind, data = data[:1], data[length:]
            if kind == b"E":
                raise SystemExit("the server refuses: %r" % data)
            if kind == b"Z":
                return
        more = connection.recv(65536)
        if not more:
            raise SystemExit("the server has closed a connection")
        data += more


def connect():
    connection = socket.create_connection(("127.0.0.1", PORT))
    body = struct.pack("!I", 3 << 16) + b"user\0helios\0database\0helios\0\0"
    connection.sendall(struct.pack("!I", len(body) + 4) + body)
    until_ready(connection)
    statements = [b"SELECT 1", b"BEGIN; SELECT count(*) FROM pg_class; COMMIT", b"SELECT current_user, now()"]
    for sql in statements[:QUERIES]:
        connection.sendall(message(b"Q", sql + b"\0"))
        until_ready(connection)
    return connection


def memory(process, what="RssAnon"):
    for line in open("/proc/%d/status" % process):
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * IDLE + 1000), hard))
    with tempfile.TemporaryDirectory(prefix="helios-idle") as scratch:
        server = subprocess.Popen(
            [PROGRAM, "serve", scratch + "/db", "--listen", "127.0.0.1:%d" % PORT, "--trust"] + os.environ.get("SERVE_OPTIONS", "").split(),
            stderr=open(scratch + "/log", "w"),
        )
        try:
            for _ in range(200):
                try:
                    first = connect()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            else:
                raise SystemExit(open(scratch + "/log").read())
            work = None
            pgbench = os.path.join(PGBIN, "pgbench")
            env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(PORT), PGUSER="helios", PGDATABASE="helios")
            if os.access(pgbench, os.X_OK):
                subprocess.run([pgbench, "-i", "-q", "-s", "2"], env=env, check=True, capture_output=True)
                measure = [pgbench, "-n", "-c", str(WORKERS), "-j", "2", "-T", "5", "-b", "simple-update"]
                alone = subprocess.run(measure, env=env, check=True, capture_output=True, text=True).stdout
            time.sleep(1)
            before = memory(server.pid)
            began = time.time()
            idle = [connect() for _ in range(IDLE)]
            took = time.time() - began
            time.sleep(1)
            after = memory(server.pid)
            print("%d idle connections opened in %.1f s: %.1f KiB each (%.1f MiB in all, %.1f MiB before)" % (
                IDLE, took, (after - before) / IDLE, after / 1024, before / 1024))
            if os.access(pgbench, os.X_OK):
                beside = subprocess.run(measure, env=env, check=True, capture_output=True, text=True).stdout
                tps = [line.split()[2] for text in (alone, beside) for line in text.splitlines() if line.startswith("tps")]
                print("%d clients at work: %s transactions per second alone, %s beside them" % (WORKERS, *tps))
            for connection in random.Random(1).sample(idle, min(20, IDLE)):
                connection.sendall(message(b"Q", b"SELECT 1\0"))
                until_ready(connection)
            print("the idle ones still answer")
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()


main()
