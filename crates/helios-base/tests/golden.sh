#!/bin/sh
# Writes PostgreSQL's answers into the last column of tests/golden/*.tsv anew. Needs psql and a
# server (PGHOST, PGUSER, …). The files are in COPY's text format.
set -eu
cd "$(dirname "$0")/golden"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

cat > "$work/setup.sql" <<'SQL'
create function pg_temp.answer(e text) returns text language plpgsql as $$
declare r text; s text; m text; d text;
begin
  execute 'select (' || e || ')::text' into r;
  return coalesce(r, 'NULL');
exception when others then
  get stacked diagnostics
    s = returned_sqlstate, m = message_text, d = pg_exception_detail;
  return '!' || s || ' ' || m || case when d <> '' then ' | ' || d else '' end;
end $$;

create function pg_temp.numeric_case(op text, a text, b text) returns text language sql as $$
  select case
    when op = 'parse' then n
    when op = 'cmp' then format('case when %1$s < %2$s then -1 when %1$s = %2$s then 0 else 1 end', n, m)
    when op in ('div', 'gcd', 'lcm', 'log', 'power') then format('%s(%s, %s)', op, n, m)
    when op in ('round', 'trunc') then format('%s(%s, %s)', op, n, b)
    when op in ('ceil', 'floor', 'sqrt', 'ln', 'exp', 'sign', 'min_scale', 'trim_scale')
      then format('%s(%s)', op, n)
    when op = 'log10' then format('log(%s)', n)
    when op = 'mod' then format('%s::numeric(%s)', n, b)
    when op in ('int2', 'int4', 'int8', 'float8') then format('%s::%s', n, op)
    when op = 'from8' then format('%L::float8::numeric', a)
    when op = 'from4' then format('%L::float4::numeric', a)
    when op = 'factorial' then format('factorial(%s)', a)
    else format('%s %s %s', n, op, m) end
  from (select format('%L::numeric', a) n, format('%L::numeric', b) m) s $$;

create function pg_temp.text_case(ty text, input text) returns text language sql as $$
  select case
    when ty = 'boolean' then format('format(''%%s'', %L::boolean)', input)
    when ty = 'bpchar' then format('format(''%%s'', %L::bpchar)', input)
    when ty ~ '^varchar' then format('format(''%%s'', varcharin(%L, 0, %s + 4))', input, len)
    when ty ~ '^char' then format('format(''%%s'', bpcharin(%L, 0, %s + 4))', input, len)
    else format('%L::%s', input, ty) end
  from (select substring(ty from '\d+') len) s $$;

create function pg_temp.datetime_case(op text, ty text, a text, b text) returns text language sql as $$
  select case
    when op = 'extract' then format('extract(%s from %L::%s)', a, b, ty)
    when op = 'trunc' then format('date_trunc(%L, %L::%s)', a, b, ty)
    when op = '+' then format('%L::%s + %L::interval', a, ty, b)
    when op = '-' then format('%L::%s - %L::%s', a, ty, b, ty)
    when op = 'age' then format('age(%L::%s, %L::%s)', a, ty, b, ty)
    when op = 'bin' then format('date_bin(%L, %L::timestamp, %L::timestamp)', ty, a, b)
    when op = 'zone' then format('%L::%s at time zone %L', a,
      case b when 'tz' then 'timestamptz' else 'timestamp' end, ty)
    when op in ('i*', 'i/') then format('%L::interval %s %L::float8', a, substr(op, 2), b)
    when op in ('i+', 'i-') then format('%L::interval %s %L::interval', a, substr(op, 2), b)
    when op = 'icmp' then format('interval_cmp(%L, %L)', a, b)
    when op = 'ineg' then format('-(%L::interval)', a)
    else format('%s(%L::interval)', substr(op, 2), a) end $$;
SQL

# file, its key columns, the time zone of the session
write() {
    columns=$(echo "$2" | sed 's/,/ text, /g')
    cat "$work/setup.sql" - > "$work/run.sql" <<SQL
set timezone = '$3';
create temp table cases (n serial, $columns text, answer text);
\\copy cases ($2, answer) from '$1.tsv'
\\copy (select $2, pg_temp.answer(pg_temp.$1_case($2)) from cases order by n) to '$work/out'
SQL
    psql -X -q -v ON_ERROR_STOP=1 -f "$work/run.sql"
    cp "$work/out" "$1.tsv"
}

write numeric op,a,b UTC
write text ty,input Europe/Berlin
write datetime op,ty,a,b Europe/Berlin
