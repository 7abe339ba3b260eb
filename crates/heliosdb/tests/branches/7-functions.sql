-- case: strategy custom with a function of values
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE FUNCTION middle(base int, target int, source int) RETURNS int LANGUAGE SQL AS 'SELECT (target + source) / 2';
CREATE FUNCTION middle(base text, target text, source text) RETURNS text LANGUAGE SQL AS 'SELECT target || ''/'' || source';
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 100, b = 'uno' WHERE id = 1;
UPDATE t SET a = 21 WHERE id = 2;
USE BRANCH main;
UPDATE t SET a = 50, b = 'eins' WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (middle) DRY RUN;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (public.middle);
SELECT * FROM t ORDER BY 1;
SELECT column_name, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY column_name;

-- case: strategy custom with a function of the whole conflict
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three'), (4, 40, 'four');
CREATE FUNCTION judge(conflict jsonb) RETURNS jsonb LANGUAGE SQL AS $$
  SELECT CASE
    WHEN conflict ->> 'column' = 'a' THEN conflict -> 'source' -> 'a'
    WHEN conflict ->> 'column' = 'b' THEN to_jsonb((conflict -> 'base' ->> 'b') || '!')
    WHEN conflict -> 'base' ->> 'id' = '2' THEN 'null'::jsonb
    WHEN conflict -> 'base' ->> 'id' = '3' THEN '{"b": "back"}'::jsonb
  END $$;
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 100, b = 'uno' WHERE id = 1;
UPDATE t SET a = 21 WHERE id = 2;
DELETE FROM t WHERE id = 3;
DELETE FROM t WHERE id = 4;
USE BRANCH main;
UPDATE t SET a = 50, b = 'eins' WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET a = 31 WHERE id = 3;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (judge) DRY RUN;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (judge);
SELECT * FROM t ORDER BY 1;
SELECT column_name, kind, resolution, rule FROM _merge_decisions ORDER BY row_key, column_name;

-- case: a function that leaves a conflict open
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 10);
CREATE FUNCTION judge(conflict jsonb) RETURNS jsonb LANGUAGE SQL AS 'SELECT NULL::jsonb';
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11;
USE BRANCH main;
UPDATE t SET a = 12;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (judge);
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (nothing);
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM;
SELECT * FROM t;

-- case: a function that reads tables, in a rule and as a policy
CREATE TABLE caps (name text PRIMARY KEY, most int);
INSERT INTO caps VALUES ('a', 60);
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c int);
INSERT INTO t VALUES (1, 10, 10, 10);
CREATE FUNCTION capped(base int, target int, source int) RETURNS int LANGUAGE SQL
  AS 'SELECT least(target + source - base, (SELECT most FROM caps WHERE name = ''a''))';
CREATE FUNCTION lower(base int, target int, source int) RETURNS int LANGUAGE SQL AS 'SELECT least(target, source)';
CREATE TABLE _merge_rules (rule_name text, position int, table_pattern text, column_pattern text, strategy text);
INSERT INTO _merge_rules VALUES ('mine', 1, 't', 'a', 'function capped'), ('mine', 2, 't', 'c', 'prefer_source');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 50, b = 50, c = 50;
USE BRANCH main;
UPDATE t SET a = 40, b = 40, c = 40;
ALTER TABLE t SET (merge.b = 'function lower');
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION mine;
SELECT * FROM t;
SELECT column_name, resolution, rule FROM _merge_decisions ORDER BY 1;

-- case: a policy of the target counts before that of the source
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 10);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t SET (merge.a = 'max');
UPDATE t SET a = 11;
CREATE BRANCH dev2;
USE BRANCH main;
UPDATE t SET a = 13;
MERGE BRANCH dev INTO main;
SELECT * FROM t;
ALTER TABLE t SET (merge.a = 'nonsense');
ALTER TABLE t SET (merge.a = 'function');

-- case: a function that fails
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 10);
CREATE FUNCTION f(base int, target int, source int) RETURNS int LANGUAGE SQL AS 'SELECT base / (target - target)';
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11;
USE BRANCH main;
UPDATE t SET a = 12;
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (f);
SELECT * FROM t;
