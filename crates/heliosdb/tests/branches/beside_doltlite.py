"""Runs the cases of this folder on DoltLite, beside what HeliosDB answers, and prints a table.

    pip install doltlite
    python3 crates/heliosdb/tests/branches/beside_doltlite.py            # the table, as Markdown
    python3 crates/heliosdb/tests/branches/beside_doltlite.py -v NAME    # both answers of one case

HeliosDB's answers are those written in the files, which `cargo test` checks. Each statement is a
transaction there; here each is followed by a commit. A merge runs in a transaction of its own,
as DoltLite wants it; where the case names the strategy OURS or THEIRS its conflicts are resolved with
`dolt_conflicts_resolve`. Compared are what becomes of each merge (merged, nothing to do, conflict,
violation, refused) and the rows of each query. The comparison is by hand, not part of any test run.
"""

import os
import re
import sys
import tempfile

import doltlite  # noqa: F401  (replaces the library that sqlite3 loads)
import sqlite3

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["1-rows.sql", "2-schema.sql", "3-statements.sql", "5-cells.sql", "6-definitions.sql"]

# What DoltLite has no word for: a pattern of a statement, and the reason.
WITHOUT = [
    (r"STRATEGY\s*=?\s*(last_write_wins|rule_based|custom|nonsense|manual)", "no such strategy"),
    (r"CONFLICT RESOLUTION", "no rules"),
    (r"_merge_rules|merge\.\w+\s*=", "no rules"),
    (r"REQUIRING", "no condition on the merged state"),
    (r"(COMPLETE|ABORT) MERGE", "conflicts are resolved inside the merging transaction"),
    (r"pg_compare|helios_(diff|schema|blame|history)", "other functions"),
    (r"READ_ONLY|read_only", "no read-only branches"),
    (r"CREATE SCHEMA", "no schemas"),
    (r"CREATE (FUNCTION|TYPE|DOMAIN)", "no functions, types or domains"),
    (r"ALTER COLUMN|ALTER TABLE \w+ (ADD|DROP) (CONSTRAINT|PRIMARY|FOREIGN|CHECK|UNIQUE)", "SQLite's ALTER TABLE"),
    (r"SEQUENCE|nextval|serial|IDENTITY", "no sequences"),
    (r"\[\]|ARRAY\[", "no arrays"),
    (r"BRANCH.*CASCADE", "branches have no children"),
    (r"(CREATE|DROP) SNAPSHOT|AS OF", "other statements"),
]

# Why answers differ, by case. "better": DoltLite's answer loses something, or depends on chance.
# "on purpose": either answer can be meant, and this is ours. "stricter": DoltLite asks where HeliosDB decides.
RECORDED = (
    "on purpose",
    "The merge changes no row, but is recorded: later merges begin after it, so nothing is compared or decided again.",
)
CELLS = (
    "better",
    "The strategy decides the cell in conflict and keeps what only the other side changed in the row. "
    "DoltLite takes the whole row of one side: the other's change is lost.",
)
COLUMN = (
    "better",
    "The strategy decides, and every value that goes is noted. DoltLite refuses until somebody changes one of the branches.",
)
NAMES = (
    "better",
    "A column or table is what it was under another name. DoltLite takes it by its name, and so finds a conflict.",
)
DROPPED = "column dropped on the {}, written on the {}, strategy {}"
DIFFERENT = {
    **{DROPPED.format(a, b, s): COLUMN for a, b in (("source", "target"), ("target", "source")) for s in ("ours", "theirs")},
    "column dropped on the target, the row deleted, too": COLUMN,
    "column dropped on the source, the row deleted, too": COLUMN,
    "two columns dropped, one on each side": COLUMN,
    "two columns dropped, one on each side, theirs": COLUMN,
    "a column that came later, dropped, comes back": COLUMN,
    "dropped column kept, merged back": COLUMN,
    "dropped column with a default, an index, a check and a unique key": ("on purpose", "SQLite refuses to drop the column."),
    "dropped column with a default, kept with its index and check": ("on purpose", "SQLite refuses to drop the column."),
    "column dropped and added again, written on the target": (
        "better",
        "The values written to the old column and the new column of its name are told apart. DoltLite puts the old value, a "
        "text, into the new column, an integer.",
    ),
    "columns exchange their names": NAMES,
    "column renamed, another takes its name": NAMES,
    "table renamed on the source, a new one takes its name": NAMES,
    "tables exchange their names": NAMES,
    "view of the target reads a column that the source drops": (
        "better",
        "Refused. DoltLite merges and leaves a view that cannot be read.",
    ),
    "the same change on both sides": RECORDED,
    "the same insert on both sides": RECORDED,
    "the same delete on both sides": RECORDED,
    "changed and changed back": (
        "on purpose",
        "The source is what it was at the base, so there is nothing to merge. DoltLite records a merge of nothing.",
    ),
    "criss-cross with different resolutions": (
        "better",
        "Two merge bases that people resolved differently: a conflict. DoltLite takes one of them as the base, and so "
        "one of the two resolutions, without a word; which one changes from run to run.",
    ),
    "a strategy decides only the cells in conflict": CELLS,
    "ours decides only the cells in conflict": CELLS,
}

# Statements that only one of the two has: left out on both sides.
SKIPPED = r"DRY RUN|pg_indexes|helios_log"


class Case:
    def __init__(self, name):
        self.name = name
        self.steps = []  # statement, lines of its answer


def cases():
    for file in FILES:
        case, statement = None, ""
        with open(os.path.join(HERE, file), encoding="utf-8") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line.startswith("-- case: "):
                    if case:
                        yield case
                    case = Case(line[len("-- case: "):])
                elif line.startswith("-->"):
                    case.steps[-1][1].append(line[4:])
                elif line.startswith("--") or not line.strip():
                    continue
                else:
                    statement += line + "\n"
                    if line.rstrip().endswith(";"):
                        case.steps.append((statement.strip().rstrip(";"), []))
                        statement = ""
        yield case


def ours(case):
    """What HeliosDB's lines say, in the form in which the two are compared."""
    said = []
    for statement, lines in case.steps:
        if re.search(SKIPPED, statement, re.I):
            continue
        lines = [l for l in lines if not re.match(r"(NOTICE|WARNING|  )", l)]
        failed = re.match(r"[0-9A-Z]{5} ", lines[0]) if lines else None
        if re.match(r"MERGE|CHERRY|UNDO", statement, re.I):
            if failed:
                said.append(kind_of(lines[0][:5]))
            else:
                status = lines[1].split(" | ")[0]
                said.append({"merged": "merged", "already up to date": "nothing to do"}.get(status, status))
        elif re.match(r"(SELECT|TABLE)", statement, re.I):
            said.append("failed" if failed else sorted(tuple(l.split(" | ")) for l in lines[1:]))
        elif failed:
            said.append("failed")
    return said


def kind_of(state):
    if state == "40002":
        return "conflict"
    return "violation" if state.startswith("23") else "refused"


class Dolt:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        self.branch = "main"
        self.said = []
        # HeliosDB numbers transactions from 1, which makes the database; branches take numbers, too.
        self.number = 1
        self.commits = {}

    def commit(self, message):
        try:
            self.db.execute("SELECT dolt_commit('-A', '-m', ?)", (message,)).fetchall()
        except sqlite3.Error as error:
            if "nothing to commit" not in str(error):
                raise

    def checkout(self, branch):
        self.db.execute("SELECT dolt_checkout(?)", (branch,)).fetchall()
        self.branch = branch

    def run(self, statement):
        words = re.sub(r"\s+", " ", statement)
        if re.search(SKIPPED, words, re.I):
            return
        if not re.match(r"USE|SELECT|TABLE", words, re.I):
            self.number += 1
        if m := re.match(r"CREATE (?:DATABASE )?BRANCH (\S+)(?: FROM (\S+))?$", words, re.I):
            start = m[2] or self.branch
            self.db.execute("SELECT dolt_branch(?, ?)", (m[1], start)).fetchall()
        elif m := re.match(r"USE BRANCH (\S+)$", words, re.I):
            self.checkout(m[1])
        elif m := re.match(r"MERGE (?:DATABASE )?BRANCH (\S+)(?: INTO (\S+))?(.*)$", words, re.I):
            self.said.append(self.merge(m[1], m[2] or self.branch, m[3]))
        elif m := re.match(r"(CHERRY PICK|UNDO) TRANSACTION (\d+)(.*)$", words, re.I):
            verb = "dolt_revert" if m[1].upper() == "UNDO" else "dolt_cherry_pick"
            self.said.append(self.merge(self.commits[int(m[2])], self.branch, m[3], verb))
        elif re.match(r"(SELECT|TABLE)", words, re.I):
            try:
                rows = self.db.execute(words).fetchall()
                self.said.append(sorted(tuple(shown(cell) for cell in row) for row in rows))
            except sqlite3.Error as error:
                self.said.append("failed")
                self.why = str(error)
        else:
            try:
                for part in sqlite(words):
                    self.db.execute(part)
                self.commit(words[:60])
                self.commits[self.number] = self.head()
            except sqlite3.Error as error:
                self.said.append("failed")
                self.why = f"{words}: {error}"

    def merge(self, source, target, clauses, verb="dolt_merge"):
        here = self.branch
        self.checkout(target)
        before = self.head()
        side = re.search(r"STRATEGY\s*=?\s*(OURS|THEIRS)", clauses, re.I)
        outcome = "merged"
        self.db.execute("BEGIN")
        try:
            self.db.execute(f"SELECT {verb}(?)", (source,)).fetchall()
            self.settle()
            outcome = "merged" if self.head() != before else "nothing to do"
        except sqlite3.Error as error:
            self.why = str(error)
            outcome = self.resolve(side[1].lower() if side else None, str(error))
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        self.checkout(here)
        return outcome

    def settle(self):
        if self.db.in_transaction:
            self.db.execute("COMMIT")

    def resolve(self, side, error):
        if "violation" in error:
            return "violation"
        if not self.db.in_transaction:
            return "refused"
        tables = [row[0] for row in self.db.execute("SELECT * FROM dolt_conflicts")]
        if not tables or not side:
            return "conflict"
        try:
            for table in tables:
                self.db.execute("SELECT dolt_conflicts_resolve(?, ?)", ("--" + side, table)).fetchall()
            self.db.execute("SELECT dolt_commit('-A', '-m', 'merge')").fetchall()
            self.settle()
            return "merged"
        except sqlite3.Error as again:
            self.why = str(again)
            return "violation" if "violation" in str(again) else "conflict"

    def head(self):
        return self.db.execute("SELECT dolt_hashof('HEAD')").fetchone()[0]


def sqlite(statement):
    """A statement in SQLite's words."""
    statement = re.sub(r"^TRUNCATE( TABLE)?", "DELETE FROM", statement, flags=re.I)
    statement = re.sub(r"INDEX ON (\w+)", r"INDEX \1_index ON \1", statement, flags=re.I)
    if m := re.match(r"CREATE OR REPLACE VIEW (\w+)(.*)$", statement, re.I):
        return [f"DROP VIEW IF EXISTS {m[1]}", f"CREATE VIEW {m[1]}{m[2]}"]
    return [statement]


def shown(cell):
    return "NULL" if cell is None else str(cell)


def reason(case):
    for statement, _ in case.steps:
        for pattern, why in WITHOUT:
            if re.search(pattern, statement, re.I):
                return why
    return None


def run(case):
    with tempfile.TemporaryDirectory() as folder:
        dolt = Dolt(os.path.join(folder, "case.db"))
        dolt.why = ""
        for statement, _ in case.steps:
            try:
                dolt.run(statement)
            except sqlite3.Error as error:
                dolt.said.append("failed")
                dolt.why = f"{statement}: {error}"
        return dolt.said, dolt.why


def main():
    wanted = sys.argv[2] if sys.argv[1:2] == ["-v"] and len(sys.argv) > 2 else None
    counts = {}
    rows = []
    for case in cases():
        if wanted and wanted not in case.name:
            continue
        why = reason(case)
        if why:
            verdict = "not expressible"
        else:
            said, error = run(case)
            mine = ours(case)
            if wanted or "-v" in sys.argv:
                print(f"== {case.name}\n  HeliosDB: {mine}\n  DoltLite: {said}\n  {error}")
            if said == mine:
                verdict, why = "equal", ""
            else:
                verdict, why = DIFFERENT.get(case.name, ("UNEXPLAINED", f"{mine} / {said} {error}"))
        counts[verdict] = counts.get(verdict, 0) + 1
        rows.append((case.name, verdict, why))
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(os.path.join(folder, "version.db"))
        version = db.execute("SELECT dolt_version()").fetchone()[0]
    print(f"DoltLite {version}: " + ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) + ".\n")
    print("| case | answer | |\n|---|---|---|")
    for name, verdict, why in rows:
        print(f"| {name} | {verdict} | {why} |")


if __name__ == "__main__":
    main()
