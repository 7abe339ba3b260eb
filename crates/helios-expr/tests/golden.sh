#!/bin/sh
# Writes PostgreSQL's answers into tests/golden/*.txt. Needs psql and a server (PGHOST, PGUSER, …)
# whose clock does not matter: no golden expression looks at it.
set -eu
cd "$(dirname "$0")/golden"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat > "$work/setup.sql" <<'SQL'
set timezone = 'UTC';
create temp table cases (n serial, line text);
create function pg_temp.answer(e text) returns text language plpgsql as $$
declare r text; s text; m text;
begin
  if e = '' or e like '--%' then return e; end if;
  execute 'select pg_typeof(x)::text || chr(9) || '
       || 'case when num_nulls(x) = 1 then ''NULL'' else format(''%s'', x) end '
       || 'from (select ' || e || ' as x) s' into r;
  return e || chr(9) || r;
exception when others then
  get stacked diagnostics s = returned_sqlstate, m = message_text;
  return e || chr(9) || '!' || s || chr(9) || m;
end $$;
SQL
for file in ${*:-*.txt}; do
    cut -f1 "$file" > "$work/in"
    cat "$work/setup.sql" - > "$work/run.sql" <<SQL
\\copy cases (line) from '$work/in' with (format csv, delimiter E'\\x01', quote E'\\x02')
select replace(pg_temp.answer(coalesce(line, '')), chr(10), '\\n') from cases order by n;
SQL
    psql -X -q -A -t -v ON_ERROR_STOP=1 -f "$work/run.sql" > "$work/out"
    test "$(wc -l < "$work/in")" = "$(wc -l < "$work/out")"
    cp "$work/out" "$file"
done
