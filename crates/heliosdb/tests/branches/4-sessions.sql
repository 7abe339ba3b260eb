-- case: a transaction on another branch
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 10);
CREATE BRANCH dev;
BEGIN;
USE BRANCH dev FOR TRANSACTION;
INSERT INTO t VALUES (2, 20);
SELECT helios_branch(), count(*) FROM t;
--> helios_branch | count
--> dev | 2
COMMIT;
SELECT helios_branch(), count(*) FROM t;
--> helios_branch | count
--> main | 1
SELECT count(*) FROM t AS OF BRANCH dev;
--> count
--> 2

-- case: a transaction on another branch rolls back
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE BRANCH dev;
BEGIN;
USE BRANCH dev FOR TRANSACTION;
INSERT INTO t VALUES (2, 20);
ROLLBACK;
SELECT helios_branch(), count(*) FROM t AS OF BRANCH dev;
--> helios_branch | count
--> main | 0
BEGIN;
USE BRANCH dev FOR TRANSACTION;
SELECT 1 / 0;
--> 22012 division by zero
SELECT 1;
--> 25P02 current transaction is aborted, commands ignored until end of transaction block
COMMIT;
SELECT helios_branch();
--> helios_branch
--> main

-- case: a transaction changes its mind about the branch
CREATE TABLE t (id int PRIMARY KEY);
CREATE BRANCH a;
CREATE BRANCH b;
BEGIN ISOLATION LEVEL SERIALIZABLE;
USE BRANCH a FOR TRANSACTION;
USE BRANCH b FOR TRANSACTION;
SHOW transaction_isolation;
--> transaction_isolation
--> serializable
INSERT INTO t VALUES (1);
COMMIT AND CHAIN;
SELECT helios_branch();
--> helios_branch
--> b
COMMIT;
SELECT helios_branch(), (SELECT count(*) FROM t AS OF BRANCH a) AS a, (SELECT count(*) FROM t AS OF BRANCH b) AS b;
--> helios_branch | a | b
--> main | 0 | 1

-- case: only at the beginning of a transaction
CREATE BRANCH dev;
USE BRANCH dev FOR TRANSACTION;
--> 25P01 USE BRANCH FOR TRANSACTION can only be used in transaction blocks
BEGIN;
SELECT 1;
--> ?column?
--> 1
USE BRANCH dev FOR TRANSACTION;
--> 25001 USE BRANCH FOR TRANSACTION must be called before any query
ROLLBACK;
BEGIN;
USE BRANCH dve FOR TRANSACTION;
--> 42704 branch "dve" does not exist
-->   hint: Perhaps you meant the branch "dev".
ROLLBACK;
BEGIN;
USE BRANCH dev;
--> 25001 USE BRANCH cannot run inside a transaction block
-->   hint: End the transaction first, or write USE BRANCH ... FOR TRANSACTION as its first statement.
ROLLBACK;
SELECT helios_branch();
--> helios_branch
--> main
USE BRANCH dev FOR SESSION;
SELECT helios_branch();
--> helios_branch
--> dev

-- case: from a read-only branch to one that is not, and back
CREATE TABLE t (id int PRIMARY KEY);
CREATE BRANCH ro WITH (read_only = true);
USE BRANCH ro;
INSERT INTO t VALUES (1);
--> 25006 cannot execute INSERT in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
BEGIN;
USE BRANCH main FOR TRANSACTION;
INSERT INTO t VALUES (1);
COMMIT;
SELECT helios_branch(), count(*) FROM t AS OF BRANCH main;
--> helios_branch | count
--> ro | 1
USE BRANCH main;
BEGIN;
USE BRANCH ro FOR TRANSACTION;
INSERT INTO t VALUES (2);
--> 25006 cannot execute INSERT in a read-only transaction
-->   Branch "ro" is read-only.
-->   hint: ALTER DATABASE BRANCH ro SET WRITABLE allows writing again.
ROLLBACK;

-- case: options of clusters
CREATE BRANCH b FROM main ON STORAGE NODE n1;
--> 0A000 ON STORAGE NODE is only supported on a cluster
-->   hint: This database runs in one process, which holds and computes everything.
CREATE BRANCH b FROM main AS OF NOW WITH COMPUTE ENDPOINT e1 OPTIONS (read_only = true);
--> 0A000 WITH COMPUTE ENDPOINT is only supported on a cluster
-->   hint: This database runs in one process, which holds and computes everything.
CREATE BRANCH b FROM CLUSTER AS OF NOW WITH (replication_factor = 3, region = 'us-west');
--> 0A000 FROM CLUSTER is only supported on a cluster
-->   hint: Name a branch of this database, as in FROM main; a branch that is called "cluster" is written in quotes.
CREATE BRANCH b FROM main WITH (region = 'us-west');
--> 0A000 branch option "region" is only supported on a cluster
-->   hint: This database runs in one process.
CREATE BRANCH "cluster";
CREATE BRANCH b FROM "cluster" OPTIONS (read_only = true, retention_period = INTERVAL '3' DAY, gc_policy = conservative);
SELECT branch_name, parent_name, state, retention_period, gc_policy FROM helios_branches();
--> branch_name | parent_name | state | retention_period | gc_policy
--> main | NULL | active | NULL | NULL
--> cluster | main | active | NULL | NULL
--> b | cluster | read only | 3 day | conservative

-- case: points that are not there
CREATE TABLE t (id int PRIMARY KEY);
CREATE BRANCH b FROM mian;
--> 42704 branch "mian" does not exist
-->   hint: Perhaps you meant the branch "main".
CREATE BRANCH b AS OF SCN 1000;
--> 22023 change number 1000 is in the future
-->   The newest is 2.
CREATE BRANCH b AS OF TRANSACTION 1000;
--> 42704 transaction 1000 has not committed, or is no longer known
-->   hint: The commits that are known are listed by helios_log().
SELECT * FROM t AS OF SNAPSHOT gone;
--> 42704 snapshot "gone" does not exist
CREATE SNAPSHOT s AS OF SCN 2;
SELECT * FROM t AS OF SNAPSHOT r;
--> 42704 snapshot "r" does not exist
DROP SNAPSHOT r;
--> 42704 snapshot "r" does not exist
DROP SNAPSHOT IF EXISTS r;
--> NOTICE: snapshot "r" does not exist, skipping

-- case: snapshots are points
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 10);
CREATE SNAPSHOT "as shipped";
UPDATE t SET v = 11;
CREATE BRANCH dev;
USE BRANCH dev;
UPDATE t SET v = 12;
CREATE SNAPSHOT ds;
USE BRANCH main;
SELECT * FROM t AS OF SNAPSHOT "as shipped";
--> id | v
--> 1 | 10
SELECT * FROM t AS OF SNAPSHOT ds d WHERE d.id = 1;
--> id | v
--> 1 | 12
SELECT a.v, b.v, c.v FROM t AS OF SNAPSHOT 'as shipped' a JOIN t AS OF SNAPSHOT ds b USING (id) JOIN t c USING (id);
--> v | v | v
--> 10 | 12 | 11
CREATE BRANCH again AS OF SNAPSHOT ds;
SELECT * FROM t AS OF BRANCH again;
--> id | v
--> 1 | 12
SELECT parent_name FROM helios_branches() WHERE branch_name = 'again';
--> parent_name
--> dev
SET helios.as_of = 'SNAPSHOT ds';
SHOW helios.as_of;
--> helios.as_of
--> BRANCH dev AT SCN 7
SELECT * FROM t;
--> id | v
--> 1 | 12
RESET helios.as_of;
BEGIN AS OF SNAPSHOT "as shipped";
SELECT * FROM t;
--> id | v
--> 1 | 10
COMMIT;

-- case: bisect, and what it refuses
CREATE TABLE account (id int PRIMARY KEY, balance int);
INSERT INTO account VALUES (1, 100), (2, 100);
UPDATE account SET balance = 50 WHERE id = 1;
SET helios.commit_message = 'the culprit';
UPDATE account SET balance = -5 WHERE id = 2;
RESET helios.commit_message;
UPDATE account SET balance = 20 WHERE id = 1;
UPDATE account SET balance = -6 WHERE id = 2;
SELECT * FROM account;
--> id | balance
--> 1 | 20
--> 2 | -6
BISECT (SELECT min(balance) >= 0 FROM account) BETWEEN SCN 3 AND SCN 4;
--> scn | lsn | transaction | branch_name | committed_at | author | message | before | after | steps
--> NOTICE: the query is true at both ends of the range, change numbers 3 and 4
BISECT (SELECT min(balance) >= 0 FROM account) BETWEEN SCN 5 AND SCN 3;
--> 22023 the range of BISECT ends at change number 3, before it begins at 5
BISECT (SELECT balance FROM account);
--> 22023 BISECT needs a query that returns one boolean
-->   It returned 2 rows of 1 column at change number 7.
-->   hint: For example: BISECT (SELECT min(balance) >= 0 FROM accounts).
BISECT (SELECT count(*) > 0 FROM acount);
--> 42P01 relation "acount" does not exist
-->   hint: perhaps you meant "account"
BISECT (WITH w AS (DELETE FROM account RETURNING 1) SELECT count(*) > 0 FROM w);
--> 25006 cannot execute SELECT while BISECT reads the past
SELECT count(*) FROM account;
--> count
--> 2

-- case: names in the product's own namespace
SET helios.comit_message = 'x';
--> 42704 unrecognized configuration parameter "helios.comit_message"
-->   hint: Perhaps you meant "helios.commit_message".
SET helios.unheard_of = 'x';
--> 42704 unrecognized configuration parameter "helios.unheard_of"
SET other.unheard_of = 'x';

-- case: a sequence that is set back on the parent
CREATE TABLE t (id serial PRIMARY KEY, v int);
INSERT INTO t (v) VALUES (1), (2), (3);
CREATE BRANCH dev;
CREATE BRANCH child FROM dev;
SELECT setval('t_id_seq', 1);
--> setval
--> 1
USE BRANCH dev;
INSERT INTO t (v) VALUES (4) RETURNING id;
--> id
--> 4
USE BRANCH child;
INSERT INTO t (v) VALUES (5) RETURNING id;
--> id
--> 5
USE BRANCH main;
SELECT nextval('t_id_seq');
--> nextval
--> 2
