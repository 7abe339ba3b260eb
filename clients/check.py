"""Checks that are told one by one, and counted by run.sh."""

import asyncio
import inspect
import traceback

_all = []


def check(function):
    """Marks a check; its name says what holds."""
    _all.append(function)
    return function


def run(version, *arguments):
    print(f"# {version}")
    bad = 0
    for function in _all:
        name = function.__name__.replace("_", " ")
        try:
            done = function(*arguments)
            if inspect.isawaitable(done):
                asyncio.run(done)
            print(f"ok {name}", flush=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            bad += 1
            why = " ".join(str(error).split()) or type(error).__name__
            print(f"not ok {name}: {type(error).__name__}: {why}", flush=True)
            traceback.print_exc()
    raise SystemExit(1 if bad else 0)
