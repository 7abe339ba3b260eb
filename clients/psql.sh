# psql: backslash commands, \copy, \watch, \gexec and what else goes through its own code.
set -u
psql() { command psql -X -v ON_ERROR_STOP=1 -qAt "$@" 2>&1; }
# check NAME EXPECTED-PATTERN PSQL-ARGUMENTS…
check() {
    local name=$1 wanted=$2 out
    shift 2
    out=$(psql "$@")
    if [ $? = 0 ] && grep -qE -- "$wanted" <<<"$out"; then echo "ok $name"; else echo "not ok $name: $(tr '\n' ' ' <<<"$out" | cut -c1-300)"; fi
}
echo "# $(command psql --version)"
psql -c 'create schema pq' -c 'create table pq.item (id serial primary key, name text not null unique, price numeric(10,2) default 1 check (price >= 0), tags text[])' \
    -c 'create table pq.line (item int references pq.item, n int)' -c 'create index item_price on pq.item (price) where price > 1' \
    -c 'create view pq.cheap as select * from pq.item where price < 10' -c "comment on table pq.item is 'things'" \
    -c 'create type pq.mood as enum ($$sad$$, $$ok$$)' -c 'create function pq.twice(i int) returns int language sql as $$select i * 2$$' >/dev/null
check 'd of a table' 'item_price.*btree.*WHERE' -P tuples_only=off -c '\d pq.item'
check 'd of a table shows foreign keys' 'line_item_fkey' -P tuples_only=off -c '\d pq.line'
check 'd plus of a view' 'price <' -P tuples_only=off -c '\d+ pq.cheap'
check 'dt plus' 'things' -c '\dt+ pq.*'
check 'di' 'item_price' -c '\di pq.*'
check 'dv' 'cheap' -c '\dv pq.*'
check 'ds' 'item_id_seq' -c '\ds pq.*'
check 'dn plus' 'pq' -c '\dn+'
check 'df' 'twice' -c '\df pq.*'
check 'sf' 'i \* 2' -c '\sf pq.twice'
check 'sv' 'CREATE OR REPLACE VIEW' -c '\sv pq.cheap'
check 'dT plus' 'mood' -c '\dT+ pq.*'
check 'du' 'helios' -c '\du'
check 'drds' '' -c 'alter role helios set app.x = 1' -c '\drds'
check 'dp' 'item' -c 'grant select on pq.item to public' -c '\dp pq.*'
check 'ddp' '' -c '\ddp'
check 'l' 'helios' -c '\l'
check 'dx' '' -c '\dx'
check 'dO' '' -c '\dO'
check 'dc' '' -c '\dc pq.*'
check 'dC' '' -c '\dC int4'
check 'dD' '' -c '\dD pq.*'
check 'do' '' -c '\do pg_catalog.||'
check 'da' 'sum' -c '\da sum'
check 'db' '' -c '\db'
check 'dconfig' 'work_mem' -c '\dconfig work_mem'
check 'conninfo' 'helios' -c '\conninfo'
check 'copy in and out' '^2$' -c "\\copy pq.item (name, price) from program 'printf \"a\\t2\\nb\\t3\\n\"'" -c 'select count(*) from pq.item'
check 'copy out as csv' '^a,2.00$' -c '\copy (select name, price from pq.item order by 1) to stdout csv'
check 'gdesc' 'numeric\(10,2\)' -f - <<<'select price, name from pq.item \gdesc'
check 'gset' '^a$' -f - <<<'select min(name) as least from pq.item \gset
select :'"'least'"';'
check 'gexec' '^7$' -f - <<<"select 'select 7' \\gexec"
check 'crosstabview' 'a\|' -f - <<<'select name, 1 as n, price from pq.item \crosstabview'
[ "$(command psql --version | grep -oE '[0-9]+' | head -1)" -lt 16 ] || check 'bind' '^5$' -f - <<<'select $1::int + 2 \bind 3 \g'
# It goes on until it is stopped.
if [ "$(timeout 3 psql -X -qAt -f - <<<'select 1 \watch 0.2' 2>/dev/null | grep -c '^1$')" -ge 2 ]; then echo 'ok watch'; else echo 'not ok watch: it does not go on'; fi
check 'errverbose' '22012' -v ON_ERROR_STOP=0 -f - <<<'select 1/0;
\errverbose'
check 'FETCH_COUNT' '^3000$' -v FETCH_COUNT=100 -f - <<<'select g from generate_series(1, 3000) g;'
check 'single transaction' '^0$' -1 -c 'create table pq.gone (a int)' -c 'drop table pq.gone' -c "select count(*) from pg_class where relname = 'gone'"
check 'a failed statement in a transaction is undone' '^2$' -v ON_ERROR_ROLLBACK=on -v ON_ERROR_STOP=0 -f - <<<"begin; insert into pq.item (name) values ('a');
select count(*) from pq.item; rollback;"
psql -c 'drop schema pq cascade' -c 'alter role helios reset all' >/dev/null
