-- case: manual, resolved with SQL
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11, b = 'dev' WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET a = 33 WHERE id = 3;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 22 | two
--> 3 | 30 | three
SELECT conflict_id, table_name, kind, column_names, source_value, target_value, base_value, resolution FROM _merge_conflicts_m10 ORDER BY 1;
--> conflict_id | table_name | kind | column_names | source_value | target_value | base_value | resolution
--> 1 | public.t | update/update | {a} | {"a": 11, "id": 1} | {"a": 12, "id": 1} | {"a": 10, "id": 1} | NULL
--> 2 | public.t | delete/update | NULL | NULL | {"a": 22, "b": "two", "id": 2} | {"a": 20, "b": "two", "id": 2} | NULL
COMPLETE MERGE m10;
--> 55000 merge "m10" has 2 open conflicts
-->   hint: UPDATE _merge_conflicts_m10 SET resolution = 'source' (or 'target', 'base', or a JSON object of column values) WHERE resolution IS NULL
UPDATE _merge_conflicts_m10 SET resolution = 'source', resolved_by = current_user WHERE conflict_id = 1;
UPDATE _merge_conflicts_m10 SET resolution = 'target' WHERE conflict_id = 2;
COMPLETE MERGE m10 DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | a | update/update | 10 | 12 | 11 | 11 | source | manual
--> t | 2 | NULL | delete/update | (2,20,two) | (2,22,two) | NULL | NULL | target | manual
--> NOTICE: merge of branch "dev" (SCN 9) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 2; conflicts resolved: 2; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
COMPLETE MERGE m10;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 13 | 0 | 2 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | dev
--> 2 | 22 | two
--> 3 | 33 | three
SELECT table_name, column_name, kind, resolution, rule FROM _merge_decisions ORDER BY 2;
--> table_name | column_name | kind | resolution | rule
--> public.t | a | update/update | source | manual
--> public.t | NULL | delete/update | target | manual
COMPLETE MERGE m10;
--> 42704 merge "m10" does not exist
-->   hint: Waiting merges are the rows of table _merges on their target branch.
SELECT merge_id, source, source_scn, target, strategy FROM _merges;
--> merge_id | source | source_scn | target | strategy
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 9 | NULL | 0 | 0 | 0 | 0 | 0 | NULL

-- case: manual, resolved with values
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11, b = 'dev' WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET a = 33 WHERE id = 3;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
UPDATE _merge_conflicts_m10 SET resolution = '{"a": 1000}' WHERE kind = 'update/update';
UPDATE _merge_conflicts_m10 SET resolution = 'base' WHERE kind = 'delete/update';
COMPLETE MERGE m10;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 13 | 0 | 3 | 0 | 2 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 1000 | dev
--> 2 | 20 | two
--> 3 | 33 | three

-- case: manual, given up
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11, b = 'dev' WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET a = 33 WHERE id = 3;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
ABORT MERGE m10;
SELECT merge_id, source, source_scn, target, strategy FROM _merges;
--> merge_id | source | source_scn | target | strategy
SELECT * FROM _merge_conflicts_m10;
--> 42P01 relation "_merge_conflicts_m10" does not exist
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 22 | two
--> 3 | 30 | three

-- case: manual, a bad resolution
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11, b = 'dev' WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET a = 33 WHERE id = 3;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> conflicts to resolve | dev | main | 3 | NULL | 0 | 0 | 0 | 2 | 0 | m10
--> NOTICE: merge "m10" waits: resolve its conflicts in table _merge_conflicts_m10 and run COMPLETE MERGE m10
UPDATE _merge_conflicts_m10 SET resolution = 'whatever';
COMPLETE MERGE m10;
--> 22023 invalid resolution "whatever"
-->   It is that of conflict 1.
-->   hint: A resolution is source, target, base, or a JSON object of column values.

-- case: manual without conflicts
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY MANUAL;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 1 | 0 | 0 | 0 | NULL

-- case: cherry-pick
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
UPDATE t SET b = 'zwei' WHERE id = 2;
USE BRANCH main;
SELECT transaction, branch_name, rows_put FROM helios_log('dev');
--> transaction | branch_name | rows_put
--> 6 | dev | 1
--> 5 | dev | 1
--> 3 | main | 3
--> 2 | main | 1
--> 1 | main | 1
CHERRY PICK TRANSACTION 6 DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NOTICE: cherry-pick of transaction 6 (SCN 6) into branch "main", common ancestor at SCN 5
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 1; conflicts resolved: 0; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
CHERRY PICK TRANSACTION 6;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | cherry-pick of transaction 6 | main | 5 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | zwei
--> 3 | 30 | three
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | zwei
--> 3 | 30 | three

-- case: undo
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
DELETE FROM t WHERE id = 2;
UPDATE t SET b = 'uno' WHERE id = 1;
SELECT transaction, branch_name, rows_put, rows_deleted FROM helios_log();
--> transaction | branch_name | rows_put | rows_deleted
--> 7 | main | 1 | 0
--> 6 | main | 0 | 1
--> 5 | main | 1 | 0
--> 3 | main | 3 | 0
--> 2 | main | 1 | 0
--> 1 | main | 1 | 0
UNDO TRANSACTION 5;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | undo of transaction 5 | main | 5 | 8 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | uno
--> 3 | 30 | three
UNDO TRANSACTION 6;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | undo of transaction 6 | main | 6 | 9 | 1 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | uno
--> 2 | 20 | two
--> 3 | 30 | three
UPDATE t SET a = 99 WHERE id = 1;
UNDO TRANSACTION 5;
--> 40002 undo of transaction 5 into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
UNDO TRANSACTION 5 STRATEGY = theirs;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | undo of transaction 5 | main | 5 | 11 | 0 | 1 | 0 | 1 | 0 | NULL

-- case: comparing branches
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (4, 40, 'four');
CREATE TABLE n (id int PRIMARY KEY);
ALTER TABLE t ADD COLUMN c int;
USE BRANCH main;
UPDATE t SET b = 'drei' WHERE id = 3;
SELECT * FROM pg_compare_branches('main', 'dev');
--> table_name | rows_added | rows_changed | rows_deleted | schema_change
--> n | 0 | 0 | 0 | created
--> t | 1 | 2 | 1 | altered
SELECT * FROM pg_compare_branches('dev', 'dev');
--> table_name | rows_added | rows_changed | rows_deleted | schema_change
SELECT * FROM helios_diff('t', 'main', 'dev');
--> row_key | operation | changed_columns | from_row | to_row | base_row
--> 1 | update | {a} | {"a": 10, "b": "one", "id": 1} | {"a": 11, "b": "one", "c": null, "id": 1} | {"a": 10, "b": "one", "id": 1}
--> 2 | delete | {} | {"a": 20, "b": "two", "id": 2} | NULL | {"a": 20, "b": "two", "id": 2}
--> 3 | update | {b} | {"a": 30, "b": "drei", "id": 3} | {"a": 30, "b": "three", "c": null, "id": 3} | {"a": 30, "b": "three", "id": 3}
--> 4 | insert | {} | NULL | {"a": 40, "b": "four", "c": null, "id": 4} | NULL
SELECT row_key, operation FROM helios_diff('t', 'main@3', 'main');
--> row_key | operation
--> 3 | update
SELECT * FROM helios_schema_diff('main', 'dev');
--> object_type | object_name | operation | from_definition | to_definition
--> table | t | alter | CREATE TABLE t (id integer NOT NULL, a integer, b text, CONSTRAINT t_pkey PRIMARY KEY (id)) | CREATE TABLE t (id integer NOT NULL, a integer, b text, c integer, CONSTRAINT t_pkey PRIMARY KEY (id))
--> table | n | create | NULL | CREATE TABLE n (id integer NOT NULL, CONSTRAINT n_pkey PRIMARY KEY (id))
SELECT * FROM helios_merge_base('main', 'dev');
--> branch_name | scn
--> main | 3
SELECT * FROM helios_diff('nope', 'main', 'dev');
--> row_key | operation | changed_columns | from_row | to_row | base_row
--> 42P01 relation "nope" does not exist
SELECT * FROM helios_diff('t', 'main', 'nope');
--> row_key | operation | changed_columns | from_row | to_row | base_row
--> 42704 branch "nope" does not exist
SELECT * FROM helios_diff('t', 'main', 'dev@99999');
--> row_key | operation | changed_columns | from_row | to_row | base_row
--> 22023 change number 99999 is in the future
SELECT * FROM helios_diff('t');
--> 42883 function helios_diff does not take 1 arguments

-- case: blame, history and log
SET helios.commit_author = 'ann';
SET helios.commit_message = 'load';
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
SET helios.commit_message = 'first change';
UPDATE t SET a = 11 WHERE id = 1;
RESET helios.commit_message;
DELETE FROM t WHERE id = 1;
INSERT INTO t VALUES (1, 1, 'again');
SELECT row_key, scn, transaction, branch_name, author, message FROM helios_blame('t');
--> row_key | scn | transaction | branch_name | author | message
--> 1 | 7 | 7 | main | ann | NULL
--> 2 | 3 | 3 | main | ann | load
--> 3 | 3 | 3 | main | ann | load
SELECT row_key, scn FROM helios_blame('t', 1);
--> row_key | scn
--> 1 | 7
SELECT operation, branch_name, scn, end_scn, author, message, row FROM helios_history('t', 1);
--> operation | branch_name | scn | end_scn | author | message | row
--> insert | main | 7 | NULL | ann | NULL | {"a": 1, "b": "again", "id": 1}
--> delete | main | 6 | 7 | ann | NULL | NULL
--> update | main | 5 | 6 | ann | first change | {"a": 11, "b": "one", "id": 1}
--> insert | main | 3 | 5 | ann | load | {"a": 10, "b": "one", "id": 1}
SELECT operation, scn FROM helios_history('t', 'x');
--> operation | scn
--> 22P02 invalid input syntax for type integer: "x"
SELECT scn, lsn, branch_name, author, message, merged, rows_put FROM helios_log('main', 3);
--> scn | lsn | branch_name | author | message | merged | rows_put
--> 7 | 0/00000007 | main | ann | NULL | NULL | 1
--> 6 | 0/00000006 | main | ann | NULL | NULL | 0
--> 5 | 0/00000005 | main | ann | first change | NULL | 1
SELECT branch_name, fork_point_txn, status FROM pg_database_branches();
--> branch_name | fork_point_txn | status
--> main | NULL | active
--> dev | 3 | active

-- case: read-only branches
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
ALTER DATABASE BRANCH dev SET READ_ONLY;
USE BRANCH dev;
INSERT INTO t VALUES (4, 4, 'x');
--> 25006 cannot execute INSERT in a read-only transaction
-->   Branch "dev" is read-only.
-->   hint: ALTER DATABASE BRANCH dev SET WRITABLE allows writing again.
USE BRANCH main;
MERGE BRANCH main INTO dev;
--> 25006 branch "dev" is read-only
-->   hint: ALTER DATABASE BRANCH dev SET WRITABLE allows writing again.
ALTER DATABASE BRANCH dev SET WRITABLE;
USE BRANCH dev;
INSERT INTO t VALUES (4, 4, 'x');

-- case: branches that cannot be merged
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
MERGE BRANCH nope INTO main;
--> 42704 branch "nope" does not exist
MERGE BRANCH dve INTO main;
--> 42704 branch "dve" does not exist
-->   hint: Perhaps you meant the branch "dev".
MERGE BRANCH main INTO main;
--> 22023 cannot merge branch "main" into itself
BEGIN;
MERGE BRANCH dev INTO main;
--> 25001 MERGE BRANCH cannot run inside a transaction block
ROLLBACK;
COMPLETE MERGE m99;
--> 42704 merge "m99" does not exist
-->   hint: Waiting merges are the rows of table _merges on their target branch.
ABORT MERGE m99;
--> 42704 merge "m99" does not exist
-->   hint: Waiting merges are the rows of table _merges on their target branch.
CHERRY PICK TRANSACTION 9999;
--> 42704 transaction 9999 has not committed, or is no longer known
UNDO TRANSACTION 9999;
--> 42704 transaction 9999 has not committed, or is no longer known
DROP BRANCH main;
--> 42501 cannot drop branch "main"
-->   It is the root of all branches.
CREATE BRANCH x WITH (region = 'eu');
--> 0A000 branch option "region" is only supported on a cluster
-->   hint: This database runs in one process.
CREATE BRANCH x OPTIONS (retention = '1 day');
--> 42704 unrecognized branch option "retention"
-->   hint: Options are auto_compression, bulk_load_threshold, comment, gc_policy, hybrid_storage, hybrid_storage_access_count_threshold, hybrid_storage_cold_threshold, hybrid_storage_hot_threshold, hybrid_storage_min_rows, read_only, retention_period, ttl.
CREATE BRANCH x OPTIONS (read_only = true, retention_period = '1 day', gc_policy = balanced);

-- case: drop with children
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE BRANCH child FROM dev;
DROP BRANCH dev;
--> 2BP01 cannot drop branch "dev" because other objects depend on it
-->   branch "child" depends on branch "dev"
-->   hint: Use DROP ... CASCADE to drop the dependent objects too.
DROP BRANCH dev CASCADE;
--> NOTICE: drop cascades to branch "child"
DROP BRANCH IF EXISTS dev;
--> NOTICE: branch "dev" does not exist, skipping
SELECT branch_name FROM pg_branches;
--> branch_name
--> main

-- case: named snapshots
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE SNAPSHOT before;
UPDATE t SET a = 0;
CREATE SNAPSHOT before;
--> 42710 snapshot "before" already exists
CREATE SNAPSHOT IF NOT EXISTS before;
--> NOTICE: snapshot "before" already exists, skipping
DROP SNAPSHOT before;
DROP SNAPSHOT before;
--> 42704 snapshot "before" does not exist
DROP SNAPSHOT IF EXISTS before;
--> NOTICE: snapshot "before" does not exist, skipping
