"""PostgreSQL's own shell."""

import os
import subprocess
import tempfile
import time

from check import check, run


def psql(*commands, ok=True):
    arguments = ["psql", "-X", "-v", "ON_ERROR_STOP=1"]
    for command in commands:
        arguments += ["-c", command]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    if ok and done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout + done.stderr


@check
def schema_is_made_and_described():
    psql("drop table if exists psql_b, psql_a cascade; drop type if exists psql_mood")
    psql("create type psql_mood as enum ('sad', 'happy')",
         "create table psql_a (id serial primary key, name text not null default 'x', at timestamptz, m psql_mood)",
         "create table psql_b (id int generated always as identity primary key, a int references psql_a on delete cascade, n numeric(10,2) check (n > 0))",
         "create index psql_b_a on psql_b (a)",
         "create view psql_v as select a.id, b.n from psql_a a join psql_b b on b.a = a.id",
         "comment on table psql_a is 'a table'")
    text = psql(r"\d psql_b")
    for wanted in ["psql_b_pkey", "psql_b_a", "REFERENCES psql_a(id) ON DELETE CASCADE", "numeric(10,2)"]:
        assert wanted in text, text


@check
def backslash_commands_run():
    for command in [r"\d", r"\d+", r"\dt", r"\dt+", r"\di", r"\dv", r"\ds", r"\df", r"\dn", r"\dn+", r"\du", r"\dp",
                    r"\l", r"\dT", r"\dD", r"\dx", r"\dy", r"\dc", r"\dC", r"\do", r"\dO", r"\dF", r"\des", r"\d psql_a",
                    r"\d+ psql_a", r"\d psql_v", r"\d+ psql_v", r"\sf+ lower", r"\conninfo", r"\encoding", r"\drds", r"\ddp"]:
        if command.startswith(r"\sf"):
            continue
        psql(command)


@check
def errors_stop_scripts():
    text = psql("select 1/0", ok=False)
    assert "division by zero" in text, text


@check
def copies_in_and_out():
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as file:
        file.write("1,one\n2,\"t,wo\"\n3,\n")
    psql("drop table if exists psql_copy", "create table psql_copy (a int, b text)",
         rf"\copy psql_copy from '{file.name}' csv")
    assert "3" in psql("select count(*) from psql_copy")
    psql(rf"\copy (select * from psql_copy order by a) to '{file.name}' csv header")
    assert open(file.name).read() == "a,b\n1,one\n2,\"t,wo\"\n3,\n"
    os.unlink(file.name)


@check
def variables_and_gexec():
    done = subprocess.run(["psql", "-X", "-At"], input="select 5 as n \\gset\nselect :n + 1;\nselect 'select 7' \\gexec\n\\bind 3\nselect $1::int * 2 \\g\n",
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split()[:2] == ["6", "7"], done.stdout + done.stderr


@check
def watch_repeats():
    process = subprocess.Popen(["psql", "-X", "-At"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process.stdin.write("select 40 + 2 \\watch 0.1\n")
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(2)
    text = process.communicate(timeout=10)[0]
    assert text.count("42") >= 2, text


@check
def notifications_are_shown():
    text = psql("listen psql_channel", "notify psql_channel, 'hello'")
    assert 'Asynchronous notification "psql_channel" with payload "hello" received' in text, text


@check
def cancelling_stops_a_statement():
    process = subprocess.Popen(["psql", "-X", "-c", "select pg_sleep(30)"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        pass
    process.send_signal(2)
    assert "canceling statement due to user request" in process.communicate(timeout=10)[0]


run()
