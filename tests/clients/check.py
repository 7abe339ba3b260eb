"""Checks of one client: functions marked with @check, run in order by run()."""

import asyncio
import inspect
import os
import sys

CHECKS = []

HOST = os.environ["PGHOST"]
PORT = int(os.environ["PGPORT"])
USER = os.environ["PGUSER"]
PASSWORD = os.environ["PGPASSWORD"]
DATABASE = os.environ["PGDATABASE"]


def check(function):
    CHECKS.append(function)
    return function


def run():
    failed = 0
    for function in CHECKS:
        try:
            result = function()
            if inspect.isawaitable(result):
                asyncio.run(result)
            print(f"ok {function.__name__}")
        except Exception as error:  # every kind of failure is a finding
            failed += 1
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAIL {function.__name__}: {reason[:300]}")
    sys.exit(1 if failed else 0)
