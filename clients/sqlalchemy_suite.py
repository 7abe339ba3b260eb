"""SQLAlchemy's own suite for dialects against the server that PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE name; words are pytest's.

    pip install sqlalchemy psycopg[binary] pytest
    python clients/sqlalchemy_suite.py [-k test_...]

It makes tables in the schemas `public` and `test_schema`. Without the requirements of SQLAlchemy's own source tree some tests expect what PostgreSQL's
dialect does not do: run it against PostgreSQL as well and compare.
"""

import os
import subprocess
import sys
import tempfile

import psycopg

CONFTEST = """
import pytest
pytest.register_assert_rewrite("sqlalchemy.testing.assertions")
from sqlalchemy.dialects.postgresql import provision
# The suite needs no extensions.
provision._extensions.clear()
from sqlalchemy.testing.plugin.pytestplugin import *
"""
SETUP = """
[tool:pytest]
python_files = test_suite.py
[sqla_testing]
requirement_cls = sqlalchemy.testing.requirements:SuiteRequirements
profile_file = profiles.txt
[db]
default = postgresql+psycopg://
"""

with psycopg.connect(autocommit=True) as connection:
    connection.execute("CREATE SCHEMA IF NOT EXISTS test_schema")
with tempfile.TemporaryDirectory() as folder:
    for name, text in [("conftest.py", CONFTEST), ("setup.cfg", SETUP), ("test_suite.py", "from sqlalchemy.testing.suite import *\n")]:
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    command = [sys.executable, "-m", "pytest", "-q", "--disable-warnings", "--tb=native", "--maxfail=10000", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=folder).returncode)
