-- case: column added on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD COLUMN c int DEFAULT 7;
UPDATE t SET c = 8 WHERE id = 1;
USE BRANCH main;
INSERT INTO t VALUES (4, 40, 'four');
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b | c
--> 1 | 10 | one | 8
--> 2 | 20 | two | 7
--> 3 | 30 | three | 7
--> 4 | 40 | four | 7

-- case: column added on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four');
USE BRANCH main;
ALTER TABLE t ADD COLUMN c int DEFAULT 7;
UPDATE t SET c = 8 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 1 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b | c
--> 1 | 11 | one | 8
--> 2 | 20 | two | 7
--> 3 | 30 | three | 7
--> 4 | 40 | four | 7

-- case: different columns added on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD COLUMN d text;
UPDATE t SET d = 'dev' WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ADD COLUMN m int;
UPDATE t SET m = 5 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT id, a, d, m FROM t ORDER BY 1;
--> id | a | d | m
--> 1 | 10 | dev | 5
--> 2 | 20 | NULL | NULL
--> 3 | 30 | NULL | NULL

-- case: the same column added on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD COLUMN c int;
UPDATE t SET c = 1 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t ADD COLUMN c int;
UPDATE t SET c = 2 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 0 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b | c
--> 1 | 10 | one | 1
--> 2 | 20 | two | 2
--> 3 | 30 | three | NULL

-- case: a column added on both sides with different types
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD COLUMN c int;
USE BRANCH main;
ALTER TABLE t ADD COLUMN c text;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   column "c" of table "t" was added on both branches, as text and as integer
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: column dropped on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP COLUMN b;
USE BRANCH main;
UPDATE t SET a = 99 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 99
--> 2 | 20
--> 3 | 30

-- case: column dropped on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET b = 'uno', a = 11 WHERE id = 1;
USE BRANCH main;
ALTER TABLE t DROP COLUMN b;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   update/drop in table "t", row 1: b
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a
--> 1 | 10
--> 2 | 20
--> 3 | 30

-- case: column renamed on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME COLUMN b TO label;
UPDATE t SET label = 'uno' WHERE id = 1;
USE BRANCH main;
UPDATE t SET a = 99 WHERE id = 2;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | label
--> 1 | 10 | uno
--> 2 | 99 | two
--> 3 | 30 | three

-- case: column renamed differently
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME COLUMN b TO x;
USE BRANCH main;
ALTER TABLE t RENAME COLUMN b TO y;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   column "b" of table "t" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: default and not null changed on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN a SET DEFAULT 5;
ALTER TABLE t ALTER COLUMN b SET NOT NULL;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 2 | NULL
INSERT INTO t (id, b) VALUES (9, 'nine');
INSERT INTO t (id) VALUES (10);
--> 23502 null value in column "b" of relation "t" violates not-null constraint
-->   Failing row contains (10, 5, null).
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 9 | 5 | nine

-- case: not null on the source against nulls on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN b SET NOT NULL;
USE BRANCH main;
INSERT INTO t VALUES (9, 9, NULL);
MERGE DATABASE BRANCH dev INTO main;
--> 23502 column "b" of relation "t" contains null values
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 9 | 9 | NULL

-- case: type changed on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   type of column "a" of table "t" was changed on the source from integer to bigint
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: type changed on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 11 WHERE id = 1;
INSERT INTO t VALUES (4, 40, 'four');
USE BRANCH main;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 1 | 1 | 0 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 11 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 4 | 40 | four

-- case: table created on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE TABLE n (id serial PRIMARY KEY, t int REFERENCES t, v text UNIQUE);
INSERT INTO n (t, v) VALUES (1, 'x'), (2, 'y');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 2 | 0 | 0 | 0 | 2 | NULL
INSERT INTO n (t, v) VALUES (3, 'z');
SELECT * FROM n ORDER BY 1;
--> id | t | v
--> 1 | 1 | x
--> 2 | 2 | y
--> 3 | 3 | z
DELETE FROM t WHERE id = 1;
--> 23503 update or delete on table "t" violates foreign key constraint "n_t_fkey" on table "n"
-->   Key (id)=(1) is still referenced from table "n".
SELECT id FROM n WHERE v = 'y';
--> id
--> 2

-- case: alike tables created on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE TABLE n (id int PRIMARY KEY, v text);
INSERT INTO n VALUES (1, 'dev'), (2, 'both');
USE BRANCH main;
CREATE TABLE n (id int PRIMARY KEY, v text);
INSERT INTO n VALUES (2, 'both'), (3, 'main');
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 9 | 1 | 0 | 0 | 0 | 0 | NULL
SELECT * FROM n ORDER BY 1;
--> id | v
--> 1 | dev
--> 2 | both
--> 3 | main

-- case: unlike tables created on both sides
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE TABLE n (id int PRIMARY KEY);
USE BRANCH main;
CREATE TABLE n (id text PRIMARY KEY);
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   relation "n" was created on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: table dropped on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT * FROM t ORDER BY 1;
--> 42P01 relation "t" does not exist

-- case: table dropped on the source, changed on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
DROP TABLE t;
USE BRANCH main;
UPDATE t SET a = 0;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the source and changed on the target
-->   hint: Make the definitions alike on one of the branches and merge again.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 0 | one
--> 2 | 0 | two
--> 3 | 0 | three

-- case: table dropped on the target, changed on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET a = 0;
USE BRANCH main;
DROP TABLE t;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "t" was dropped on the target and its rows were changed on the source
-->   hint: Make the definitions alike on one of the branches and merge again.

-- case: table dropped on the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
SELECT 1;
--> ?column?
--> 1
USE BRANCH main;
DROP TABLE t;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> already up to date | dev | main | 3 | NULL | 0 | 0 | 0 | 0 | 0 | NULL

-- case: table renamed on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t RENAME TO r;
UPDATE r SET a = 1 WHERE id = 1;
USE BRANCH main;
UPDATE t SET b = 'uno' WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 0 | 1 | 0 | 0 | 1 | NULL
SELECT * FROM r ORDER BY 1;
--> id | a | b
--> 1 | 1 | uno
--> 2 | 20 | two
--> 3 | 30 | three

-- case: index created on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE INDEX t_a ON t (a);
USE BRANCH main;
UPDATE t SET a = 99 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1;
--> indexname
--> t_a
--> t_pkey
SELECT id FROM t WHERE a = 99;
--> id
--> 1

-- case: unique index of the source against the target's rows
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE UNIQUE INDEX t_a ON t (a);
USE BRANCH main;
UPDATE t SET a = 20 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 23505 could not create unique index "t_a"
-->   Key (a)=(20) is duplicated.

-- case: constraint added on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0);
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 6 | 0 | 0 | 0 | 0 | 1 | NULL
INSERT INTO t VALUES (9, -1, 'x');
--> 23514 new row for relation "t" violates check constraint "pos"
-->   Failing row contains (9, -1, x).

-- case: constraint of the source against the target's rows
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0);
USE BRANCH main;
UPDATE t SET a = -1 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 23514 check constraint "pos" of relation "t" is violated by some row
INSERT INTO t VALUES (9, -1, 'x');

-- case: constraint dropped on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE t DROP CONSTRAINT pos;
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 4 | 7 | 0 | 0 | 0 | 0 | 1 | NULL
INSERT INTO t VALUES (9, -1, 'x');
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 2 | 20 | two
--> 3 | 30 | three
--> 9 | -1 | x

-- case: foreign key added on the source against the target's rows
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p;
USE BRANCH main;
INSERT INTO c VALUES (1, 99);
MERGE DATABASE BRANCH dev INTO main;
--> 23503 insert or update on table "c" violates foreign key constraint "c_p_fkey"
-->   Key (p)=(99) is not present in table "p".

-- case: view created, changed and dropped
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
CREATE VIEW v1 AS SELECT id FROM t;
CREATE VIEW v2 AS SELECT id FROM t;
CREATE BRANCH d2;
USE BRANCH d2;
DROP VIEW v1;
CREATE OR REPLACE VIEW v2 AS SELECT id, a FROM t;
CREATE VIEW v3 AS SELECT b FROM t;
USE BRANCH main;
MERGE BRANCH d2 INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | d2 | main | 6 | 11 | 0 | 0 | 0 | 0 | 3 | NULL
SELECT * FROM v1;
--> 42P01 relation "v1" does not exist
-->   hint: perhaps you meant "v2"
SELECT * FROM v2 ORDER BY 1 LIMIT 1;
--> id | a
--> 1 | 10
SELECT * FROM v3 ORDER BY 1 LIMIT 1;
--> b
--> one

-- case: schema with a table
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
CREATE SCHEMA x;
CREATE TABLE x.y (id int PRIMARY KEY);
INSERT INTO x.y VALUES (1);
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 8 | 1 | 0 | 0 | 0 | 2 | NULL
SELECT * FROM x.y;
--> id
--> 1

-- case: truncate on the source
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
TRUNCATE t;
INSERT INTO t VALUES (1, 10, 'one'), (7, 70, 'seven');
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 3 | 7 | 1 | 0 | 2 | 0 | 0 | NULL
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 10 | one
--> 7 | 70 | seven

-- case: truncate on the source against a change of the target
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
CREATE BRANCH dev;
USE BRANCH dev;
TRUNCATE t;
USE BRANCH main;
UPDATE t SET a = 0 WHERE id = 1;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   delete/update in table "t", row 1
-->   hint: MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them.
SELECT * FROM t ORDER BY 1;
--> id | a | b
--> 1 | 0 | one
--> 2 | 20 | two
--> 3 | 30 | three

-- case: primary key added on the source
CREATE TABLE z (id int);
INSERT INTO z VALUES (1), (2);
CREATE BRANCH dev;
USE BRANCH dev;
ALTER TABLE z ADD PRIMARY KEY (id);
INSERT INTO z VALUES (3);
USE BRANCH main;
MERGE DATABASE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   table "z" has no primary key and was rewritten or truncated on one branch
-->   hint: Make the definitions alike on one of the branches and merge again.
SELECT * FROM z ORDER BY 1;
--> id
--> 1
--> 2
