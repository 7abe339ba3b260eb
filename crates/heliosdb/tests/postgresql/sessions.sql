-- Transactions, savepoints, prepared statements, cursors, settings, COPY, system functions.
BEGIN;
CREATE TABLE s (id int PRIMARY KEY, v text);
INSERT INTO s VALUES (1, 'a');
SAVEPOINT one;
INSERT INTO s VALUES (1, 'dup');
SELECT 1;
ROLLBACK TO SAVEPOINT one;
SELECT count(*) FROM s;
INSERT INTO s VALUES (2, 'b');
RELEASE SAVEPOINT one;
ROLLBACK TO one;
ROLLBACK;
SELECT * FROM s;
CREATE TABLE s (id int PRIMARY KEY, v text);
BEGIN;
INSERT INTO s VALUES (1, 'a');
COMMIT;
COMMIT;
ROLLBACK;
BEGIN;
BEGIN;
END;
ABORT;
START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY;
SHOW transaction_isolation;
SHOW transaction_read_only;
INSERT INTO s VALUES (5, 'x');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM s;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
ROLLBACK;
BEGIN READ ONLY;
SET TRANSACTION READ WRITE;
INSERT INTO s VALUES (6, 'six');
COMMIT AND CHAIN;
SELECT 1;
ROLLBACK AND CHAIN;
COMMIT;
SAVEPOINT x;
RELEASE x;
BEGIN;
SAVEPOINT p;
SAVEPOINT p;
RELEASE p;
ROLLBACK TO p;
ROLLBACK TO SAVEPOINT nope;
COMMIT;
BEGIN;
SELECT 1/0;
SAVEPOINT q;
SHOW TimeZone;
COMMIT;
SELECT count(*) FROM s;
BEGIN;
SELCT;
ROLLBACK;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SET LOCAL timezone = 'Asia/Tokyo';
BEGIN;
SET LOCAL timezone = 'Asia/Tokyo';
SHOW timezone;
COMMIT;
SHOW timezone;
BEGIN;
SET timezone = 'Asia/Tokyo';
ROLLBACK;
SHOW timezone;
PREPARE p1 AS SELECT $1::int + 1;
EXECUTE p1 (5);
EXECUTE p1 ('6');
EXECUTE p1 ('x');
EXECUTE p1;
EXECUTE p1 (1, 2);
PREPARE p1 AS SELECT 1;
PREPARE p2 (int, text) AS SELECT $1 * 2, $2 || '!';
EXECUTE p2 (4, 'hi');
EXECUTE p2 (1 + 1, upper('x'));
PREPARE p3 AS INSERT INTO s VALUES ($1, $2) RETURNING *;
EXECUTE p3 (10, 'ten');
EXECUTE p3 (10, 'ten');
PREPARE p4 AS SELECT * FROM s WHERE id = $1;
EXECUTE p4 (10);
PREPARE p5 AS SELECT $1;
EXECUTE p5 ('x');
PREPARE p6 AS SELECT $2::int;
EXECUTE p6 (1, 2);
PREPARE p7 AS SELECT nope;
EXECUTE nope;
DEALLOCATE p1;
EXECUTE p1 (1);
DEALLOCATE nope;
DEALLOCATE ALL;
EXECUTE p2 (1, 'x');
SELECT $1;
DECLARE c CURSOR FOR SELECT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 10) g;
FETCH c;
FETCH 3 FROM c;
FETCH FORWARD 2 FROM c;
FETCH NEXT FROM c;
FETCH ALL FROM c;
FETCH c;
CLOSE c;
FETCH c;
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT g FROM generate_series(1, 5) g;
FETCH LAST FROM c;
FETCH PRIOR FROM c;
FETCH FIRST FROM c;
FETCH ABSOLUTE 3 FROM c;
FETCH RELATIVE -1 FROM c;
FETCH BACKWARD 1 FROM c;
MOVE 2 FROM c;
FETCH 0 FROM c;
MOVE FORWARD ALL IN c;
FETCH BACKWARD ALL FROM c;
DECLARE c CURSOR FOR SELECT 1;
COMMIT;
BEGIN;
DECLARE n NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 5) g;
FETCH 2 FROM n;
FETCH PRIOR FROM n;
ROLLBACK;
DECLARE h CURSOR WITH HOLD FOR SELECT g FROM generate_series(1, 3) g;
FETCH 2 FROM h;
-- differs: catalogs
SELECT name, is_holdable FROM pg_cursors;
CLOSE h;
CLOSE nope;
CLOSE ALL;
BEGIN;
DECLARE u CURSOR FOR SELECT * FROM s ORDER BY id FOR UPDATE;
FETCH 1 FROM u;
-- differs: current-of
UPDATE s SET v = 'cur' WHERE CURRENT OF u;
-- differs: current-of
COMMIT;
-- differs: current-of
SELECT * FROM s ORDER BY id;
SHOW nope;
SET nope = 1;
SET nope.custom = 'x';
SHOW nope.custom;
SELECT current_setting('nope.custom'), current_setting('nope.other', true);
SELECT current_setting('nope');
SELECT set_config('nope.custom', 'y', false), current_setting('nope.custom');
SET statement_timeout = '5s';
SHOW statement_timeout;
SET statement_timeout = 'abc';
SET statement_timeout TO DEFAULT;
SET extra_float_digits = 0;
SELECT 0.1::float8 + 0.2::float8, 1::float8 / 3, 0.1::float4;
SET extra_float_digits = -3;
SELECT 1::float8 / 3, 1::float4 / 3;
RESET extra_float_digits;
SET extra_float_digits = 99;
SET bytea_output = 'escape';
SELECT '\x0041ff5c'::bytea;
RESET bytea_output;
SELECT '\x0041'::bytea;
SET client_encoding = 'UTF8';
SET client_min_messages = 'warning';
SET standard_conforming_strings = on;
SET application_name = 'test app';
SHOW application_name;
-- differs: version
SHOW server_version_num;
SHOW max_identifier_length;
SHOW transaction_read_only;
SHOW default_transaction_isolation;
SHOW search_path;
SHOW client_encoding;
SHOW server_encoding;
SHOW integer_datetimes;
SHOW IntervalStyle;
RESET ALL;
DISCARD ALL;
-- differs: current-of
COPY s TO STDOUT;
-- differs: current-of
COPY (SELECT id, v FROM s ORDER BY id) TO STDOUT (FORMAT csv, HEADER);
COPY (SELECT NULL, 'a,b', 'q"x', E'l\nn', '') TO STDOUT (FORMAT csv);
COPY (SELECT NULL, E'a\tb', E'back\\slash', E'l\nn', '') TO STDOUT;
COPY (SELECT 1, 'x') TO STDOUT (DELIMITER '|', NULL 'nil');
COPY (SELECT 1, 'x', NULL) TO STDOUT (FORMAT csv, FORCE_QUOTE *, QUOTE '''', NULL 'N');
COPY s FROM STDIN;
20	twenty
21	\N
22	a\tb\\c
\.
SELECT id, v FROM s WHERE id >= 20 ORDER BY id;
COPY s (v, id) FROM STDIN (FORMAT csv, HEADER true);
v,id
"quoted, ""x""",30
,31
"",32
\.
SELECT id, v, v IS NULL FROM s WHERE id >= 30 ORDER BY id;
COPY s FROM STDIN;
x	bad
\.
COPY s FROM STDIN;
40
\.
COPY s FROM STDIN;
40	a	b
\.
COPY s FROM STDIN (FORMAT csv);
20,dup
\.
COPY nope FROM STDIN;
\.
COPY s (nope) FROM STDIN;
\.
COPY s TO STDOUT (FORMAT nope);
COPY s TO STDOUT (DELIMITER 'ab');
COPY (SELECT true, 1.50, date '2020-01-01', ARRAY[1, 2], '\x01'::bytea) TO STDOUT;
SELECT current_user, session_user, current_role, user, current_catalog IS NOT NULL, current_schema;
-- differs: system-functions
SELECT version() LIKE 'PostgreSQL 15%', pg_backend_pid() > 0, inet_server_addr(), txid_current() > 0, pg_is_in_recovery();
SELECT pg_typeof(current_user), pg_typeof(version()), pg_typeof(current_database()), pg_typeof(pg_backend_pid());
SELECT to_regclass('s')::text, to_regclass('nope'), to_regtype('int4')::text, 's'::regclass::text, 'int4'::regtype, 'public'::regnamespace, 'abs(int)'::regprocedure;
SELECT 'nope'::regclass;
SELECT 'nope'::regtype;
SELECT format_type(23, NULL), format_type(1043, 9), format_type(1700, 655366), format_type(1007, NULL), format_type(0, NULL), format_type(99999, NULL);
SELECT has_table_privilege('s', 'select'), has_schema_privilege('public', 'usage'), has_column_privilege('s', 'v', 'update'), pg_table_is_visible('s'::regclass), has_database_privilege(current_database(), 'connect');
SELECT pg_get_userbyid(10), pg_encoding_to_char(6), pg_size_pretty(1024::bigint), pg_size_pretty(10240000::bigint), pg_size_pretty(1234567890123::numeric), pg_size_bytes('1 GB'), pg_relation_size('s') >= 0, pg_total_relation_size('s') > 0;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 's'::regclass;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 's'::regclass;
SELECT relname, relkind FROM pg_class WHERE relname = 's';
SELECT attname, atttypid::regtype, attnotnull, attnum FROM pg_attribute WHERE attrelid = 's'::regclass AND attnum > 0 ORDER BY attnum;
SELECT typname, typlen, typtype, typcategory FROM pg_type WHERE oid IN (16, 20, 21, 23, 25, 700, 701, 1043, 1082, 1114, 1184, 1186, 1700, 2950, 3802, 1007) ORDER BY oid;
SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'pg_catalog', 'information_schema') ORDER BY 1;
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1;
SELECT datname = current_database() FROM pg_database WHERE datname = current_database();
SELECT name, setting FROM pg_settings WHERE name IN ('max_identifier_length', 'server_encoding') ORDER BY 1;
SELECT rolname FROM pg_roles WHERE rolname = current_user;
SELECT count(*) > 100 FROM pg_proc;
SELECT num_nulls(1, NULL, 2), num_nonnulls(1, NULL), pg_column_size(1), pg_column_size('abc'::text) > 0, gen_random_uuid() IS NOT NULL, pg_sleep(0);
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}'::uuid, 'a0eebc999c0b4ef8bb6d6bb9bd380a11'::uuid < 'b0eebc999c0b4ef8bb6d6bb9bd380a11';
SELECT 'a0eebc99-9c0b'::uuid;
EXPLAIN (COSTS OFF, FORMAT nope) SELECT 1;
EXPLAIN SELECT nope;
LOCK TABLE s;
BEGIN;
LOCK TABLE s IN ACCESS EXCLUSIVE MODE NOWAIT;
LOCK TABLE nope;
ROLLBACK;
LISTEN chan;
NOTIFY chan, 'x';
UNLISTEN *;
CHECKPOINT;
-- differs: procedures
DO $$ BEGIN PERFORM 1; END $$;
GRANT SELECT ON s TO public;
CREATE ROLE someone;
DROP ROLE someone;
SELECT random() BETWEEN 0 AND 1, setseed(0.5);
SELECT setseed(2);
