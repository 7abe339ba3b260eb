# pg_dump, pg_dumpall and pg_restore: a dump that is restored into a new database dumps the same again.
# Needs PROGRAM, and a SCRATCH directory for the second database.
set -u
port=$((PGPORT + 1))
servers=()
for second in "$SCRATCH/restored" "$SCRATCH/archived"; do
    HELIOS_PASSWORD=$PGPASSWORD "$PROGRAM" serve "$second" --listen "$PGHOST:$port" 2>"$second.log" &
    servers+=($!)
    for _ in $(seq 100); do
        grep -q '^listening' "$second.log" && break
        sleep 0.1
    done
    port=$((port + 1))
done
trap 'kill "${servers[@]}" 2>/dev/null' EXIT
psql() { command psql -X -v ON_ERROR_STOP=1 -qAt "$@" 2>&1; }
said() { if [ "$2" = 0 ]; then echo "ok $1"; else echo "not ok $1: $(tr '\n' ' ' <"$SCRATCH/said" | cut -c1-400)"; fi; }
# What differs from run to run.
plain() { grep -vE '^\\(un)?restrict ' "$1"; }

echo "# $(pg_dump --version)"
psql <<'SQL' >"$SCRATCH/said"
create schema dumped;
set search_path = dumped;
create role dump_reader;
create type mood as enum ('sad', 'o''k');
create domain positive as int check (value > 0);
create type pair as (a int, b text);
create function twice(i int) returns int language sql immutable as $$select i * 2$$;
create table person (id int primary key generated always as identity, name text not null default 'x', pay numeric(8, 2) check (pay > 0), born date, feels mood, tags text[], twins pair);
create table visit (person int references person on delete cascade, at timestamptz default now(), n positive, notes jsonb, raw bytea, unique (person, n));
create index visit_at on visit (at desc) where n > 1;
create view paid as select id, name, twice(n) as twice from person join visit on person = id where pay > 10;
create sequence tickets start 7 increment 3;
create table ticket (no serial primary key, big bigserial, other int default nextval('tickets'));
comment on table person is 'who''s there';
comment on column person.pay is 'a month';
insert into person (name, pay, born, feels, tags, twins) values ('Ann', 12.5, '1990-02-03', 'o''k', '{a,"b c",null}', (1, 'x')), (E'tab\tand\\', null, null, null, null, null);
insert into visit values (1, '2020-01-02 03:04:05+00', 1, '{"a": [1, null]}', '\xdeadbeef'), (1, null, 2, null, null);
select nextval('tickets');
grant select, update (name) on person to dump_reader;
grant usage on schema dumped to dump_reader;
alter table person enable row level security;
create policy own on person for select to dump_reader using (name = current_user);
alter default privileges in schema dumped grant select on tables to dump_reader;
SQL
said 'something to dump' $?
pg_dump >"$SCRATCH/first.sql" 2>"$SCRATCH/said"
said 'pg_dump' $?
pg_dumpall --globals-only >"$SCRATCH/globals.sql" 2>"$SCRATCH/said" && grep -q 'CREATE ROLE dump_reader' "$SCRATCH/globals.sql"
said 'pg_dumpall of roles' $?
(
    export PGPORT=$((PGPORT + 1))
    psql -c 'create role dump_reader' && psql -f "$SCRATCH/first.sql"
) >"$SCRATCH/said" 2>&1
said 'psql restores it' $?
PGPORT=$((PGPORT + 1)) pg_dump >"$SCRATCH/second.sql" 2>"$SCRATCH/said" && diff <(plain "$SCRATCH/first.sql") <(plain "$SCRATCH/second.sql") >"$SCRATCH/said"
said 'and it dumps the same again' $?
pg_dump -Fc -f "$SCRATCH/archive" 2>"$SCRATCH/said"
said 'pg_dump into an archive' $?
(
    export PGPORT=$((PGPORT + 2))
    psql -c 'create role dump_reader' && pg_restore -d helios --exit-on-error "$SCRATCH/archive" && psql -c "select count(*) || ' ' || sum(n) from dumped.visit" | grep -qx '2 3'
) >"$SCRATCH/said" 2>&1
said 'pg_restore' $?
pg_dump --data-only --inserts -t dumped.visit >"$SCRATCH/inserts.sql" 2>"$SCRATCH/said" && [ "$(grep -c '^INSERT INTO dumped.visit' "$SCRATCH/inserts.sql")" = 2 ]
said 'pg_dump as inserts' $?
pg_dump --schema-only -N public >"$SCRATCH/schema.sql" 2>"$SCRATCH/said" && ! grep -q '^COPY' "$SCRATCH/schema.sql" && grep -q 'CREATE POLICY own' "$SCRATCH/schema.sql"
said 'pg_dump of definitions' $?
