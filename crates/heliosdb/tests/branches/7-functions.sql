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
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | a | update/update | 10 | 50 | 100 | 75 | computed | custom
--> t | 1 | b | update/update | one | eins | uno | eins/uno | computed | custom
--> NOTICE: merge of branch "dev" (SCN 9) into branch "main", common ancestor at SCN 5
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 2; conflicts resolved: 1; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (public.middle);
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 10 | 0 | 2 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 75 | eins/uno
--> 2 | 21 | two
--> 3 | 30 | three
SELECT column_name, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY column_name;
--> column_name | base_value | target_value | source_value | resolution | rule
--> a | {"a": 10} | {"a": 50} | {"a": 100} | computed | custom
--> b | {"b": "one"} | {"b": "eins"} | {"b": "uno"} | computed | custom

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
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | a | update/update | 10 | 50 | 100 | 100 | computed | custom
--> t | 1 | b | update/update | one | eins | uno | one! | computed | custom
--> t | 2 | NULL | update/delete | (2,20,two) | NULL | (2,21,two) | NULL | computed | custom
--> t | 3 | NULL | delete/update | (3,30,three) | (3,31,three) | NULL | NULL | computed | custom
--> NOTICE: merge of branch "dev" (SCN 12) into branch "main", common ancestor at SCN 4
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 3; conflicts resolved: 3; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (judge);
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 13 | 0 | 2 | 1 | 3 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 100 | one!
--> 3 | 31 | back
SELECT column_name, kind, resolution, rule FROM _merge_decisions ORDER BY row_key, column_name;
--> column_name | kind | resolution | rule
--> a | update/update | computed | custom
--> b | update/update | computed | custom
--> NULL | update/delete | computed | custom
--> NULL | delete/update | computed | custom

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
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM (nothing);
--> 42883 function nothing(jsonb) does not exist
-->   hint: No function matches the given name and argument types. You might need to add explicit type casts.
MERGE BRANCH dev INTO main USING STRATEGY CUSTOM;
--> 22023 strategy CUSTOM needs a function
-->   hint: Write USING STRATEGY CUSTOM (function).
SELECT * FROM t;
--> id | a
--> 1 | 12

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
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 9 | 14 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t;
--> id | a | b | c
--> 1 | 60 | 40 | 50
SELECT column_name, resolution, rule FROM _merge_decisions ORDER BY 1;
--> column_name | resolution | rule
--> a | computed | mine
--> b | computed | t.b
--> c | source | mine

-- case: a policy that only the source has
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
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 0 | 0 | 1 | 1 | NULL
SELECT * FROM t;
--> id | a
--> 1 | 13
ALTER TABLE t SET (merge.a = 'nonsense');
--> 22023 unknown conflict resolution "nonsense"
-->   hint: It is prefer_source, prefer_target, prefer_newer, prefer_older, concatenate, sum, max, min, or function and the name of one.
ALTER TABLE t SET (merge.a = 'function');
--> 22023 unknown conflict resolution "function"
-->   hint: It is prefer_source, prefer_target, prefer_newer, prefer_older, concatenate, sum, max, min, or function and the name of one.

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
--> 22012 division by zero
SELECT * FROM t;
--> id | a
--> 1 | 12
