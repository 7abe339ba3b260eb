-- Functions on branches, in merges and in the past.

-- case: a function is what it was then and there
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 100));
INSERT INTO t VALUES (1, 10), (2, 20);
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
CREATE SNAPSHOT before;
CREATE BRANCH dev;
CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1000';
SELECT f(1);
--> f
--> 1001
USE BRANCH dev;
SELECT f(1);
--> f
--> 2
CREATE FUNCTION g(a int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE v > a';
SELECT g(15);
--> g
--> 1
USE BRANCH main;
SELECT g(15);
--> 42883 function g(integer) does not exist
-->   hint: No function matches the given name and argument types. You might need to add explicit type casts.
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 5 | 9 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT g(15), f(1);
--> g | f
--> 1 | 1001

-- case: changed on both branches
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE BRANCH dev;
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
USE BRANCH dev;
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3';
USE BRANCH main;
MERGE BRANCH dev INTO main;
--> 40002 merge of branch "dev" into branch "main" has 1 conflict
-->   function "f" was changed on both branches
-->   hint: Make the definitions alike on one of the branches and merge again.
SELECT f();
--> f
--> 2

-- case: dropped on a branch
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE BRANCH dev;
USE BRANCH dev;
DROP FUNCTION f();
SELECT f();
--> 42883 function f() does not exist
-->   hint: No function matches the given name and argument types. You might need to add explicit type casts.
USE BRANCH main;
SELECT f();
--> f
--> 1
MERGE BRANCH dev INTO main;
--> status | source | target | base_scn | scn | inserted | updated | deleted | conflicts | schema_changes | merge_id
--> merged | dev | main | 2 | 5 | 0 | 0 | 0 | 0 | 1 | NULL
SELECT f();
--> 42883 function f() does not exist
-->   hint: No function matches the given name and argument types. You might need to add explicit type casts.

-- case: constraints follow the functions they call
CREATE FUNCTION small(a int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a < 10';
CREATE TABLE t (a int CHECK (small(a)));
INSERT INTO t VALUES (5);
INSERT INTO t VALUES (50);
--> 23514 new row for relation "t" violates check constraint "t_a_check"
-->   Failing row contains (50).
CREATE OR REPLACE FUNCTION small(a int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a < 100';
INSERT INTO t VALUES (50);
ALTER FUNCTION small(int) RENAME TO tiny;
--> 0A000 cannot rename or move function small(integer) because constraint t_a_check on table t calls it
-->   hint: Drop what calls it first and create it again afterwards.
DROP FUNCTION small(int);
--> 2BP01 cannot drop function small(integer) because other objects depend on it
-->   constraint t_a_check on table t depends on function small(integer)
-->   hint: Use DROP ... CASCADE to drop the dependent objects too.

-- case: both executors
CREATE TABLE n AS SELECT g AS id, g % 7 AS k FROM generate_series(1, 5000) g;
CREATE FUNCTION sevenths(a int) RETURNS int LANGUAGE sql AS 'SELECT a % 7 + a / 7';
CREATE FUNCTION alike(a int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM n m WHERE m.k = a';
CREATE FUNCTION upto(a int) RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM n WHERE id <= a';
CREATE FUNCTION dice() RETURNS double precision LANGUAGE sql AS 'SELECT random() FROM (VALUES (1)) AS one(x)';
SET executor = row;
SELECT sum(sevenths(id)), sum(alike(k)), count(DISTINCT sevenths(id)) FROM n WHERE id < 300;
--> sum | sum | count
--> 7176 | 213572 | 47
SELECT count(*), sum(u) FROM n, upto(n.id) u WHERE n.id < 50;
--> count | sum
--> 1225 | 20825
SELECT count(DISTINCT dice()) > 1 FROM n;
--> ?column?
--> t
SET executor = vector;
SELECT sum(sevenths(id)), sum(alike(k)), count(DISTINCT sevenths(id)) FROM n WHERE id < 300;
--> sum | sum | count
--> 7176 | 213572 | 47
SELECT count(*), sum(u) FROM n, upto(n.id) u WHERE n.id < 50;
--> count | sum
--> 1225 | 20825
SELECT count(DISTINCT dice()) > 1 FROM n;
--> ?column?
--> t
RESET executor;
CREATE FUNCTION endless(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION endless(a int) RETURNS int LANGUAGE sql AS 'SELECT endless(a - 1)';
CREATE PROCEDURE loop(a int) LANGUAGE sql AS '';
CREATE OR REPLACE PROCEDURE loop(a int) LANGUAGE sql AS 'CALL loop(a + 1)';
CALL loop(1);
--> 54001 calls of procedure loop(integer) nest too deeply
CREATE TRIGGER tr BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION dice();
--> 0A000 CREATE TRIGGER is not supported
-->   hint: Use generated columns, CHECK constraints, foreign keys with ON DELETE and ON UPDATE, or a procedure that makes all changes.
BEGIN READ ONLY;
SELECT sevenths(1);
--> sevenths
--> 1
CALL loop(1);
--> 25006 cannot execute CALL in a read-only transaction
ROLLBACK;
