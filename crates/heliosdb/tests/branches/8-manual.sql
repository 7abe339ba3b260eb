-- case: manual, the target changed after the decision
CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = v * 10;
USE BRANCH main;
UPDATE t SET v = v * 100;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 4 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
UPDATE _merge_conflicts_m7 SET resolution = 'source' WHERE conflict_id = 1;
UPDATE _merge_conflicts_m7 SET resolution = 'target' WHERE conflict_id = 2;
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 7}' WHERE conflict_id = 3;
UPDATE _merge_conflicts_m7 SET resolution = 'source' WHERE conflict_id = 4;
UPDATE t SET v = 555 WHERE id < 4;
UPDATE t SET w = 444 WHERE id = 4;
COMPLETE MERGE m7 DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | v | update/update | 1 | 555 | 10 | NULL | conflict | 
--> t | 2 | v | update/update | 2 | 555 | 20 | 555 | target | manual
--> t | 3 | v | update/update | 3 | 555 | 30 | NULL | conflict | 
--> t | 4 | v | update/update | 4 | 400 | 40 | 40 | source | manual
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 1; conflicts resolved: 2; open conflicts: 2
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m7
--> NOTICE: merge "m7" still waits: branch "main" has changed since; conflicts that are not what they were are open again in table _merge_conflicts_m7
SELECT conflict_id, target_value, resolution FROM _merge_conflicts_m7 ORDER BY row_key;
--> conflict_id | target_value | resolution
--> 5 | {"v": 555, "id": 1} | NULL
--> 2 | {"v": 200, "id": 2} | target
--> 6 | {"v": 555, "id": 3} | NULL
--> 4 | {"v": 400, "id": 4} | source
SELECT * FROM t ORDER BY id;
--> id | v | w
--> 1 | 555 | 1
--> 2 | 555 | 2
--> 3 | 555 | 3
--> 4 | 400 | 444
UPDATE _merge_conflicts_m7 SET resolution = 'source' WHERE resolution IS NULL;
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 16 | 0 | 3 | 0 | 4 | 0 | NULL
SELECT * FROM t ORDER BY id;
--> id | v | w
--> 1 | 10 | 1
--> 2 | 555 | 2
--> 3 | 30 | 3
--> 4 | 40 | 444
SELECT * FROM _merge_conflicts_m7;
--> 42P01 relation "_merge_conflicts_m7" does not exist
SELECT primary_key, column_name, target_value, resolution, rule FROM _merge_decisions;
--> primary_key | column_name | target_value | resolution | rule
--> {"id": 1} | v | {"v": 555} | source | manual
--> {"id": 2} | v | {"v": 555} | target | manual
--> {"id": 3} | v | {"v": 555} | source | manual
--> {"id": 4} | v | {"v": 400} | source | manual
SELECT * FROM helios_merges();
--> merge_id | source | source_scn | target

-- case: manual, the conflict became another one
CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = v * 10, w = w * 10;
USE BRANCH main;
UPDATE t SET v = v * 100;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 3 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
UPDATE _merge_conflicts_m7 SET resolution = 'target';
UPDATE t SET w = 100 WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET v = 30 WHERE id = 3;
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m7
--> NOTICE: merge "m7" still waits: branch "main" has changed since; conflicts that are not what they were are open again in table _merge_conflicts_m7
SELECT conflict_id, kind, column_names, source_value, target_value, resolution FROM _merge_conflicts_m7 ORDER BY row_key;
--> conflict_id | kind | column_names | source_value | target_value | resolution
--> 4 | update/update | {v,w} | {"v": 10, "w": 10, "id": 1} | {"v": 100, "w": 100, "id": 1} | NULL
--> 5 | update/delete | NULL | {"v": 20, "w": 20, "id": 2} | NULL | NULL
--> 3 | update/update | {v} | {"v": 30, "id": 3} | {"v": 300, "id": 3} | target
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 1, "w": 2}' WHERE resolution IS NULL;
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 14 | 1 | 2 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY id;
--> id | v | w
--> 1 | 1 | 2
--> 2 | 1 | 2
--> 3 | 30 | 30

-- case: manual, a value for a row that one side deleted
CREATE TABLE t (id int PRIMARY KEY, v int, w int, g int GENERATED ALWAYS AS (v + w) STORED);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10 WHERE id = 1;
DELETE FROM t WHERE id = 2;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
UPDATE t SET w = 20 WHERE id = 2;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m9
--> NOTICE: merge "m9" waits: resolve its conflicts in table _merge_conflicts_m9 and run COMPLETE MERGE m9
UPDATE _merge_conflicts_m9 SET resolution = '{"v": 99}';
COMPLETE MERGE m9;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 11 | 1 | 1 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY id;
--> id | v | w | g
--> 1 | 99 | 1 | 100
--> 2 | 99 | 20 | 119

-- case: manual, resolutions that do not decide
CREATE TABLE t (id int PRIMARY KEY, v int, w int, x int);
INSERT INTO t VALUES (1, 1, 1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10, w = 10;
USE BRANCH main;
UPDATE t SET v = 20, w = 20;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5}';
COMPLETE MERGE m7;
--> 22023 invalid resolution of conflict 1
-->   It does not say what becomes of column "w".
-->   hint: A resolution is source, target, base, or a JSON object with a value for each column in conflict.
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5, "w": 6, "x": 7}';
COMPLETE MERGE m7;
--> 22023 invalid resolution of conflict 1
-->   Column "x" is not one of those in conflict: v, w.
-->   hint: A resolution is source, target, base, or a JSON object with a value for each column in conflict.
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5, "w": 6, "nope": 7}';
COMPLETE MERGE m7;
--> 22023 invalid resolution of conflict 1
-->   Column "nope" is not one of those in conflict: v, w.
-->   hint: A resolution is source, target, base, or a JSON object with a value for each column in conflict.
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5, "w": 6, "id": 2}';
COMPLETE MERGE m7;
--> 22023 invalid resolution of conflict 1
-->   Column "id" is not one of those in conflict: v, w.
-->   hint: A resolution is source, target, base, or a JSON object with a value for each column in conflict.
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5, "w": "six"}';
COMPLETE MERGE m7;
--> 22P02 invalid input syntax for type integer: "six"
-->   It is what a resolution says of column "w".
UPDATE _merge_conflicts_m7 SET resolution = 'mine';
COMPLETE MERGE m7;
--> 22023 invalid resolution "mine"
-->   It is that of conflict 1.
-->   hint: A resolution is source, target, base, or a JSON object of column values.
UPDATE _merge_conflicts_m7 SET resolution = '{"v": 5, "w": "6", "id": 1}';
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 15 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t;
--> id | v | w | x
--> 1 | 5 | 6 | 1

-- case: manual, given up with a bad resolution
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10;
USE BRANCH main;
UPDATE t SET v = 20;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
UPDATE _merge_conflicts_m7 SET resolution = 'mine';
ABORT MERGE m7;
SELECT * FROM helios_merges();
--> merge_id | source | source_scn | target

-- case: manual, merged otherwise in the meantime
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10;
USE BRANCH main;
UPDATE t SET v = 20;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 0 | 1 | 0 | NULL
UPDATE _merge_conflicts_m7 SET resolution = 'target';
COMPLETE MERGE m7;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 6 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT count(*) FROM _merges;
--> count
--> 0
SELECT * FROM helios_merges();
--> merge_id | source | source_scn | target
SELECT * FROM t;
--> id | v
--> 1 | 10

-- case: manual, with another search path
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10;
USE BRANCH main;
UPDATE t SET v = 20;
CREATE SCHEMA mine;
SET search_path = mine, public;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m8
--> NOTICE: merge "m8" waits: resolve its conflicts in table _merge_conflicts_m8 and run COMPLETE MERGE m8
SELECT schemaname, tablename FROM pg_tables WHERE tablename LIKE '\_merge%' ORDER BY 2;
--> schemaname | tablename
--> public | _merge_conflicts_m8
--> public | _merges
UPDATE _merge_conflicts_m8 SET resolution = 'source';
SET search_path = mine;
COMPLETE MERGE m8;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 10 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT v FROM public.t;
--> v
--> 10

-- case: manual, both branches renamed
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
CREATE BRANCH source;
CREATE BRANCH target;
USE BRANCH source;
UPDATE t SET v = 10;
USE BRANCH target;
UPDATE t SET v = 20;
MERGE BRANCH source INTO target USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | source | target | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m8
--> NOTICE: merge "m8" waits: resolve its conflicts in table _merge_conflicts_m8 and run COMPLETE MERGE m8
UPDATE _merge_conflicts_m8 SET resolution = 'source';
CREATE BRANCH fork_of_target;
ALTER BRANCH source RENAME TO source2;
ALTER BRANCH target RENAME TO target2;
CREATE BRANCH target FROM main;
SELECT * FROM helios_merges();
--> merge_id | source | source_scn | target
--> m8 | source2 | 7 | target2
USE BRANCH main;
COMPLETE MERGE m8;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | source2 | target2 | 3 | 14 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t AS OF BRANCH target2;
--> id | v
--> 1 | 10
ABORT MERGE m8;
--> 42704 merge "m8" does not exist
-->   hint: Waiting merges are the rows of table _merges on their target branch.

-- case: dropping what a merge waits for
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10;
USE BRANCH main;
UPDATE t SET v = 20;
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 1 | 0 | m7
--> NOTICE: merge "m7" waits: resolve its conflicts in table _merge_conflicts_m7 and run COMPLETE MERGE m7
DROP BRANCH dev;
--> 2BP01 cannot drop branch "dev" because other objects depend on it
-->   waiting merge "m7" depends on branch "dev"
-->   hint: Use DROP ... CASCADE to drop the dependent objects too.
DROP BRANCH dev CASCADE;
--> NOTICE: drop cascades to waiting merge "m7"
SELECT count(*) FROM _merges;
--> count
--> 0
SELECT * FROM _merge_conflicts_m7;
--> 42P01 relation "_merge_conflicts_m7" does not exist
COMPLETE MERGE m7;
--> 42704 merge "m7" does not exist
-->   hint: Waiting merges are the rows of table _merges on their target branch.
CREATE BRANCH source;
CREATE BRANCH target;
USE BRANCH source;
UPDATE t SET v = 30;
USE BRANCH target;
UPDATE t SET v = 40;
USE BRANCH main;
MERGE BRANCH source INTO target USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | source | target | 9 | NULL | 0 | 0 | 0 | 1 | 0 | m15
--> NOTICE: merge "m15" waits: resolve its conflicts in table _merge_conflicts_m15 and run COMPLETE MERGE m15
SELECT source, target FROM helios_merges();
--> source | target
--> source | target
DROP BRANCH target;
SELECT source, target FROM helios_merges();
--> source | target
DROP BRANCH source;

-- case: domains in conflict
CREATE DOMAIN pos AS int CHECK (value > 0);
CREATE TABLE t (id int PRIMARY KEY, v pos, a pos[]);
INSERT INTO t VALUES (1, 1, '{1}');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 10, a = '{10}';
USE BRANCH main;
UPDATE t SET v = 20, a = '{20}';
SELECT from_row, to_row FROM helios_diff('t', 'main', 'dev');
--> from_row | to_row
--> {"a": [20], "v": 20, "id": 1} | {"a": [10], "v": 10, "id": 1}
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 4 | NULL | 0 | 0 | 0 | 1 | 0 | m8
--> NOTICE: merge "m8" waits: resolve its conflicts in table _merge_conflicts_m8 and run COMPLETE MERGE m8
SELECT source_value, target_value, base_value FROM _merge_conflicts_m8;
--> source_value | target_value | base_value
--> {"a": [10], "v": 10, "id": 1} | {"a": [20], "v": 20, "id": 1} | {"a": [1], "v": 1, "id": 1}
UPDATE _merge_conflicts_m8 SET resolution = '{"v": -1, "a": [3]}';
COMPLETE MERGE m8;
--> 23514 value for domain pos violates check constraint "pos_check"
-->   It is what a resolution says of column "v".
UPDATE _merge_conflicts_m8 SET resolution = '{"v": 1, "a": [-3]}';
COMPLETE MERGE m8;
--> 23514 value for domain pos violates check constraint "pos_check"
-->   It is what a resolution says of column "a".
UPDATE _merge_conflicts_m8 SET resolution = '{"v": 1, "a": [3, null]}';
COMPLETE MERGE m8;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 12 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t;
--> id | v | a
--> 1 | 1 | {3,NULL}
USE BRANCH dev;
UPDATE t SET v = 11;
USE BRANCH main;
UPDATE t SET v = 21;
MERGE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 7 | 15 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT primary_key, column_name, source_value FROM _merge_decisions ORDER BY transaction, column_name;
--> primary_key | column_name | source_value
--> {"id": 1} | a | {"a": [10]}
--> {"id": 1} | v | {"v": 10}
--> {"id": 1} | v | {"v": 11}

-- case: computed values are held to what columns may have
CREATE DOMAIN small AS int CHECK (value < 100);
CREATE TABLE t (id int PRIMARY KEY, d small, v varchar(8), n numeric(4, 1)) WITH (merge.d = 'sum', merge.v = 'concatenate', merge.n = 'sum');
INSERT INTO t VALUES (1, 60, 'abcd', 500);
CREATE BRANCH a;
CREATE BRANCH b;
CREATE BRANCH c;
CREATE BRANCH d;
USE BRANCH a;
UPDATE t SET d = 90;
USE BRANCH b;
UPDATE t SET v = 'abcdxyz';
USE BRANCH c;
UPDATE t SET n = 950;
USE BRANCH d;
UPDATE t SET d = 65, v = 'abcd78', n = 600;
USE BRANCH main;
UPDATE t SET d = 80, v = 'abcd56', n = 700;
MERGE BRANCH a INTO main;
--> 23514 value for domain small violates check constraint "small_check"
-->   It is what "t.d" makes of column "d" of table "t".
MERGE BRANCH b INTO main;
--> 22001 value too long for type character varying(8)
-->   It is what "t.v" makes of column "v" of table "t".
MERGE BRANCH c INTO main;
--> 22003 numeric field overflow
-->   A field with precision 4, scale 1 must round to an absolute value less than 10^3.
MERGE BRANCH d INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | d | main | 7 | 14 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t;
--> id | d | v | n
--> 1 | 85 | abcd5678 | 800.0
ALTER TABLE t RESET (merge.v);
CREATE BRANCH e;
USE BRANCH e;
UPDATE t SET v = 'e';
USE BRANCH main;
UPDATE t SET v = 'main';
MERGE BRANCH e INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | e | main | 15 | NULL | 0 | 0 | 0 | 1 | 0 | m19
--> NOTICE: merge "m19" waits: resolve its conflicts in table _merge_conflicts_m19 and run COMPLETE MERGE m19
SELECT merge_id FROM helios_merges();
--> merge_id
--> m19
UPDATE _merge_conflicts_m19 SET resolution = '{"v": "too long for it"}';
COMPLETE MERGE m19;
--> 22001 value too long for type character varying(8)
-->   It is what a resolution says of column "v".

-- case: manual, no row in the base
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (1, 1);
USE BRANCH main;
INSERT INTO t VALUES (1, 2);
MERGE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 2 | NULL | 0 | 0 | 0 | 1 | 0 | m6
--> NOTICE: merge "m6" waits: resolve its conflicts in table _merge_conflicts_m6 and run COMPLETE MERGE m6
UPDATE _merge_conflicts_m6 SET resolution = 'base';
COMPLETE MERGE m6;
--> 22023 invalid resolution of conflict 1
-->   There is no row in the base.
-->   hint: A resolution is source, target, base, or a JSON object with a value for each column in conflict.

-- case: branches with snapshots are not dropped unasked
CREATE TABLE t (id int PRIMARY KEY);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (1);
CREATE SNAPSHOT kept;
CREATE BRANCH child;
USE BRANCH child;
DROP BRANCH dev;
--> 55006 cannot drop the current branch "child"
-->   hint: Switch to another branch with USE BRANCH first.
DROP BRANCH dev CASCADE;
--> 55006 cannot drop the current branch "child"
-->   hint: Switch to another branch with USE BRANCH first.
USE BRANCH main;
DROP BRANCH dev;
--> 2BP01 cannot drop branch "dev" because other objects depend on it
-->   branch "child" depends on branch "dev"
-->   snapshot "kept" depends on branch "dev"
-->   hint: Use DROP ... CASCADE to drop the dependent objects too.
SELECT count(*) FROM t AS OF SNAPSHOT kept;
--> count
--> 1
DROP BRANCH IF EXISTS dev CASCADE;
--> NOTICE: drop cascades to 2 other objects
SELECT * FROM helios_snapshots();
--> snapshot_name | branch_name | scn | committed_at
SELECT branch_name FROM helios_branches();
--> branch_name
--> main
DROP BRANCH main CASCADE;
--> 42501 cannot drop branch "main"
-->   It is the root of all branches.

-- case: a branch and a snapshot have different names
CREATE SNAPSHOT one;
CREATE BRANCH one;
--> 42710 snapshot "one" already exists
-->   A branch and a snapshot cannot have the same name.
CREATE BRANCH two;
CREATE SNAPSHOT two;
--> 42710 branch "two" already exists
-->   A branch and a snapshot cannot have the same name.
CREATE SNAPSHOT main;
--> 42710 branch "main" already exists
-->   A branch and a snapshot cannot have the same name.
ALTER BRANCH two RENAME TO one;
--> 42710 snapshot "one" already exists
-->   A branch and a snapshot cannot have the same name.
CREATE SNAPSHOT "merge m1 into 0";
--> 42602 unacceptable snapshot name "merge m1 into 0"
-->   Such names are those of merges that wait.

-- case: options of branches
CREATE BRANCH b WITH (ttl = '1 day', ttl = '2 days');
--> 42601 branch option "ttl" is given more than once
CREATE BRANCH b WITH (read_only = 7);
--> 22023 invalid value for branch option "read_only": "7"
-->   hint: It is true or false.
CREATE BRANCH b WITH (ttl = 'soon');
--> 22023 invalid value for branch option "ttl": "soon"
-->   hint: It is an interval that is not negative, such as 7 days, or none.
CREATE BRANCH b WITH (retention_period = '-1 day');
--> 22023 invalid value for branch option "retention_period": "-1 day"
-->   hint: It is an interval that is not negative, such as 7 days, or none.
CREATE BRANCH b WITH (colour = 'blue');
--> 42704 unrecognized branch option "colour"
-->   hint: Options are auto_compression, bulk_load_threshold, comment, gc_policy, hybrid_storage, hybrid_storage_access_count_threshold, hybrid_storage_cold_threshold, hybrid_storage_hot_threshold, hybrid_storage_min_rows, read_only, retention_period, ttl.
CREATE BRANCH b WITH (coment = 'x');
--> 42704 unrecognized branch option "coment"
-->   hint: Perhaps you meant "comment".

-- case: statements on a read-only branch
CREATE TABLE t (id int PRIMARY KEY);
CREATE BRANCH ro WITH (read_only = true);
USE BRANCH ro;
CREATE TABLE u (id int);
--> 25006 cannot execute CREATE TABLE in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
DROP TABLE t;
--> 25006 cannot execute DROP TABLE in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
TRUNCATE t;
--> 25006 cannot execute TRUNCATE TABLE in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
CREATE INDEX ON t (id);
--> 25006 cannot execute CREATE INDEX in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
COPY t FROM STDIN;
--> 08P01 no data was given for COPY FROM STDIN
SELECT nextval('s');
--> nextval
--> 42P01 relation "s" does not exist
GRANT SELECT ON t TO PUBLIC;
--> 25006 cannot execute GRANT in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.

-- case: main has another name
ALTER BRANCH main RENAME TO trunk;
CREATE BRANCH dev;
SELECT helios_branch();
--> helios_branch
--> trunk
USE BRANCH dev;
SELECT helios_branch();
--> helios_branch
--> dev
USE BRANCH main;
--> 42704 branch "main" does not exist
USE BRANCH trunk;
DISCARD ALL;
SELECT helios_branch();
--> helios_branch
--> trunk

-- case: policies follow their columns
CREATE TABLE t (id int PRIMARY KEY, n int, m int) WITH (merge.n = 'sum');
INSERT INTO t VALUES (1, 10, 10);
ALTER TABLE t SET (merge.nope = 'sum');
--> 42703 column "nope" of relation "t" does not exist
CREATE TABLE u (id int) WITH (merge.nope = 'sum');
--> 42703 column "nope" of relation "u" does not exist
ALTER TABLE t RENAME COLUMN n TO total;
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET total = 15;
ALTER TABLE t SET (merge.m = 'max');
COMMENT ON TABLE t IS 'of dev';
USE BRANCH main;
UPDATE t SET total = 30;
ALTER TABLE t SET (retention_period = '1 day');
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 11 | 0 | 1 | 0 | 1 | 1 | NULL
SELECT * FROM t;
--> id | total | m
--> 1 | 35 | 10
SELECT reloptions, obj_description(oid) FROM pg_class WHERE relname = 't';
--> reloptions | obj_description
--> {merge.m=max,merge.total=sum,"retention_period=1 day"} | of dev
ALTER TABLE t RESET (merge.total);
ALTER TABLE t DROP COLUMN m;
SELECT reloptions FROM pg_class WHERE relname = 't';
--> reloptions
--> {"retention_period=1 day"}
CREATE BRANCH other;
USE BRANCH other;
ALTER TABLE t SET (merge.total = 'max');
USE BRANCH main;
ALTER TABLE t SET (merge.total = 'min');
MERGE BRANCH other INTO main;
--> 40002 merge of branch "other" into branch "main" has 1 conflict
-->   option "merge.total" of table "t" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: undone twice
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
UNDO TRANSACTION 3;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | undo of transaction 3 | main | 3 | 4 | 0 | 0 | 1 | 0 | 0 | NULL
UNDO TRANSACTION 3;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | undo of transaction 3 | main | 3 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
CHERRY PICK TRANSACTION 3;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | cherry-pick of transaction 3 | main | 2 | 5 | 1 | 0 | 0 | 0 | 0 | NULL
CHERRY PICK TRANSACTION 3;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | cherry-pick of transaction 3 | main | 2 | NULL | 0 | 0 | 0 | 0 | 0 | NULL

-- case: a domain's values are added up
CREATE DOMAIN small AS int CHECK (value < 100);
CREATE TABLE t (id int PRIMARY KEY, d small) WITH (merge.d = 'sum');
INSERT INTO t VALUES (1, 60);
CREATE BRANCH a;
USE BRANCH a;
UPDATE t SET d = 70;
USE BRANCH main;
UPDATE t SET d = 65;
MERGE BRANCH a INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | a | main | 4 | 8 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT d FROM t;
--> d
--> 75
USE BRANCH a;
UPDATE t SET d = 95;
USE BRANCH main;
UPDATE t SET d = 90;
MERGE BRANCH a INTO main;
--> 23514 value for domain small violates check constraint "small_check"
-->   It is what "t.d" makes of column "d" of table "t".
MERGE BRANCH a INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | constraint violation | NULL | NULL | NULL | value for domain small violates check constraint "small_check": It is what "t.d" makes of column "d" of table "t". | conflict | NULL
