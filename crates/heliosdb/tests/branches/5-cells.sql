-- case: a strategy decides only the cells in conflict
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12, b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY THEIRS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno

-- case: ours decides only the cells in conflict
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11, b = 'eins' WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main USING STRATEGY OURS;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 1 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | eins

-- case: a row moves to another key on one side
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET id = 2 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 12 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   delete/update in table "t", row 1
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 12 | one

-- case: the same cells set to NULL and to a value
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, NULL, 'two');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = NULL WHERE id = 1;
UPDATE t SET a = 5 WHERE id = 2;
USE BRANCH main;
UPDATE t SET b = NULL;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 2 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | NULL | NULL
--> 2 | 5 | NULL

-- case: a key of two columns
CREATE TABLE t (x int, y int, a int, b int, PRIMARY KEY (x, y));
INSERT INTO t VALUES (1, 1, 10, 10), (1, 2, 20, 20), (2, 1, 30, 30);
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE x = 1;
DELETE FROM t WHERE x = 2;
USE BRANCH main;
UPDATE t SET b = 99 WHERE y = 2;
INSERT INTO t VALUES (2, 2, 40, 40);
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 2 | 1 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1, 2;
--> x | y | a | b
--> 1 | 1 | 11 | 10
--> 1 | 2 | 11 | 99
--> 2 | 2 | 40 | 40

-- case: a merge back after a merge, with changes on both sides in between
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 22 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 1 | 0 | 0 | 0 | NULL
UPDATE t SET b = 'uno' WHERE id = 1;
USE BRANCH dev;
UPDATE t SET b = 'due' WHERE id = 2;
MERGE DATABASE BRANCH main INTO dev;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | main | dev | 6 | 10 | 0 | 2 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | due
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 9 | 11 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | uno
--> 2 | 22 | due

-- case: a failed merge leaves nothing behind
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
UPDATE t SET a = 21 WHERE id = 2;
INSERT INTO t VALUES (3, 30, 'three');
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

-- case: branches of branches
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 10);
CREATE BRANCH b1;
USE BRANCH b1;
INSERT INTO t VALUES (2, 20);
CREATE BRANCH b2;
USE BRANCH b2;
INSERT INTO t VALUES (3, 30);
UPDATE t SET a = 21 WHERE id = 2;
USE BRANCH main;
INSERT INTO t VALUES (4, 40);
MERGE DATABASE BRANCH b2 INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | b2 | main | 3 | 10 | 2 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 21
--> 3 | 30
--> 4 | 40
MERGE DATABASE BRANCH b1 INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | b1 | main | 5 | NULL | 0 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 21
--> 3 | 30
--> 4 | 40
