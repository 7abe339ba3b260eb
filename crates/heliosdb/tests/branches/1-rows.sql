-- case: nothing to merge
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 3 | NULL | 0 | 0 | 0 | 0 | 0 | NULL

-- case: insert on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'four');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 1 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four

-- case: update on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: delete on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 2;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 0 | 1 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 3 | 30 | three

-- case: changes on the target stay
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
UPDATE t SET a = 99 WHERE id = 3;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 3 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 99 | three

-- case: different rows
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 22 | two
--> 3 | 30 | three

-- case: different cells of a row
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: the same change on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: the same insert on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'x');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'x');
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | x

-- case: the same delete on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 30 | three

-- case: changed and changed back
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
UPDATE t SET a = 10 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 3 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy abort
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY ABORT;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update strategy = theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main STRATEGY = theirs;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy rule_based
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY rule_based;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy custom
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY CUSTOM;
--> 22023 strategy CUSTOM needs a function
-->   hint: Write USING STRATEGY CUSTOM (function).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update using strategy nonsense
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY nonsense;
--> 22023 unknown merge strategy "nonsense"
-->   hint: Strategies are ABORT, OURS, THEIRS, MANUAL, LAST_WRITE_WINS, RULE_BASED and CUSTOM (function).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule prefer_source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_source;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule prefer_target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_target;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule prefer_newer
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_newer;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule prefer_older
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION prefer_older;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule sum
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION sum;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 13 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule max
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION max;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule min
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION min;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule concatenate
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION concatenate;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update with rule unknown_rule
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION unknown_rule;
--> 42704 conflict resolution rule "unknown_rule" does not exist
-->   hint: Rules are prefer_source, prefer_target, prefer_newer, prefer_older, concatenate, sum, max, min, or rows of a table _merge_rules (rule_name, position, table_pattern, column_pattern, strategy).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: update/update dry run
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY rule_based DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | a | update/update | 10 | 12 | 11 | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 0 ()
--> NOTICE: rows to merge: 0; conflicts resolved: 0; open conflicts: 1
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION sum DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | a | update/update | 10 | 12 | 11 | 13 | computed | sum
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 1 (t)
--> NOTICE: rows to merge: 1; conflicts resolved: 1; open conflicts: 0
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source updated, target deleted
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/delete in table "t", row 1
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source updated, target deleted using strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source updated, target deleted using strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 1 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source updated, target deleted using strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source updated, target deleted, dry run
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
DELETE FROM t WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | NULL | update/delete | (1,10,one) | NULL | (1,11,one) | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 0 ()
--> NOTICE: rows to merge: 0; conflicts resolved: 0; open conflicts: 1
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB

-- case: source deleted, target updated
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   delete/update in table "t", row 1
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source deleted, target updated using strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source deleted, target updated using strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 1 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source deleted, target updated using strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: source deleted, target updated, dry run
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM t WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 11 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 1 | NULL | delete/update | (1,10,one) | (1,11,one) | NULL | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 0 ()
--> NOTICE: rows to merge: 0; conflicts resolved: 0; open conflicts: 1
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB

-- case: insert/insert
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'dev');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'main');
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   insert/insert in table "t", row 4: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | main

-- case: insert/insert using strategy ours
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'dev');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'main');
MERGE DATABASE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | main

-- case: insert/insert using strategy theirs
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'dev');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'main');
MERGE DATABASE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | dev

-- case: insert/insert using strategy last_write_wins
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'dev');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'main');
MERGE DATABASE BRANCH dev INTO main USING STRATEGY LAST_WRITE_WINS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | main

-- case: insert/insert, dry run
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO t VALUES (4, 40, 'dev');
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'main');
MERGE DATABASE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> t | 4 | b | insert/insert | NULL | main | dev | NULL | conflict | 
--> NOTICE: merge of branch "dev" (SCN 6) into branch "main", common ancestor at SCN 3
--> NOTICE: tables to modify: 0 ()
--> NOTICE: rows to merge: 0; conflicts resolved: 0; open conflicts: 1
--> NOTICE: estimated time: some seconds; estimated storage: +0.0 MB

-- case: concatenate text
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = b || ' dev' WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = b || ' main' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION concatenate;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one main dev
--> 2 | 20 | two
--> 3 | 30 | three

-- case: concatenate arrays
CREATE TABLE l (id int PRIMARY KEY, v int[]);
INSERT INTO l VALUES (1, '{1}');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE l SET v = v || 2;
USE BRANCH main;
UPDATE l SET v = v || 3;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION concatenate;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM l;
--> id | v
--> 1 | {1,3,2}

-- case: sum of numerics
CREATE TABLE n (id int PRIMARY KEY, v numeric(10,2));
INSERT INTO n VALUES (1, 100);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE n SET v = v + 0.50;
USE BRANCH main;
UPDATE n SET v = v - 1;
MERGE DATABASE BRANCH dev INTO main WITH CONFLICT RESOLUTION sum;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM n;
--> id | v
--> 1 | 99.50

-- case: rules in a table
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE TABLE _merge_rules (rule_name text, position int, table_pattern text, column_pattern text, strategy text);
INSERT INTO _merge_rules VALUES ('shop', 1, 't', 'a', 'Sum'), ('shop', 2, '.*', '.*', 'PreferSource');
USE BRANCH dev;
UPDATE t SET a = 11, b = 'dev' WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12, b = 'main' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY rule_based WITH CONFLICT RESOLUTION shop;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 13 | dev
--> 2 | 20 | two
--> 3 | 30 | three
SELECT table_name, column_name, kind, base_value, target_value, source_value, resolution, rule FROM _merge_decisions ORDER BY column_name;
--> table_name | column_name | kind | base_value | target_value | source_value | resolution | rule
--> public.t | a | update/update | {"a": 10} | {"a": 12} | {"a": 11} | computed | shop
--> public.t | b | update/update | {"b": "one"} | {"b": "main"} | {"b": "dev"} | source | shop

-- case: a policy of a column
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
ALTER TABLE t SET (merge.a = 'max');
CREATE BRANCH dev2;
USE BRANCH dev2;
UPDATE t SET a = 50 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 40 WHERE id = 1;
MERGE BRANCH dev2 INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev2 | main | 5 | 9 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 50 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: requiring
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = -5 WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main REQUIRING (SELECT min(a) >= 0 FROM t);
--> P0004 the merged state does not satisfy REQUIRING
-->   The query returned false instead of one row with true.
-->   hint: nothing was merged
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
MERGE DATABASE BRANCH dev INTO main REQUIRING (SELECT count(*) = 3 FROM t);
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | -5 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: repeated merges
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 1 | 0 | 0 | 0 | NULL
USE BRANCH dev;
UPDATE t SET a = 12 WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 8 | 0 | 1 | 0 | 0 | 0 | NULL
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 7 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: merges both ways
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = 'zwei' WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
MERGE BRANCH main INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main | dev | 6 | 8 | 0 | 1 | 0 | 0 | 0 | NULL
USE BRANCH dev;
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | zwei
--> 3 | 30 | three
UPDATE t SET b = 'deux' WHERE id = 2;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 7 | 10 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | deux
--> 3 | 30 | three

-- case: a merge of a merge, through a third branch
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
CREATE BRANCH feature;
USE BRANCH feature;
UPDATE t SET a = 22 WHERE id = 2;
USE BRANCH main;
MERGE BRANCH feature INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | feature | main | 3 | 8 | 0 | 2 | 0 | 0 | 0 | NULL
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 5 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 22 | two
--> 3 | 30 | three

-- case: criss-cross without conflict
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE BRANCH x;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
USE BRANCH x;
UPDATE t SET a = 22 WHERE id = 2;
CREATE BRANCH x0;
USE BRANCH dev;
CREATE BRANCH dev0;
MERGE BRANCH x0 INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | x0 | dev | 3 | 10 | 0 | 1 | 0 | 0 | 0 | NULL
MERGE BRANCH dev0 INTO x;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev0 | x | 3 | 11 | 0 | 1 | 0 | 0 | 0 | NULL
UPDATE t SET b = 'dev' WHERE id = 1;
USE BRANCH x;
UPDATE t SET b = 'x' WHERE id = 2;
MERGE BRANCH dev INTO x;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | x | 8 | 14 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | dev
--> 2 | 22 | x
--> 3 | 30 | three

-- case: criss-cross with different resolutions
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE BRANCH x;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
CREATE BRANCH dev0;
USE BRANCH main;
USE BRANCH x;
UPDATE t SET a = 22 WHERE id = 1;
CREATE BRANCH x0;
MERGE BRANCH dev0 INTO x USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev0 | x | 3 | 10 | 0 | 0 | 0 | 1 | 0 | NULL
MERGE BRANCH x0 INTO dev USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | x0 | dev | 3 | 11 | 0 | 0 | 0 | 1 | 0 | NULL
MERGE BRANCH dev INTO x;
--> 40002 merge of branch "dev" into branch "x" has 1 conflict
-->   update/update in table "t", row 1: a
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 22 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: parent deleted on the source, child added on the target
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO p VALUES (1), (2);
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM p WHERE id = 1;
USE BRANCH main;
INSERT INTO c VALUES (1, 1);
MERGE DATABASE BRANCH dev INTO main;
--> 23503 update or delete on table "p" violates foreign key constraint "c_p_fkey" on table "c"
-->   Key (id)=(1) is still referenced from table "c".
MERGE DATABASE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | constraint violation | NULL | NULL | NULL | update or delete on table "p" violates foreign key constraint "c_p_fkey" on table "c": Key (id)=(1) is still referenced from table "c". | conflict | NULL
SELECT * FROM p ORDER BY 1;
--> id
--> 1
--> 2

-- case: child added on the source, parent deleted on the target
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO p VALUES (1), (2);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO c VALUES (1, 1);
USE BRANCH main;
DELETE FROM p WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 23503 insert or update on table "c" violates foreign key constraint "c_p_fkey"
-->   Key (p)=(1) is not present in table "p".
SELECT * FROM c;
--> id | p

-- case: parent and child added together
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO p VALUES (1), (2);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO p VALUES (3);
INSERT INTO c VALUES (1, 3);
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 8 | 2 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM c;
--> id | p
--> 1 | 3

-- case: parent and child deleted together
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM c;
DELETE FROM p WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 9 | 0 | 0 | 2 | 0 | 0 | NULL
SELECT * FROM p;
--> id
--> 2

-- case: a cascade of the source takes no more than it took there
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
DELETE FROM p WHERE id = 1;
USE BRANCH main;
INSERT INTO c VALUES (9, 1);
MERGE DATABASE BRANCH dev INTO main;
--> 23503 update or delete on table "p" violates foreign key constraint "c_p_fkey" on table "c"
-->   Key (id)=(1) is still referenced from table "c".
SELECT * FROM c ORDER BY 1;
--> id | p
--> 1 | 1
--> 9 | 1

-- case: unique keys exchanged
CREATE TABLE u (id int PRIMARY KEY, v int UNIQUE);
INSERT INTO u VALUES (1, 1), (2, 2);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE u SET v = 3 WHERE id = 1;
UPDATE u SET v = 1 WHERE id = 2;
UPDATE u SET v = 2 WHERE id = 1;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 2 | 0 | 0 | 0 | NULL
SELECT * FROM u ORDER BY 1;
--> id | v
--> 1 | 2
--> 2 | 1

-- case: unique violation of the merged state
CREATE TABLE u (id int PRIMARY KEY, v int UNIQUE);
INSERT INTO u VALUES (1, 1), (2, 2);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO u VALUES (3, 7);
USE BRANCH main;
INSERT INTO u VALUES (4, 7);
MERGE DATABASE BRANCH dev INTO main;
--> 23505 duplicate key value violates unique constraint "u_v_key"
-->   Key (v)=(7) already exists.
MERGE DATABASE BRANCH dev INTO main DRY RUN;
--> table_name | row_key | column_name | kind | base | ours | theirs | result | resolution | rule
--> NULL | NULL | NULL | constraint violation | NULL | NULL | NULL | duplicate key value violates unique constraint "u_v_key": Key (v)=(7) already exists. | conflict | NULL
SELECT * FROM u ORDER BY 1;
--> id | v
--> 1 | 1
--> 2 | 2
--> 4 | 7

-- case: a unique index without constraint
CREATE TABLE w (id int PRIMARY KEY, v int);
CREATE UNIQUE INDEX ON w (v);
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO w VALUES (3, 7);
USE BRANCH main;
INSERT INTO w VALUES (4, 7);
MERGE DATABASE BRANCH dev INTO main;
--> 23505 duplicate key value violates unique constraint "w_v_idx"
-->   Key (v)=(7) already exists.

-- case: check violation of the merged row
CREATE TABLE k (id int PRIMARY KEY, a int, b int, CHECK (a + b < 10));
INSERT INTO k VALUES (1, 1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE k SET a = 6;
USE BRANCH main;
UPDATE k SET b = 6;
MERGE DATABASE BRANCH dev INTO main;
--> 23514 new row for relation "k" violates check constraint "k_check"
-->   Failing row contains (1, 6, 6).
SELECT * FROM k;
--> id | a | b
--> 1 | 1 | 6

-- case: generated columns are computed again
CREATE TABLE g (id int PRIMARY KEY, a int, b int, s int GENERATED ALWAYS AS (a + b) STORED);
INSERT INTO g VALUES (1, 1, 1);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE g SET a = 2;
USE BRANCH main;
UPDATE g SET b = 5;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM g;
--> id | a | b | s
--> 1 | 2 | 5 | 7

-- case: tables without key
CREATE TABLE h (v text);
INSERT INTO h VALUES ('a'), ('b');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO h VALUES ('dev');
UPDATE h SET v = 'A' WHERE v = 'a';
USE BRANCH main;
INSERT INTO h VALUES ('main');
DELETE FROM h WHERE v = 'b';
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 1 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM h ORDER BY 1;
--> v
--> A
--> dev
--> main

-- case: sequences go on at the larger number
CREATE TABLE s (id serial PRIMARY KEY, v text);
INSERT INTO s (v) VALUES ('x');
CREATE BRANCH dev;
USE BRANCH dev;
INSERT INTO s (v) VALUES ('d1'), ('d2'), ('d3');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 3 | 0 | 0 | 0 | 0 | NULL
INSERT INTO s (v) VALUES ('m');
SELECT * FROM s ORDER BY 1;
--> id | v
--> 1 | x
--> 2 | d1
--> 3 | d2
--> 4 | d3
--> 5 | m

-- case: index and data
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE INDEX ON t (a);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 77 WHERE id = 2;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT id FROM t WHERE a = 77;
--> id
--> 2
SELECT id FROM t WHERE a = 20;
--> id
