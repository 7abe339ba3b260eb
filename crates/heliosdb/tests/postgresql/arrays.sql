-- Arrays.
SELECT ARRAY[1, 2, 3], ARRAY['a', 'b'], ARRAY[1, 2.5], ARRAY[1, NULL], ARRAY[[1, 2], [3, 4]], '{}'::int[], ARRAY[]::text[], '{1,2,3}'::int[], ARRAY[true, false], ARRAY[NULL]::int[];
SELECT ARRAY[];
SELECT ARRAY[1, 'a'];
SELECT ARRAY[[1, 2], [3]];
SELECT '{{1,2},{3}}'::int[];
SELECT '{1,2'::int[];
SELECT '1,2'::int[];
SELECT '{1,,2}'::int[];
SELECT '{a,"b c","d,e","f\"g",NULL,"NULL",""}'::text[], '{ 1 , 2 }'::int[], '{{1,2},{3,4}}'::int[], '[2:4]={1,2,3}'::int[], '[0:1][1:2]={{1,2},{3,4}}'::int[];
SELECT ARRAY['a b', 'c,d', 'e"f', 'g\h', '', 'null', NULL, '{x}', ' y'], ARRAY['é', '日本'];
SELECT ARRAY[1.50, 2], ARRAY[1.5::float8, 'NaN'], ARRAY[date '2020-01-01'], ARRAY[timestamp '2020-01-01 10:00'], ARRAY[interval '1 day'], ARRAY['\x01'::bytea], ARRAY['{"a": 1}'::jsonb], ARRAY['a'::char(3)];
SELECT (ARRAY[1, 2, 3])[1], (ARRAY[1, 2, 3])[5], (ARRAY[1, 2, 3])[0], (ARRAY[[1, 2], [3, 4]])[2][1], (ARRAY[[1, 2], [3, 4]])[2], (ARRAY[1, 2, 3, 4])[2:3], (ARRAY[1, 2, 3])[2:], (ARRAY[1, 2, 3])[:2], (ARRAY[1, 2, 3])[3:1], (ARRAY[[1, 2], [3, 4]])[1:2][2:2], (ARRAY[[1,2],[3,4]])[2:2], ('[2:4]={1,2,3}'::int[])[2];
SELECT (ARRAY[1, 2])['a'];
SELECT (ARRAY[1, 2])[NULL], (ARRAY[1, 2])['1'], (NULL::int[])[1], (ARRAY[1,2])[1.4];
SELECT ARRAY[1, 2] || ARRAY[3], ARRAY[1, 2] || 3, 0 || ARRAY[1], ARRAY[1] || NULL, ARRAY[[1, 2]] || ARRAY[3, 4], ARRAY[1] || '{2}', NULL || ARRAY[1], ARRAY[[1,2],[3,4]] || ARRAY[[5,6]];
SELECT ARRAY[[1, 2]] || ARRAY[3];
SELECT ARRAY[1, 2] || ARRAY['a'];
SELECT ARRAY[1, 2, 3] = ARRAY[1, 2, 3], ARRAY[1, 2] < ARRAY[1, 3], ARRAY[1, 2] < ARRAY[1, 2, 0], ARRAY[1, NULL] = ARRAY[1, NULL], ARRAY[1, NULL] < ARRAY[1, 2], '{}'::int[] < ARRAY[1], ARRAY[[1]] = ARRAY[1], ARRAY[2] > ARRAY[1, 5], '{}'::int[] = '{}'::int[];
SELECT ARRAY[1, 2, 3] @> ARRAY[2], ARRAY[1] <@ ARRAY[1, 2], ARRAY[1, 2] && ARRAY[2, 3], ARRAY[1] @> '{}', ARRAY[1, NULL] @> ARRAY[NULL::int], ARRAY[[1, 2], [3, 4]] @> ARRAY[4], ARRAY[1] && '{}';
SELECT 2 = ANY (ARRAY[1, 2]), 2 = ALL (ARRAY[2, 2]), 3 <> ALL (ARRAY[1, 2]), 1 = ANY ('{}'::int[]), 1 = ALL ('{}'::int[]), 1 = ANY (NULL::int[]), NULL = ANY (ARRAY[1]), 1 = ANY (ARRAY[NULL, 2]), 1 = ANY (ARRAY[NULL, 1]), 'a' = ANY ('{a,b}'), 'abc' LIKE ANY (ARRAY['x%', 'a%']), 5 > SOME (ARRAY[6, 4]);
SELECT 1 = ANY (1);
SELECT array_length(ARRAY[1, 2, 3], 1), array_length(ARRAY[[1, 2]], 2), array_length('{}'::int[], 1), array_length(ARRAY[1], 2), cardinality(ARRAY[[1, 2], [3, 4]]), cardinality('{}'::int[]), array_ndims(ARRAY[[1]]), array_ndims('{}'::int[]), array_dims(ARRAY[[1, 2, 3], [4, 5, 6]]), array_dims('[2:3]={1,2}'::int[]), array_lower('[2:3]={1,2}'::int[], 1), array_upper('[2:3]={1,2}'::int[], 1), array_upper(ARRAY[1], 0);
SELECT array_append(ARRAY[1, 2], 3), array_append(NULL, 1), array_prepend(1, ARRAY[2]), array_cat(ARRAY[1], ARRAY[2]), array_remove(ARRAY[1, 2, 3, 2], 2), array_remove(ARRAY[1, NULL], NULL), array_replace(ARRAY[1, 2, 5, 4], 5, 3), array_replace(ARRAY[1, NULL], NULL, 0);
SELECT array_append(ARRAY[[1]], 2);
SELECT array_remove(ARRAY[[1]], 1);
SELECT array_position(ARRAY['sun', 'mon', 'tue'], 'mon'), array_position(ARRAY[1, 4, 2, 4], 4, 3), array_position(ARRAY[1, NULL], NULL), array_positions(ARRAY['A', 'A', 'B', 'A'], 'A'), array_positions(ARRAY[1], 5), array_position(ARRAY[1], 9), array_position('[2:4]={1,2,3}'::int[], 2);
SELECT array_fill(7, ARRAY[3]), array_fill(11, ARRAY[2, 2]), array_fill(7, ARRAY[3], ARRAY[2]), array_fill(NULL::int, ARRAY[2]), array_fill('x'::text, ARRAY[0]);
SELECT array_fill(1, ARRAY[-1]);
SELECT array_fill(1, ARRAY[NULL]::int[]);
SELECT trim_array(ARRAY[1, 2, 3, 4, 5], 2), trim_array(ARRAY[1], 1), trim_array(ARRAY[[1,2],[3,4]], 1);
SELECT trim_array(ARRAY[1], 2);
SELECT unnest(ARRAY[1, 2, 3]), unnest(ARRAY['a', 'b']);
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS t(a, b);
SELECT * FROM unnest(ARRAY[[1, 2], [3, 4]]) WITH ORDINALITY;
SELECT * FROM unnest('{}'::int[]);
SELECT unnest(NULL::int[]);
SELECT generate_subscripts(ARRAY[[1, 2], [3, 4]], 1), generate_subscripts('[2:4]={1,2,3}'::int[], 1, true);
SELECT array_agg(x ORDER BY x DESC), array_agg(DISTINCT x), array_agg(x) FILTER (WHERE x > 100) FROM (VALUES (1), (3), (2), (3)) v(x);
SELECT array_agg(ARRAY[x, x * 2]) FROM generate_series(1, 3) x;
SELECT array_agg(x) FROM (VALUES (ARRAY[1]), (ARRAY[1, 2])) v(x);
SELECT ARRAY(SELECT x FROM generate_series(1, 3) x), ARRAY(SELECT 1 WHERE false), ARRAY(SELECT ARRAY[x, x] FROM generate_series(1, 2) x);
SELECT ARRAY[1, 2]::text[], ARRAY[1, 2]::float8[], ARRAY['1', '2']::int[], ARRAY[1, 2]::text, '{1,2}'::text::int[], ARRAY[1.5, 2.5]::int[], ARRAY['a', 'b']::varchar(1)[], ARRAY['abc']::varchar(2)[], ARRAY[1.256]::numeric(4,2)[];
SELECT ARRAY['a']::int[];
SELECT ARRAY[1, 2]::int;
SELECT pg_typeof(ARRAY[1]), pg_typeof(ARRAY['a']), pg_typeof(ARRAY[1, 2.0]), pg_typeof(ARRAY[[1]]), pg_typeof('{}'::int[][]), pg_typeof(ARRAY['a'::varchar(3)]);
SELECT string_to_array('1,2,3', ',')::int[], array_to_string(ARRAY[[1, 2], [3, NULL]], ',', '-'), array_to_json(ARRAY[[1, 2], [3, 4]]);
-- differs: operator-functions
SELECT array_larger(ARRAY[1], ARRAY[2]), greatest(ARRAY[1], ARRAY[2]), max(x), min(x) FROM (VALUES (ARRAY[1, 2]), (ARRAY[1, 3])) v(x);
SELECT x FROM (VALUES (ARRAY[2]), (ARRAY[1, 2]), ('{}'), (NULL), (ARRAY[NULL]::int[]), (ARRAY[1])) v(x) ORDER BY x;
SELECT DISTINCT x FROM (VALUES (ARRAY[1]), (ARRAY[1]), (ARRAY[2])) v(x) ORDER BY x;
CREATE TABLE arr (id int PRIMARY KEY, a int[], t text[], m int[][]);
INSERT INTO arr VALUES (1, '{1,2,3}', '{a,b}', '{{1,2},{3,4}}'), (2, NULL, '{}', NULL), (3, ARRAY[5], ARRAY[NULL, 'x'], ARRAY[[9]]) RETURNING *;
-- differs: parts-of-columns
UPDATE arr SET a[2] = 20 WHERE id = 1 RETURNING a;
-- differs: parts-of-columns
UPDATE arr SET a[5] = 50 WHERE id = 1 RETURNING a;
-- differs: parts-of-columns
UPDATE arr SET a[1:2] = '{7,8}' WHERE id = 1 RETURNING a;
-- differs: parts-of-columns
UPDATE arr SET a[3] = 1 WHERE id = 2 RETURNING a;
-- differs: parts-of-columns
UPDATE arr SET a[-1] = 0 WHERE id = 3 RETURNING a;
-- differs: parts-of-columns
UPDATE arr SET m[1][2] = 99 WHERE id = 1 RETURNING m;
-- differs: parts-of-columns
UPDATE arr SET t = t || 'z'::text, a = array_append(a, 1) RETURNING id, t, a;
-- differs: parts-of-columns
INSERT INTO arr (id, a[1], a[2]) VALUES (4, 1, 2) RETURNING a;
-- differs: parts-of-columns
SELECT id, a[1], t[1], m[1][1] FROM arr ORDER BY id;
-- differs: parts-of-columns
SELECT id FROM arr WHERE 7 = ANY (a) ORDER BY id;
-- differs: parts-of-columns
SELECT id, x FROM arr, unnest(a) x ORDER BY id, x;
SELECT id, x, n FROM arr, unnest(t) WITH ORDINALITY AS u(x, n) ORDER BY id, n;
-- differs: parts-of-columns
SELECT id FROM arr WHERE a @> ARRAY[1] ORDER BY id;
-- differs: parts-of-columns
SELECT array_agg(a ORDER BY id) FROM arr WHERE id = 1;
-- differs: parts-of-columns
SELECT array_to_string(array_agg(id ORDER BY id), '|') FROM arr;
-- differs: parts-of-columns
SELECT a FROM arr WHERE a = '{7,8,3,NULL,50,1}';
INSERT INTO arr VALUES (9, '{1,x}');
-- differs: parts-of-columns
SELECT count(DISTINCT a), max(a), min(t) FROM arr;
SELECT array_shuffle(ARRAY[1]);
SELECT array_sample(ARRAY[1], 1);
