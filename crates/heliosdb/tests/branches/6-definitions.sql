-- case: column dropped on the target, written on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   update/drop in table "t", row 1: b
-->   update/drop in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | b | update/drop | one | NULL | uno | NULL | conflict | 
--> t | 4 | b | update/drop | NULL | NULL | four | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 8) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 3; conflicts resolved: 0; open conflicts: 2
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 22
--> 3 | 30

-- case: column dropped on the target, written on the source, strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | update/drop | {"b": "one"} | NULL | {"b": "uno"} | target | ours
--> public.t | b | update/drop | NULL | NULL | {"b": "four"} | target | ours

-- case: column dropped on the target, written on the source, strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | update/drop | {"b": "one"} | NULL | {"b": "uno"} | source | theirs
--> public.t | b | update/drop | NULL | NULL | {"b": "four"} | source | theirs

-- case: column dropped on the target, written on the source, strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | update/drop | {"b": "one"} | NULL | {"b": "uno"} | target | last_write_wins
--> public.t | b | update/drop | NULL | NULL | {"b": "four"} | target | last_write_wins

-- case: column dropped on the target, written on the source, strategy rule_based
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main USING STRATEGY RULE_BASED;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   update/drop in table "t", row 1: b
-->   update/drop in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 22
--> 3 | 30
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> 42P01 relation "_merge_decisions" does not exist

-- case: column dropped on the target, written on the source, rule prefer_source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_source;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the target, written on the source, rule prefer_target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_target;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50

-- case: column dropped on the target, written on the source, rule prefer_newer
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_newer;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50

-- case: column dropped on the target, written on the source, rule prefer_older
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_older;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 2 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the target, written on the source, rule max
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION max;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   update/drop in table "t", row 1: b
-->   update/drop in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 22
--> 3 | 30

-- case: column dropped on the target, written on the source, by hand
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
UPDATE t SET a = 99 WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 3 | 0 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
SELECT conflict_id, table_name, kind, column_names, base_value, target_value, source_value FROM _merge_conflicts_m10 ORDER BY 1;
--> conflict_id | table_name | kind | column_names | base_value | target_value | source_value
--> 1 | public.t | update/update | {a} | {"a": 10, "id": 1} | {"a": 99, "id": 1} | {"a": 11, "id": 1}
--> 2 | public.t | update/drop | {b} | {"b": "one", "id": 1} | NULL | {"b": "uno", "id": 1}
--> 3 | public.t | update/drop | {b} | NULL | NULL | {"b": "four", "id": 4}
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE kind = 'update/update';
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE conflict_id = 2;
UPDATE _merge_conflicts_m10 SET resolution = 'target' WHERE conflict_id = 3;
COMPLETE MERGE m10;
--> 22023 column "b" of table "t" cannot stay for some rows and go for others
-->   hint: Resolve all conflicts over a dropped column for the same side.
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE kind <> 'update/update';
COMPLETE MERGE m10 DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | schema | NULL | NULL | NULL | restore column "t"."b" | source | NULL
--> t | 1 | a | update/update | 10 | 99 | 11 | 11 | source | manual
--> t | 1 | b | update/drop | one | NULL | uno | uno | source | manual
--> t | 4 | b | update/drop | NULL | NULL | four | four | source | manual
--> NOTICE: merge of branch "dev" (SCN 9) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 3; conflicts resolved: 3; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
UPDATE _merge_conflicts_m10 SET resolution = '{"b": "given"}' WHERE conflict_id = 2;
UPDATE _merge_conflicts_m10 SET resolution = 'base' WHERE conflict_id = 3;
COMPLETE MERGE m10;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 17 | 2 | 1 | 0 | 3 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | given
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | NULL
--> 5 | 50 | NULL

-- case: column dropped on the source, written on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   drop/update in table "t", row 1: b
-->   drop/update in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | schema | NULL | NULL | NULL | drop column "t"."b" | source | NULL
--> t | 1 | b | drop/update | one | uno | NULL | NULL | conflict | 
--> t | 4 | b | drop/update | NULL | four | NULL | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 8) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 1; conflicts resolved: 0; open conflicts: 2
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the source, written on the target, strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | drop/update | {"b": "one"} | {"b": "uno"} | NULL | target | ours
--> public.t | b | drop/update | NULL | {"b": "four"} | NULL | target | ours

-- case: column dropped on the source, written on the target, strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | drop/update | {"b": "one"} | {"b": "uno"} | NULL | source | theirs
--> public.t | b | drop/update | NULL | {"b": "four"} | NULL | source | theirs

-- case: column dropped on the source, written on the target, strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | b | drop/update | {"b": "one"} | {"b": "uno"} | NULL | target | last_write_wins
--> public.t | b | drop/update | NULL | {"b": "four"} | NULL | target | last_write_wins

-- case: column dropped on the source, written on the target, strategy rule_based
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main USING STRATEGY RULE_BASED;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   drop/update in table "t", row 1: b
-->   drop/update in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY row_key;
--> 42P01 relation "_merge_decisions" does not exist

-- case: column dropped on the source, written on the target, rule prefer_source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_source;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50

-- case: column dropped on the source, written on the target, rule prefer_target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_target;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the source, written on the target, rule prefer_newer
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_newer;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the source, written on the target, rule prefer_older
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_older;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 2 | 22
--> 3 | 30
--> 4 | 40
--> 5 | 50

-- case: column dropped on the source, written on the target, rule max
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
MERGE BRANCH dev INTO main WITH CONFLICT RESOLUTION max;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   drop/update in table "t", row 1: b
-->   drop/update in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the source, written on the target, by hand
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four'), (5, 50, NULL);
UPDATE t SET a = 99 WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 1 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
SELECT conflict_id, table_name, kind, column_names, base_value, target_value, source_value FROM _merge_conflicts_m10 ORDER BY 1;
--> conflict_id | table_name | kind | column_names | base_value | target_value | source_value
--> 1 | public.t | drop/update | {b} | {"b": "one", "id": 1} | {"b": "uno", "id": 1} | NULL
--> 2 | public.t | drop/update | {b} | NULL | {"b": "four", "id": 4} | NULL
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE kind = 'update/update';
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE conflict_id = 2;
UPDATE _merge_conflicts_m10 SET resolution = 'target' WHERE conflict_id = 3;
COMPLETE MERGE m10;
--> 55000 merge "m10" has 1 open conflicts
-->   hint: UPDATE _merge_conflicts_m10 SET resolution = 'source' (or 'target', 'base', or a JSON object of column values) WHERE resolution IS NULL
UPDATE _merge_conflicts_m10 SET resolution = 'source' WHERE kind <> 'update/update';
COMPLETE MERGE m10 DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | schema | NULL | NULL | NULL | drop column "t"."b" | source | NULL
--> t | 1 | b | drop/update | one | uno | NULL | NULL | source | manual
--> t | 4 | b | drop/update | NULL | four | NULL | NULL | source | manual
--> NOTICE: merge of branch "dev" (SCN 9) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 1; conflicts resolved: 2; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
UPDATE _merge_conflicts_m10 SET resolution = '{"b": "given"}' WHERE conflict_id = 2;
UPDATE _merge_conflicts_m10 SET resolution = 'base' WHERE conflict_id = 3;
COMPLETE MERGE m10;
--> 22023 column "b" of table "t" cannot stay for some rows and go for others
-->   hint: Resolve all conflicts over a dropped column for the same side.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 99 | uno
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four
--> 5 | 50 | NULL

-- case: column dropped on the target, the row deleted, too
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno' WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/drop in table "t", row 1: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 1 | 0 | 0 | 2 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: column dropped on the source, the row deleted, too
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   drop/update in table "t", row 1: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 0 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: two columns dropped, one on each side
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN a;
UPDATE t SET b = 'uno' WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 99 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 2 conflicts
-->   drop/update in table "t", row 1: a
-->   update/drop in table "t", row 1: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 0 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 99
--> 2 | 20
--> 3 | 30

-- case: two columns dropped, one on each side, theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN a;
UPDATE t SET b = 'uno' WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
UPDATE t SET a = 99 WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 2 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | b
--> 1 | uno
--> 2 | two
--> 3 | three

-- case: dropped column with a default, an index, a check and a unique key
CREATE TABLE t (id int PRIMARY KEY, a int, n int DEFAULT 5 CHECK (n > 0));
CREATE UNIQUE INDEX t_n ON t (n) WHERE n <> 5;
INSERT INTO t VALUES (1, 1, 5), (2, 2, 6);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET n = 7 WHERE id = 1;
INSERT INTO t (id) VALUES (4);
USE BRANCH main;
ALTER TABLE t DROP COLUMN n;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/drop in table "t", row 1: n
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 9 | 1 | 1 | 0 | 1 | 3 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | n
--> 1 | 1 | 7
--> 2 | 2 | 6
--> 4 | NULL | 5
INSERT INTO t VALUES (9, NULL, 7);
--> 23505 duplicate key value violates unique constraint "t_n"
-->   Key (n)=(7) already exists.
INSERT INTO t VALUES (9, NULL, -1);
--> 23514 new row for relation "t" violates check constraint "t_n_check"
-->   Failing row contains (9, null, -1).
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1;
--> indexname
--> t_n
--> t_pkey

-- case: dropped column with a default, kept with its index and check
CREATE TABLE t (id int PRIMARY KEY, a int, n int DEFAULT 5 CHECK (n > 0));
CREATE UNIQUE INDEX t_n ON t (n);
INSERT INTO t VALUES (1, 1, 5), (2, 2, 6);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN n;
USE BRANCH main;
UPDATE t SET n = 7 WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 8 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | n
--> 1 | 1 | 7
--> 2 | 2 | 6
INSERT INTO t VALUES (9, NULL, 7);
--> 23505 duplicate key value violates unique constraint "t_n"
-->   Key (n)=(7) already exists.
INSERT INTO t VALUES (9, NULL, -1);
--> 23514 new row for relation "t" violates check constraint "t_n_check"
-->   Failing row contains (9, null, -1).
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1;
--> indexname
--> t_n
--> t_pkey

-- case: dropped serial column comes back
CREATE TABLE t (id int PRIMARY KEY, n serial);
INSERT INTO t VALUES (1), (2);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET n = 100 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN n;
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | n
--> 1 | 100
--> 2 | 2
INSERT INTO t (id) VALUES (3) RETURNING n;
--> n
--> 3

-- case: a column that came later, dropped, comes back
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 1), (2, 2);
ALTER TABLE t ADD COLUMN c int DEFAULT 3;
UPDATE t SET c = 4 WHERE id = 2;
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET c = 100 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN c;
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 9 | 0 | 1 | 0 | 1 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | c
--> 1 | 1 | 100
--> 2 | 2 | 4
UPDATE t SET c = c + 1;
USE BRANCH dev;
MERGE BRANCH main INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main | dev | 8 | 11 | 0 | 2 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | c
--> 1 | 1 | 101
--> 2 | 2 | 5

-- case: dropped column kept, merged back
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
USE BRANCH dev;
MERGE BRANCH main INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main | dev | 6 | 8 | 0 | 3 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 7 | 9 | 0 | 0 | 0 | 0 | 0 | NULL

-- case: column dropped on one side, its row untouched on the other
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
DELETE FROM t WHERE id = 2;
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 1 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 11
--> 3 | 30

-- case: column dropped and added again with another type
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
ALTER TABLE t ADD COLUMN b int DEFAULT 5;
UPDATE t SET b = 6 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 99 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | 6
--> 2 | 99 | 5
--> 3 | 30 | 5

-- case: column dropped and added again, written on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
ALTER TABLE t ADD COLUMN b int DEFAULT 5;
USE BRANCH main;
UPDATE t SET b = 'dos' WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   drop/update in table "t", row 2: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> 42701 column "b" of table "t" cannot stay, since another of that name was added
-->   hint: Rename one of them first, or let the dropped one go.
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 0 | 0 | 1 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | 5
--> 2 | 20 | 5
--> 3 | 30 | 5

-- case: column renamed on the source, written on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME COLUMN b TO label;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | label
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: column renamed on the target, written on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno' WHERE id = 1;
USE BRANCH main;
ALTER TABLE t RENAME COLUMN b TO label;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | label
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: columns exchange their names
CREATE TABLE t (id int PRIMARY KEY, a int, c int);
INSERT INTO t VALUES (1, 10, 100), (2, 20, 200);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME COLUMN a TO x;
ALTER TABLE t RENAME COLUMN c TO a;
ALTER TABLE t RENAME COLUMN x TO c;
UPDATE t SET c = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 21 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 10 | 0 | 1 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | c | a
--> 1 | 11 | 100
--> 2 | 21 | 200

-- case: column renamed, another takes its name
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME COLUMN b TO old_b;
ALTER TABLE t ADD COLUMN b int;
UPDATE t SET b = 5 WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | old_b | b
--> 1 | 10 | uno | 5
--> 2 | 20 | two | NULL
--> 3 | 30 | three | NULL

-- case: columns added on both sides, merged both ways
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD COLUMN d int DEFAULT 1;
UPDATE t SET d = 2 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ADD COLUMN m int DEFAULT 3;
UPDATE t SET m = 4 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT id, d, m FROM t ORDER BY 1;
--> id | d | m
--> 1 | 2 | 3
--> 2 | 1 | 4
--> 3 | 1 | 3
USE BRANCH dev;
MERGE BRANCH main INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main | dev | 8 | 10 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT id, d, m FROM t ORDER BY 1;
--> id | d | m
--> 1 | 2 | 3
--> 2 | 1 | 4
--> 3 | 1 | 3
UPDATE t SET d = 20, m = 40 WHERE id = 3;
USE BRANCH main;
UPDATE t SET d = 10 WHERE id = 2;
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 9 | 13 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT id, d, m FROM t ORDER BY 1;
--> id | d | m
--> 1 | 2 | 3
--> 2 | 10 | 4
--> 3 | 20 | 40

-- case: properties of a column changed on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN b SET NOT NULL;
USE BRANCH main;
ALTER TABLE t ALTER COLUMN b SET DEFAULT 'x';
COMMENT ON COLUMN t.b IS 'text';
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 0 | 0 | 0 | 1 | NULL
INSERT INTO t (id) VALUES (4);
INSERT INTO t VALUES (5, 5, NULL);
--> 23502 null value in column "b" of relation "t" violates not-null constraint
-->   Failing row contains (5, 5, null).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | NULL | x

-- case: defaults of a column changed differently
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN b SET DEFAULT 'x';
USE BRANCH main;
ALTER TABLE t ALTER COLUMN b SET DEFAULT 'y';
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   column "b" of table "t" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: not null on the target against nulls of the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (9, 9, NULL);
USE BRANCH main;
ALTER TABLE t ALTER COLUMN b SET NOT NULL;
MERGE DATABASE BRANCH dev INTO main;
--> 23502 null value in column "b" of relation "t" violates not-null constraint
-->   Failing row contains (9, 9, null).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: check of the target against rows of the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = -1 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0);
MERGE DATABASE BRANCH dev INTO main;
--> 23514 new row for relation "t" violates check constraint "pos"
-->   Failing row contains (1, -1, one).

-- case: unique of the target against rows of the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 20 WHERE id = 1;
USE BRANCH main;
CREATE UNIQUE INDEX t_a ON t (a);
MERGE DATABASE BRANCH dev INTO main;
--> 23505 duplicate key value violates unique constraint "t_a"
-->   Key (a)=(20) already exists.

-- case: unique of the source against rows of both
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD CONSTRAINT t_a UNIQUE (a);
INSERT INTO t VALUES (4, 40, 'four');
USE BRANCH main;
INSERT INTO t VALUES (5, 40, 'five');
MERGE DATABASE BRANCH dev INTO main;
--> 23505 could not create unique index "t_a"
-->   Key (a)=(40) is duplicated.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 5 | 40 | five

-- case: foreign key of the target against rows of the source
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
INSERT INTO p VALUES (1);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO c VALUES (1, 99);
USE BRANCH main;
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p;
MERGE DATABASE BRANCH dev INTO main;
--> 23503 insert or update on table "c" violates foreign key constraint "c_p_fkey"
-->   Key (p)=(99) is not present in table "p".

-- case: foreign key of the target against a row deleted on the source
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
INSERT INTO p VALUES (1);
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM p WHERE id = 1;
USE BRANCH main;
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p;
INSERT INTO c VALUES (1, 1);
MERGE DATABASE BRANCH dev INTO main;
--> 23503 update or delete on table "p" violates foreign key constraint "c_p_fkey" on table "c"
-->   Key (id)=(1) is still referenced from table "c".

-- case: foreign key of the source against a row deleted on the target
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
INSERT INTO p VALUES (1);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p;
INSERT INTO c VALUES (1, 1);
USE BRANCH main;
DELETE FROM p WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 23503 insert or update on table "c" violates foreign key constraint "c_p_fkey"
-->   Key (p)=(1) is not present in table "p".
SELECT * FROM c;
--> id | p

-- case: check replaced under its name
CREATE TABLE t (id int PRIMARY KEY, a int, b text, CONSTRAINT pos CHECK (a > 0));
INSERT INTO t VALUES (1, 10, 'one');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP CONSTRAINT pos;
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 5);
USE BRANCH main;
SELECT 1;
--> ?column?
--> 1
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 2 | NULL
INSERT INTO t VALUES (9, 3, 'x');
--> 23514 new row for relation "t" violates check constraint "pos"
-->   Failing row contains (9, 3, x).

-- case: index replaced under its name
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE INDEX t_i ON t (a);
INSERT INTO t VALUES (1, 10, 'one');
CREATE BRANCH dev;
USE BRANCH dev;
DROP INDEX t_i;
CREATE INDEX t_i ON t (b);
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 8 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT indexdef FROM pg_indexes WHERE indexname = 't_i';
--> indexdef
--> CREATE INDEX t_i ON public.t USING btree (b)

-- case: table dropped and made again alike on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (7, 70, 'seven');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 1 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 7 | 70 | seven

-- case: table dropped and made again otherwise on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
CREATE TABLE t (id text PRIMARY KEY);
INSERT INTO t VALUES ('x');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 1 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id
--> x

-- case: table dropped and made again on the source, written on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
USE BRANCH main;
UPDATE t SET a = 0 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the source and changed on the target
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: table renamed on the source, a new one takes its name
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME TO t_old;
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (7, 70, 'seven');
USE BRANCH main;
UPDATE t SET a = 0 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 1 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 7 | 70 | seven
SELECT * FROM t_old ORDER BY 1;
--> id | a | b
--> 1 | 0 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: tables exchange their names
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE u (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 1);
INSERT INTO u VALUES (2, 2);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME TO x;
ALTER TABLE u RENAME TO t;
ALTER TABLE x RENAME TO u;
USE BRANCH main;
UPDATE t SET a = 0 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 11 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 2 | 2
SELECT * FROM u ORDER BY 1;
--> id | a
--> 1 | 0

-- case: table with its foreign keys and views dropped and made again
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t);
INSERT INTO t VALUES (1, 1);
INSERT INTO c VALUES (1, 1);
CREATE VIEW v AS SELECT a FROM t;
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t CASCADE;
--> NOTICE: drop cascades to 2 other objects
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
ALTER TABLE c ADD FOREIGN KEY (t) REFERENCES t;
CREATE VIEW v AS SELECT id FROM t;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 6 | 13 | 1 | 0 | 0 | 0 | 6 | NULL
SELECT * FROM v;
--> id
--> 1
INSERT INTO c VALUES (2, 9);
--> 23503 insert or update on table "c" violates foreign key constraint "c_t_fkey"
-->   Key (t)=(9) is not present in table "t".

-- case: view dropped and made again
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE VIEW v AS SELECT id FROM t;
CREATE BRANCH dev;
USE BRANCH dev;
DROP VIEW v;
CREATE VIEW v AS SELECT id FROM t;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 8 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM v ORDER BY 1 LIMIT 1;
--> id
--> 1

-- case: view dropped and made again otherwise
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE VIEW v AS SELECT id FROM t;
CREATE BRANCH dev;
USE BRANCH dev;
DROP VIEW v;
CREATE VIEW v AS SELECT b FROM t;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 8 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM v ORDER BY 1 LIMIT 1;
--> b
--> one

-- case: view changed on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE VIEW v AS SELECT id FROM t;
CREATE BRANCH dev;
USE BRANCH dev;
CREATE OR REPLACE VIEW v AS SELECT id, a FROM t;
USE BRANCH main;
CREATE OR REPLACE VIEW v AS SELECT id, b FROM t;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   view "v" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: view of the target reads a column that the source drops
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
USE BRANCH main;
CREATE VIEW v AS SELECT b FROM t;
MERGE DATABASE BRANCH dev INTO main;
--> 2BP01 cannot drop column b of table t because other objects depend on it
-->   view v depends on column b of table t
-->   hint: Use DROP ... CASCADE to drop the dependent objects too.

-- case: sequence dropped and made again
CREATE SEQUENCE s;
CREATE BRANCH dev;
USE BRANCH dev;
DROP SEQUENCE s;
CREATE SEQUENCE s START 100;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 2 | 6 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT nextval('s');
--> nextval
--> 100

-- case: sequence changed on both sides
CREATE SEQUENCE s;
CREATE BRANCH dev;
USE BRANCH dev;
ALTER SEQUENCE s INCREMENT 5;
USE BRANCH main;
ALTER SEQUENCE s INCREMENT 7;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   sequence "s" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: function dropped and made again
CREATE FUNCTION f(x int) RETURNS int LANGUAGE SQL AS 'SELECT x + 1';
CREATE BRANCH dev;
USE BRANCH dev;
DROP FUNCTION f(int);
CREATE FUNCTION f(x int) RETURNS text LANGUAGE SQL AS 'SELECT x::text || ''!''';
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 2 | 6 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT f(3);
--> f
--> 3!

-- case: function changed on both sides
CREATE FUNCTION f(x int) RETURNS int LANGUAGE SQL AS 'SELECT x + 1';
CREATE BRANCH dev;
USE BRANCH dev;
CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE SQL AS 'SELECT x + 2';
USE BRANCH main;
CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE SQL AS 'SELECT x + 3';
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   function "f" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: labels added to an enum on both sides
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE m (id int PRIMARY KEY, v mood);
INSERT INTO m VALUES (1, 'ok');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TYPE mood ADD VALUE 'sad' AFTER 'ok';
UPDATE m SET v = 'sad';
USE BRANCH main;
ALTER TYPE mood ADD VALUE 'glad' BEFORE 'ok';
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 9 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT unnest(enum_range(NULL::mood));
--> unnest
--> glad
--> ok
--> sad
SELECT * FROM m;
--> id | v
--> 1 | sad

-- case: labels of an enum added and renamed
CREATE TYPE mood AS ENUM ('ok');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TYPE mood ADD VALUE 'sad';
USE BRANCH main;
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   type "mood" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: type dropped and made again
CREATE TYPE mood AS ENUM ('ok');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('x', 'y');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 2 | 6 | 0 | 0 | 0 | 0 | 2 | NULL
SELECT unnest(enum_range(NULL::mood));
--> unnest
--> x
--> y

-- case: domain changed on both sides
CREATE DOMAIN d AS int;
CREATE BRANCH dev;
USE BRANCH dev;
ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 100);
USE BRANCH main;
ALTER DOMAIN d ADD CONSTRAINT even CHECK (VALUE % 2 = 0);
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   type "d" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: domain of the source against rows of the target
CREATE DOMAIN d AS int;
CREATE TABLE x (id int PRIMARY KEY, v d);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 100);
USE BRANCH main;
INSERT INTO x VALUES (1, 500);
MERGE DATABASE BRANCH dev INTO main;
--> 23514 column "v" of table "x" contains values that violate the new constraint
SELECT * FROM x;
--> id | v
--> 1 | 500

-- case: domain of the target against rows of the source
CREATE DOMAIN d AS int;
CREATE TABLE x (id int PRIMARY KEY, v d);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO x VALUES (1, 500);
USE BRANCH main;
ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 100);
MERGE DATABASE BRANCH dev INTO main;
--> 23514 column "v" of table "x" contains values that violate the new constraint
SELECT * FROM x;
--> id | v

-- case: type narrowed on the target, a wide value on the source
CREATE TABLE t (id int PRIMARY KEY, a numeric);
INSERT INTO t VALUES (1, 1), (2, 2);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 1.5 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ALTER COLUMN a TYPE int;
MERGE DATABASE BRANCH dev INTO main;
--> 42804 column "a" of table "t" has a value on the source that type integer cannot hold
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 1
--> 2 | 2

-- case: type changed alike on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
UPDATE t SET b = 'dos' WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | dos
--> 3 | 30 | three

-- case: table dropped on the target, rows added on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'four');
USE BRANCH main;
DROP TABLE t;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the target and its rows were changed on the source
-->   hint: Make the definitions alike on one of the branches and merge again.
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the target and its rows were changed on the source
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: table dropped on the source, rows added on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'four');
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the source and changed on the target
-->   hint: Make the definitions alike on one of the branches and merge again.
MERGE BRANCH dev INTO main USING STRATEGY OURS;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the source and changed on the target
-->   hint: Make the definitions alike on one of the branches and merge again.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four

-- case: truncate in a criss-cross
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
CREATE BRANCH dev0;
USE BRANCH main;
UPDATE t SET a = 22 WHERE id = 2;
CREATE BRANCH main0;
MERGE BRANCH dev0 INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev0 | main | 3 | 9 | 0 | 1 | 0 | 0 | 0 | NULL
MERGE BRANCH main0 INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main0 | dev | 3 | 10 | 0 | 1 | 0 | 0 | 0 | NULL
USE BRANCH dev;
UPDATE t SET b = 'drei' WHERE id = 3;
ALTER TABLE t ALTER COLUMN b TYPE varchar(20);
USE BRANCH main;
ALTER TABLE t ALTER COLUMN b TYPE varchar(20);
UPDATE t SET b = 'uno' WHERE id = 1;
SELECT * FROM helios_merge_base('main', 'dev');
--> branch_name | scn
--> main | 7
--> dev | 5
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 7 | 15 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | two
--> 3 | 30 | drei
