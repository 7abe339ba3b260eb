#!/bin/sh
# Writes PostgreSQL's answers to golden/*.sql into golden/*.out. Needs psql and an empty database of
# a server of version 15 (PGHOST, PGDATABASE, …), which it fills.
set -eu
export PGOPTIONS='-c client_min_messages=warning -c timezone=UTC'
cd "$(dirname "$0")/golden"
for file in ${*:-*.sql}; do
    psql -X -q -c 'drop schema if exists s, other cascade; drop schema public cascade; create schema public;
        comment on schema public is $$standard public schema$$' 2> /dev/null
    stdbuf -oL psql -X -q -A -t -a -P null=NULL -v VERBOSITY=verbose -f "$file" 2>&1 \
        | sed -E -e '/^(LINE [0-9]+: |LOCATION: |CONTEXT: |(SCHEMA|TABLE|COLUMN|DATATYPE) NAME: )/d' \
              -e '/^ +\^$/d' -e 's/^psql:[^:]*:[0-9]+: //' > "${file%.sql}.out"
done
