# What `heliosdb bench branches` does, done by DoltLite. Prints a name and a figure a line: times in
# milliseconds or microseconds, as the command names them.
#
# python doltlite.py FILE ROWS

import os
import statistics
import sys
import time

import doltlite
import sqlite3

path, rows = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path, isolation_level=None)


def run(sql, *parameters):
    return db.execute(sql, parameters).fetchall()


def one(sql):
    return run(sql)[0][0]


def person(n):
    return "customer number %06d" % (n % 1_000_000)


def note(n):
    return "ordered %d articles, the last on day %4d of life" % (n % 17, n % 9_973)


def clocks():
    return time.perf_counter(), time.process_time()


def say(name, figure):
    print(name, figure, flush=True)


print("version", doltlite.__version__)
run(
    "CREATE TABLE bench (id integer PRIMARY KEY, grp integer NOT NULL, amount integer NOT NULL, "
    "name text NOT NULL, note text)"
)
run("BEGIN")
db.executemany(
    "INSERT INTO bench VALUES (?, ?, ?, ?, ?)",
    ((n, n // 10, n % 1000, person(n), note(n)) for n in range(rows)),
)
run("COMMIT")
run("SELECT dolt_commit('-A', '-m', 'loaded')")

times = []
for n in range(200):
    start = time.perf_counter()
    run("SELECT dolt_branch('b%d')" % n)
    times.append((time.perf_counter() - start) * 1e6)
say("fork", statistics.median(times))
for n in range(200):
    run("SELECT dolt_branch('-D', 'b%d')" % n)

run("SELECT dolt_branch('one')")
run("SELECT dolt_checkout('one')")
run("UPDATE bench SET amount = amount + 1 WHERE id = ?", rows // 2)
run("SELECT dolt_commit('-a', '-m', 'one')")
run("SELECT dolt_checkout('main')")
start = time.perf_counter()
for _ in range(200):
    found = run("SELECT to_id, diff_type FROM dolt_diff_bench('main', 'one')")
    assert len(found) == 1
say("diff-one", (time.perf_counter() - start) / 200 * 1e6)

# Point reads on main and, without leaving main, on a branch.
keys = [n * 7919 % rows for n in range(2000)]
for name, sql in [
    ("point-main", "SELECT amount, name FROM bench WHERE id = ?"),
    ("point-branch", "SELECT amount, name FROM dolt_at_bench('one') WHERE id = ?"),
]:
    start = time.perf_counter()
    for key in keys:
        run(sql, key)
    say(name, (time.perf_counter() - start) / len(keys) * 1e6)
run("SELECT dolt_branch('-D', 'one')")


def merge(name, theirs, ours):
    """Merges what each side changed; wall and processor milliseconds."""
    before = one("SELECT sum(amount) FROM bench")
    run("SELECT dolt_branch(?)", name)
    run("SELECT dolt_checkout(?)", name)
    changed = db.execute("UPDATE bench SET amount = amount + 1 WHERE " + theirs).rowcount
    run("SELECT dolt_commit('-a', '-m', 'theirs')")
    run("SELECT dolt_checkout('main')")
    run("UPDATE bench SET name = 'somebody else' WHERE " + ours)
    run("SELECT dolt_commit('-a', '-m', 'ours')")
    wall, cpu = clocks()
    run("SELECT dolt_merge(?)", name)
    after = clocks()
    assert one("SELECT sum(amount) FROM bench") == before + changed
    return (after[0] - wall) * 1e3, (after[1] - cpu) * 1e3


small = [
    merge(
        "small%d" % n,
        "id %% 100 = %d" % n,
        "id %% 100 = %d OR id %% 10000 = %d" % (50 + n, n),
    )
    for n in range(3)
]
say("merge-small-wall", statistics.median(wall for wall, _ in small))
say("merge-small-cpu", statistics.median(cpu for _, cpu in small))
wall, cpu = merge("large", "id % 2 = 0", "id % 2 = 1")
say("merge-large-wall", wall)
say("merge-large-cpu", cpu)
say("size", os.path.getsize(path) / 1e6)
