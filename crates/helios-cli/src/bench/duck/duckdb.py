# DuckDB for `heliosdb bench`.
#
# python duckdb.py FILE THREADS
#
# Reads lines "load SQL" and "query SQL", and answers each with how many rows follow and the seconds it
# took, then the rows: columns separated by bars, numbers with a fraction rounded to cents.
import sys

# This file has the name of the package.
sys.path = [place for place in sys.path if place not in ("", sys.path[0])]

import time
from decimal import ROUND_HALF_UP, Decimal

import duckdb

path, threads = sys.argv[1:3]
config = {"threads": threads}
connection = duckdb.connect(path, config=config)
print("DuckDB", duckdb.__version__, flush=True)


def cell(value):
    if value is None:
        return ""
    if isinstance(value, Decimal):
        if value.as_tuple().exponent < 0:
            value = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
        return str(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value).rstrip()


for line in sys.stdin:
    what, _, sql = line.partition(" ")
    started = time.perf_counter()
    rows = []
    try:
        for statement in sql.split(";"):
            if statement.strip():
                result = connection.execute(statement)
                if statement.lstrip().lower().startswith("select"):
                    rows = result.fetchall()
        if what == "load":
            connection.execute("CHECKPOINT")
            connection.close()
    except Exception as error:
        print(str(error).replace("\n", " "), flush=True)
        continue
    taken = time.perf_counter() - started
    if what == "load":
        rows = []
        connection = duckdb.connect(path, config=config)
    print(len(rows), taken)
    for row in rows:
        print("|".join(cell(value) for value in row))
    sys.stdout.flush()
