-- SQL functions and procedures.

CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, price numeric(8,2), parent int);
INSERT INTO items VALUES (1, 'anvil', 19.99, NULL), (2, 'bolt', 0.10, 1), (3, 'crate', 5.00, 1), (4, 'drum', NULL, 3);

-- One expression.
CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a + b';
SELECT add(1, 2), add(id, 10) FROM items ORDER BY id;
SELECT add(b => 1, a => 2), add(1, b => 5);
SELECT add(1);
SELECT add(1, 2, 3);
SELECT add('x', 2);
SELECT add(1.5, 2);
CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a * b';
CREATE OR REPLACE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 + $2 $$;
SELECT add(40, 2);
CREATE OR REPLACE FUNCTION add(x int, b int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE OR REPLACE FUNCTION add(a int, b int) RETURNS bigint LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION add(a text, b text) RETURNS text LANGUAGE sql AS $$ SELECT a || '+' || b $$;
SELECT add('a', 'b'), add(1, 2), add('1', 2);
SELECT add('a'::text, 'b'::text);

-- Defaults.
CREATE FUNCTION priced(amount numeric, rate numeric DEFAULT 0.19, digits int DEFAULT 2) RETURNS numeric LANGUAGE sql AS 'SELECT round(amount * (1 + rate), digits)';
SELECT priced(100), priced(100, 0.07), priced(100, digits => 0), priced(amount => 1, rate => 1);
SELECT priced();
SELECT priced(100, rates => 1);
SELECT priced(rate => 1, 100);
SELECT priced(100, rate => 1, rate => 2);
CREATE FUNCTION bad(a int DEFAULT 1, b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION bad(a int, a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION priced(amount numeric, rate numeric, digits int) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';

-- NULL.
CREATE FUNCTION half(a int) RETURNS numeric LANGUAGE sql STRICT AS 'SELECT coalesce(a, 100) / 2.0';
SELECT half(3), half(NULL), half(NULLIF(1, 1));
SELECT id, half(parent) FROM items ORDER BY id;
CREATE FUNCTION half_or_more(a int) RETURNS numeric LANGUAGE sql CALLED ON NULL INPUT AS 'SELECT coalesce(a, 100) / 2.0';
SELECT half_or_more(NULL);

-- Queries.
CREATE FUNCTION children(of int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM items WHERE parent = of';
SELECT id, children(id) FROM items ORDER BY id;
SELECT id FROM items WHERE children(id) > 0 ORDER BY id;
SELECT children(max(id)) FROM items;
SELECT children(parent), count(*) FROM items GROUP BY parent ORDER BY 1, 2;
CREATE FUNCTION name_of(id int) RETURNS text LANGUAGE sql AS 'SELECT name FROM items WHERE items.id = name_of.id';
SELECT name_of(2), name_of(99), name_of(NULL);
CREATE FUNCTION cheapest() RETURNS text LANGUAGE sql AS 'SELECT name FROM items ORDER BY price';
SELECT cheapest();
CREATE FUNCTION shadow(name text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM items WHERE name = name';
SELECT shadow('bolt');

-- Rows.
CREATE FUNCTION below(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT generate_series(0, n - 1)';
SELECT * FROM below(3);
SELECT b FROM below(3) AS b ORDER BY b DESC;
SELECT x FROM below(3) AS t(x);
SELECT below(3);
SELECT id, below(id) FROM items WHERE id < 3 ORDER BY 1, 2;
SELECT i.id, b FROM items i, below(i.id) b WHERE i.id < 3 ORDER BY 1, 2;
SELECT i.id, b FROM items i LEFT JOIN below(i.id - 1) b ON true WHERE i.id < 3 ORDER BY 1, 2;
CREATE FUNCTION listed(min numeric) RETURNS TABLE (item text, cost numeric) LANGUAGE sql AS 'SELECT name, price FROM items WHERE price >= min ORDER BY price';
SELECT * FROM listed(1);
SELECT item FROM listed(0) WHERE cost < 10;
SELECT l.cost FROM listed(5) AS l;
SELECT a, b FROM listed(5) AS l(a, b);
SELECT sum(cost) FROM listed(0);
CREATE FUNCTION all_items() RETURNS SETOF items LANGUAGE sql AS 'SELECT * FROM items ORDER BY id';
SELECT * FROM all_items();
SELECT id, name FROM all_items() WHERE parent IS NOT NULL;
CREATE FUNCTION extent(OUT low numeric, OUT high numeric) LANGUAGE sql AS 'SELECT min(price), max(price) FROM items';
SELECT * FROM extent();
SELECT extent();
SELECT (extent()).high;
SELECT low FROM extent();
CREATE FUNCTION twice(INOUT a int, OUT b int) LANGUAGE sql AS 'SELECT a * 2, a * 3';
SELECT * FROM twice(5);
SELECT (twice(5)).b, (twice(6)).a;
CREATE FUNCTION one_out(a int, OUT b int) LANGUAGE sql AS 'SELECT a + 1';
SELECT one_out(1);
SELECT * FROM one_out(1);
CREATE FUNCTION loose() RETURNS SETOF record LANGUAGE sql AS 'SELECT id, name FROM items ORDER BY id';
SELECT * FROM loose() AS t(a int, b text) WHERE a < 3;
SELECT * FROM loose();
CREATE TYPE pair AS (x int, y text);
CREATE FUNCTION paired(x int) RETURNS pair LANGUAGE sql AS $$ SELECT x, 'p' || x $$;
SELECT * FROM paired(7);
SELECT paired(7);
SELECT (paired(7)).y;
CREATE FUNCTION pairs() RETURNS SETOF pair LANGUAGE sql AS $$ SELECT id, name FROM items ORDER BY id $$;
SELECT * FROM pairs();
SELECT * FROM below(-1);
CREATE FUNCTION nobody() RETURNS TABLE (a int, b int) LANGUAGE sql AS 'SELECT 1, 2 WHERE false';
SELECT * FROM nobody();
CREATE FUNCTION nobody1(OUT a int, OUT b int) LANGUAGE sql AS 'SELECT 1, 2 WHERE false';
SELECT * FROM nobody1();

-- SQL bodies.
CREATE FUNCTION plus1(a int) RETURNS int RETURN a + 1;
SELECT plus1(1);
CREATE FUNCTION named(i int) RETURNS text STABLE BEGIN ATOMIC SELECT name FROM items WHERE id = i; END;
SELECT named(3);
DROP TABLE items;
CREATE FUNCTION nothing_such() RETURNS int RETURN missing_function(1);

-- Variadic and arrays.
CREATE FUNCTION joined(sep text, VARIADIC parts text[]) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT array_to_string(parts, sep)';
SELECT joined('-', 'a', 'b', 'c'), joined(',', VARIADIC ARRAY['x', 'y']), joined('-', 'only');
SELECT joined('-');
CREATE FUNCTION firsts(VARIADIC a int[]) RETURNS int LANGUAGE sql AS 'SELECT a[1]';
SELECT firsts(7, 8);

-- Types.
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION root(a positive) RETURNS double precision LANGUAGE sql AS 'SELECT sqrt(a)';
SELECT root(16);
SELECT root(-1);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE FUNCTION better(m mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT m > 'ok' $$;
SELECT better('happy'), better('sad');
SELECT better('angry');
CREATE FUNCTION as_json(a int) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('a', a) $$;
SELECT as_json(1) -> 'a', as_json(2) ->> 'a';
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql AS $$ SELECT 'text'::text $$;
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql AS $$ SELECT 1, 2 $$;
CREATE FUNCTION wrong() RETURNS TABLE (a int, b int) LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql AS $$ INSERT INTO items VALUES (5, 'e', 1, 1) $$;
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql AS $$ SELECT nocolumn FROM items $$;
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql AS $$ SELEC 1 $$;
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql;
CREATE FUNCTION wrong() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION wrong(OUT a int, OUT b int) RETURNS int LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION wrong(a int) RETURNS int LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION wrong() RETURNS int AS 'SELECT 1';
CREATE FUNCTION wrong() RETURNS int LANGUAGE nonsuch AS 'SELECT 1';
CREATE FUNCTION wrong() RETURNS int LANGUAGE sql LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION wrong() RETURNS trigger LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION wrong() RETURNS nonsuch LANGUAGE sql AS 'SELECT 1';
-- differs: procedures
CREATE FUNCTION wrong() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION widened() RETURNS bigint LANGUAGE sql AS 'SELECT 1';
SELECT widened(), pg_typeof(widened());
CREATE FUNCTION coded() RETURNS varchar LANGUAGE sql AS $$ SELECT 'x' $$;
SELECT coded();

-- Changes.
CREATE FUNCTION new_item(id int, name text) RETURNS int LANGUAGE sql AS 'INSERT INTO items (id, name) VALUES (new_item.id, new_item.name) RETURNING items.id';
SELECT new_item(10, 'echo');
SELECT * FROM new_item(11, 'foxtrot');
SELECT new_item(10, 'again');
SELECT id, name FROM items WHERE id >= 10 ORDER BY id;
CREATE FUNCTION rename_item(int, text) RETURNS void LANGUAGE sql AS 'UPDATE items SET name = $2 WHERE id = $1';
SELECT rename_item(10, 'golf');
SELECT name FROM items WHERE id = 10;
CREATE FUNCTION purge(above int) RETURNS SETOF items LANGUAGE sql AS 'DELETE FROM items WHERE id > above RETURNING *';
SELECT * FROM purge(10);
CREATE FUNCTION two_steps(i int) RETURNS bigint LANGUAGE sql AS 'INSERT INTO items VALUES (i, $$step$$, 1, NULL); SELECT count(*) FROM items WHERE name = $$step$$';
SELECT two_steps(20);
SELECT two_steps(21) AS n;
SELECT two_steps(21);
SELECT count(*) FROM items;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS '';
SELECT nothing();
BEGIN;
-- differs: functions-alone
SELECT two_steps(20), 1;
ROLLBACK;

-- Procedures.
CREATE PROCEDURE restock(item int, amount numeric DEFAULT 1) LANGUAGE sql AS 'UPDATE items SET price = amount WHERE id = item';
CALL restock(4, 2.5);
CALL restock(10);
SELECT id, price FROM items WHERE id IN (4, 10) ORDER BY id;
CALL restock();
CALL restock('x');
CALL nosuch(1);
CALL add(1, 2);
SELECT restock(1);
CREATE PROCEDURE doubled(INOUT a int) LANGUAGE sql AS 'SELECT a * 2';
CALL doubled(4);
CREATE PROCEDURE several(a int) LANGUAGE sql AS 'DELETE FROM items WHERE id = a; INSERT INTO items VALUES (a, $$again$$, 1, NULL)';
CALL several(10);
BEGIN;
CALL several(4);
ROLLBACK;
SELECT name FROM items WHERE id IN (4, 10) ORDER BY id;
DROP PROCEDURE several;
CALL several(10);
DROP FUNCTION restock(int, numeric);
DROP PROCEDURE restock(int, numeric);
DROP ROUTINE doubled;

-- Names.
CREATE SCHEMA lib;
CREATE FUNCTION lib.answer() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 42';
SELECT lib.answer();
SELECT answer();
SET search_path = lib, public;
SELECT answer();
RESET search_path;
CREATE FUNCTION lib.where_am_i() RETURNS text LANGUAGE sql AS 'SELECT current_schemas(false)::text';
SELECT lib.where_am_i();
ALTER FUNCTION lib.answer() RENAME TO reply;
SELECT lib.reply();
ALTER FUNCTION lib.reply() SET SCHEMA public;
SELECT reply();
ALTER FUNCTION reply() STABLE;
ALTER FUNCTION reply() STRICT COST 5;
DROP FUNCTION lib.answer();
DROP FUNCTION IF EXISTS lib.answer();
DROP FUNCTION IF EXISTS nosuch(int);
DROP FUNCTION nosuch;
DROP FUNCTION add;
DROP FUNCTION add(text, text);
DROP FUNCTION add;
SELECT add(1, 2);
COMMENT ON FUNCTION reply() IS 'the reply';
SELECT obj_description('reply()'::regprocedure);

-- Dependencies.
CREATE VIEW replies AS SELECT reply() AS r;
SELECT * FROM replies;
DROP FUNCTION reply();
DROP FUNCTION reply() CASCADE;
SELECT * FROM replies;
CREATE FUNCTION checked(a int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > 0';
CREATE TABLE uses (a int CHECK (checked(a)), b int DEFAULT plus1(41));
INSERT INTO uses (a) VALUES (1);
INSERT INTO uses VALUES (0, 0);
SELECT * FROM uses;
DROP FUNCTION checked(int);
DROP FUNCTION plus1;
CREATE INDEX uses_checked ON uses (checked(a));
DROP FUNCTION checked(int) CASCADE;
INSERT INTO uses VALUES (0, 0);
DROP FUNCTION plus1 CASCADE;
INSERT INTO uses (a) VALUES (5);
SELECT * FROM uses ORDER BY a;
DROP TYPE mood;
DROP SCHEMA lib;
DROP SCHEMA lib CASCADE;

-- The catalog.
SELECT proname, prokind, proisstrict, proretset, provolatile, pronargs, proargnames, proargmodes, pronargdefaults FROM pg_proc WHERE proname IN ('priced', 'half', 'listed', 'twice', 'joined', 'below') ORDER BY proname;
SELECT pg_get_function_arguments('priced'::regproc), pg_get_function_result('priced'::regproc), pg_get_function_identity_arguments('priced'::regproc);
SELECT pg_get_function_arguments('listed'::regproc), pg_get_function_result('listed'::regproc);
SELECT pg_get_function_arguments('twice'::regproc), pg_get_function_result('twice'::regproc);
SELECT pg_get_function_arguments('joined'::regproc), pg_get_function_result('below'::regproc), pg_get_function_result('all_items'::regproc);
SELECT pg_get_functiondef('half'::regproc);
SELECT pg_get_functiondef('joined'::regproc);
SELECT pg_get_functiondef('listed'::regproc);
SELECT 'priced'::regproc, 'half(int)'::regprocedure, to_regproc('nosuch');
SELECT routine_name, routine_type, data_type, routine_definition FROM information_schema.routines WHERE routine_schema = 'public' AND routine_name IN ('half', 'priced') ORDER BY 1;
SELECT parameter_name, parameter_mode, data_type, ordinal_position FROM information_schema.parameters WHERE specific_schema = 'public' AND specific_name LIKE 'priced%' ORDER BY 4;

-- Calls within calls.
CREATE FUNCTION quadruple(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 4';
CREATE FUNCTION sixteen_times(a int) RETURNS int LANGUAGE sql AS 'SELECT quadruple(quadruple(a))';
SELECT sixteen_times(3), sixteen_times(id) FROM items WHERE id < 3 ORDER BY id;
CREATE FUNCTION square_sum(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a * a + b * b';
SELECT square_sum(square_sum(1, 2), square_sum(0, id)) FROM items WHERE id < 4 ORDER BY id;
SELECT i.id, (SELECT quadruple(max(j.id)) FROM items j WHERE j.parent = i.id) FROM items i WHERE id < 5 ORDER BY i.id;
WITH q AS (SELECT quadruple(id) AS v FROM items) SELECT sum(v) FROM q;
UPDATE items SET price = quadruple(id) WHERE id = 2 RETURNING price;
PREPARE p(int) AS SELECT quadruple($1), name_of($1);
EXECUTE p(2);
EXECUTE p(3);
SELECT quadruple(quadruple) FROM (VALUES (1), (2)) AS t(quadruple);
SELECT DISTINCT quadruple(DISTINCT 1);
SELECT quadruple(1) OVER ();
SELECT quadruple(*) FROM items;
CREATE TABLE counted (a int, b text);
CREATE FUNCTION atomic_sum(x int, y int DEFAULT 2) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + y * 2; END;
SELECT pg_get_functiondef('atomic_sum'::regproc);
CREATE FUNCTION atomic_read(x int) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM counted WHERE a > x ORDER BY b LIMIT 3; END;
SELECT pg_get_functiondef('atomic_read'::regproc);
SELECT pg_get_function_sqlbody(oid) FROM pg_proc WHERE proname IN ('atomic_sum', 'atomic_read') ORDER BY proname;
SELECT atomic_sum(1), atomic_sum(1, 5);
-- Functions behind operators, and those that write binary forms.
SELECT int4pl(2, 3), int8mul(4, 5), float8div(1, 4), numeric_sub(1.5, 0.25), booleq(true, false), texteq('a', 'a'), textlike('abc', 'a%'), int4mi(2, 7), int2um(3::smallint), numeric_abs(-2.5), date_mi('2020-01-05', '2020-01-01'), bpchareq('a', 'a ');
SELECT jsonb_contains('{"a": 1, "b": 2}', '{"a": 1}'), jsonb_exists('{"a": 1}', 'a'), jsonb_exists_any('{"a": 1}', ARRAY['b', 'a']), jsonb_exists_all('{"a": 1}', ARRAY['b', 'a']), jsonb_concat('{"a": 1}', '{"b": 2}'), jsonb_delete('{"a": 1, "b": 2}'::jsonb, 'a'), jsonb_object_field('{"a": 1}', 'a'), jsonb_array_element_text('[1, 2]', 1);
SELECT arraycontains(ARRAY[1, 2], ARRAY[1]), arrayoverlap(ARRAY[1], ARRAY[2]), network_sub('10.0.0.1', '10.0.0.0/8'), timestamp_lt('2020-01-01', '2021-01-01'), interval_um('1 day'), bitand(B'110', B'011');
SELECT int4send(258), int8send(-1), float4send(1.5), float8send('NaN'), boolsend(true), textsend('aé'), numeric_send(1.5), uuid_send('00000000-0000-0000-0000-0000000000ff'), date_send('2000-01-02'), interval_send('1 mon 2 days 3 us'), jsonb_send('[1]');
SELECT parse_ident('a.b;', strict => false), jsonb_set('{"a": 1}', '{b}', '2', create_if_missing => false), jsonb_set_lax('{"a": 1}', '{a}', NULL, null_value_treatment => 'delete_key'), jsonb_insert('[1, 2]', '{0}', '9', insert_after => true);
SELECT jsonb_set('{"a": 1}', '{b}', '2', nothing => false);
SELECT jsonb_set('{"a": 1}', path => '{b}', path => '{b}', replacement => '2');
SELECT jsonb_set(jsonb_in => '{"a": 1}', '{b}', '2');
