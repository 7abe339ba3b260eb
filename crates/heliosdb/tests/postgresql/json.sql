-- json and jsonb: input, output, operators, functions.
SELECT '{"a": 1, "b": [1, 2, {"c": null}]}'::json, '{"b":1,  "a":2, "b":3}'::jsonb, '[1,  2.50, 1e5, true, null, "x"]'::jsonb, ' "x" '::json, 'null'::jsonb, '{}'::jsonb, '[]'::jsonb, '1.000'::jsonb, '-0'::jsonb, '1E+2'::jsonb;
SELECT '{"aa":1,"b":2,"c":3,"":4,"é":5}'::jsonb, '"\u00e9\n\"\\\/"'::jsonb, '"\ud83d\ude00"'::jsonb, '"\u00e9"'::json;
SELECT '{a:1}'::json;
SELECT '{"a":}'::jsonb;
SELECT '[1,2'::jsonb;
SELECT ''::json;
SELECT '01'::json;
SELECT '"\u0000"'::jsonb;
SELECT '"\ud83d"'::jsonb;
SELECT '{"a":1} x'::jsonb;
SELECT 'nan'::jsonb;
SELECT '{"a":{"b":{"c":1}}}'::jsonb -> 'a' -> 'b', '{"a":{"b":{"c":1}}}'::json #> '{a,b}', '{"a":"x"}'::jsonb ->> 'a', '[1,2,3]'::jsonb -> 1, '[1,2,3]'::jsonb -> -1, '[1,2,3]'::json ->> 5, '{"a":null}'::jsonb ->> 'a', '{"a":null}'::jsonb -> 'a', '{"a":[1,{"b":2}]}'::jsonb #>> '{a,1,b}', '[1]'::jsonb -> 'a', '{"a":1}'::jsonb -> 0, '"x"'::jsonb -> 0;
SELECT '{"a":1}'::jsonb -> NULL, NULL::jsonb -> 'a', '{"a":1}'::jsonb #> '{}', '{"a":1}'::jsonb #> '{b}';
SELECT '{"a":1,"b":2}'::jsonb @> '{"b":2}', '{"b":2}'::jsonb <@ '{"a":1,"b":2}', '[1,2,3]'::jsonb @> '[3,1]', '[1,2]'::jsonb @> '1', '{"a":[1,2]}'::jsonb @> '{"a":[1]}', '{"a":{"b":1}}'::jsonb @> '{"a":{}}', '[1]'::jsonb @> '[1,1]', '1'::jsonb @> '1';
SELECT '{"a":1,"b":2}'::jsonb ? 'b', '["a","b"]'::jsonb ? 'a', '"a"'::jsonb ? 'a', '{"a":1}'::jsonb ?| array['x','a'], '{"a":1}'::jsonb ?& array['a','x'], '[1]'::jsonb ? '1';
SELECT '["a"]'::jsonb || '["b"]', '{"a":1}'::jsonb || '{"a":2,"b":3}', '1'::jsonb || '2', '{"a":1}'::jsonb || '[1]', '[1]'::jsonb || '{"a":1}', '[]'::jsonb || 'null';
SELECT '{"a":1,"b":2}'::jsonb - 'a', '["a","b","a"]'::jsonb - 'a', '["a","b"]'::jsonb - 0, '["a","b"]'::jsonb - -1, '{"a":1,"b":2,"c":3}'::jsonb - '{a,c}'::text[], '{"a":[1,{"b":2}]}'::jsonb #- '{a,1,b}', '["a"]'::jsonb - 5;
SELECT '"x"'::jsonb - 'x';
SELECT '{"a":1}'::jsonb - 0;
SELECT '{"a":1}'::jsonb = '{"a":1.0}', '[1,2]'::jsonb < '[1,3]', '{}'::jsonb > '[]', '1'::jsonb < '"a"', 'null'::jsonb < '1', 'true'::jsonb > 'false', '[]'::jsonb < 'null', '[1]'::jsonb > '[0,0]';
SELECT '{"a":1}'::json = '{"a":1}';
SELECT x FROM (VALUES ('1'::jsonb), ('"a"'), ('null'), ('[]'), ('[1]'), ('{}'), ('{"a":1}'), ('true'), ('2'), ('"A"')) v(x) ORDER BY x;
-- differs: jsonpath
SELECT '{"a":1}'::jsonb @? '$.a', '{"a":[1,2,3]}'::jsonb @@ '$.a[*] > 2';
-- differs: jsonpath
SELECT jsonb_path_query('{"a":[1,2,3,4]}', '$.a[*] ? (@ > 2)');
-- differs: jsonpath
SELECT jsonb_path_exists('{"a":[1,2]}', '$.a[*] ? (@ >= $min)', '{"min":2}'), jsonb_path_query_array('{"a":[1,2]}', '$.a[*]'), jsonb_path_query_first('{"a":[1,2]}', '$.a[*]'), jsonb_path_match('{"a":1}', '$.a == 1');
SELECT to_json('a"b'::text), to_json(1.50), to_json(ARRAY[1, 2]), to_jsonb(ARRAY[[1], [2]]), to_json(true), to_json(NULL::int), to_json(date '2020-01-01'), to_json(timestamp '2020-01-01 10:00'), to_json(timestamptz '2020-01-01 10:00+00'), to_jsonb('NaN'::float8), to_json(interval '1 day'), to_jsonb('{"a":1}'::json), to_json('\x01'::bytea);
SELECT row_to_json(r), to_jsonb(r) FROM (SELECT 1 AS a, 'x' AS b, NULL AS c, ARRAY[1, 2] AS d) r;
SELECT row_to_json(ROW(1, 'foo')), row_to_json(ROW(1, 2), true);
SELECT array_to_json('{{1,5},{99,100}}'::int[]), array_to_json(ARRAY[1, 2], true), array_to_json('{}'::int[]);
SELECT json_build_array(1, 2, 'foo', 4, NULL, true, 1.5), jsonb_build_array(), json_build_object('foo', 1, 2, 'bar'), jsonb_build_object('a', NULL, 'b', ARRAY[1]), json_build_array('{"a":1}'::json), json_build_object();
SELECT json_build_object('a');
SELECT json_build_object(NULL, 1);
SELECT json_object('{a,1,b,def,c,3.5}'), json_object('{{a,1},{b,def}}'), json_object('{a,b}', '{1,2}'), jsonb_object('{a,1,b,NULL}');
SELECT json_object('{a,b,c}');
SELECT json_object('{a,b}', '{1}');
SELECT json_array_length('[1,2,3]'), jsonb_array_length('[]'), json_array_length('[[1,2]]');
SELECT json_array_length('{}');
SELECT jsonb_array_length('1');
SELECT * FROM json_each('{"a":"foo","b":"bar","c":null,"d":[1]}');
SELECT * FROM jsonb_each_text('{"a":"foo","b":1,"c":null,"d":{"e":1}}');
SELECT json_each('{"a":1}'), jsonb_each_text('{"b":"x"}');
SELECT * FROM json_array_elements('[1,true,[2,false],{"a":"x"}]');
SELECT value FROM jsonb_array_elements_text('["foo",1,null,{"a":1}]') ORDER BY 1;
SELECT * FROM json_array_elements('{"a":1}');
SELECT * FROM jsonb_each('[1]');
SELECT jsonb_array_elements('[1,2]') -> 0, json_object_keys('{"b":1,"a":2}'), jsonb_object_keys('{"b":1,"a":2}');
SELECT jsonb_object_keys('[1]');
SELECT json_typeof('{"a":1}'), json_typeof('[]'), json_typeof('1'), json_typeof('"x"'), json_typeof('null'), jsonb_typeof('true'), jsonb_typeof(NULL);
SELECT json_extract_path('{"a":{"b":[1,2]}}', 'a', 'b'), json_extract_path_text('{"a":{"b":"x"}}', 'a', 'b'), jsonb_extract_path('{"a":1}', 'z'), jsonb_extract_path_text('{"a":[1,2]}', 'a', '1');
SELECT json_strip_nulls('{"a":null,"b":[null,{"c":null}]}'), jsonb_strip_nulls('{"a":{"b":null}}'), json_strip_nulls('null');
SELECT jsonb_set('{"a":1}', '{a}', '2'), jsonb_set('{"a":1}', '{b}', '2'), jsonb_set('{"a":1}', '{b}', '2', false), jsonb_set('[1,2,3]', '{1}', '"x"'), jsonb_set('{"a":[1,{"b":2}]}', '{a,1,b}', '[]'), jsonb_set('[1]', '{5}', '9'), jsonb_set('[1]', '{-5}', '9'), jsonb_set('{"a":{}}', '{a,b,c}', '1');
SELECT jsonb_set('[1]', '{a}', '1');
SELECT jsonb_set('1', '{a}', '1');
SELECT jsonb_set_lax('{"a":1}', '{a}', NULL), jsonb_set_lax('{"a":1}', '{a}', NULL, true, 'delete_key'), jsonb_set_lax('{"a":1}', '{a}', NULL, true, 'return_target');
SELECT jsonb_insert('{"a":[0,1,2]}', '{a,1}', '"new"'), jsonb_insert('{"a":[0,1,2]}', '{a,1}', '"new"', true), jsonb_insert('{"a":1}', '{b}', '2'), jsonb_insert('[1]', '{-1}', '0');
SELECT jsonb_insert('{"a":1}', '{a}', '2');
SELECT jsonb_pretty('{"a":[1,{"b":2},[]],"c":{}}'), jsonb_pretty('[]'), jsonb_pretty('1');
-- differs: user-types
SELECT json_populate_record(NULL::pg_class, '{}') IS NULL;
SELECT * FROM json_to_record('{"a":1,"b":"x","c":[1,2],"d":null}') AS t(a int, b text, c int[], d date);
SELECT * FROM jsonb_to_recordset('[{"a":1,"b":"foo"},{"a":"2","c":"bar"}]') AS t(a int, b text);
SELECT * FROM jsonb_to_record('{"a":"x"}') AS t(a int);
SELECT json_agg(x), jsonb_agg(x ORDER BY x DESC), json_object_agg('k' || x, x), jsonb_object_agg(x, x * 2) FROM generate_series(1, 3) x;
SELECT json_agg(x), jsonb_agg(x), json_object_agg('a', x) FROM generate_series(1, 0) x;
SELECT json_agg(r) FROM (VALUES (1, 'a'), (2, NULL)) r(id, name);
SELECT jsonb_object_agg(NULL, 1);
SELECT json_object_agg(k, v), jsonb_object_agg(k, v) FROM (VALUES ('a', 1), ('a', 2), ('b', 3)) t(k, v);
SELECT '1'::jsonb::int, '1.5'::jsonb::numeric, 'true'::jsonb::bool, '1.7'::jsonb::int, '2.5'::jsonb::float8, '7'::jsonb::int8, '7'::jsonb::int2;
SELECT '"1"'::jsonb::int;
SELECT 'null'::jsonb::int;
SELECT '[1]'::jsonb::text, '{"a": 1}'::json::text, '{"a":1}'::json::jsonb, '{"b":1,"a":2}'::jsonb::json, '{"a":1}'::text::jsonb, '"x"'::jsonb::text;
SELECT ('{"a":{"b":[10,20]}}'::jsonb)['a']['b'][1], ('[1,2]'::jsonb)[0], ('{"a":1}'::jsonb)['z'], ('"x"'::jsonb)[0];
CREATE TABLE docs (id int PRIMARY KEY, j json, b jsonb);
INSERT INTO docs VALUES (1, '{"n": 1, "tags": ["a", "b"]}', '{"n": 1, "tags": ["a", "b"]}'), (2, '{"n": 2}', '{"n": 2, "tags": []}'), (3, NULL, NULL);
SELECT id, j -> 'n', b ->> 'n', (b ->> 'n')::int + 1 FROM docs ORDER BY id;
SELECT id, t FROM docs, jsonb_array_elements_text(b -> 'tags') t ORDER BY id, t;
SELECT id FROM docs WHERE b @> '{"tags":["a"]}';
UPDATE docs SET b = jsonb_set(b, '{n}', to_jsonb((b ->> 'n')::int + 10)) RETURNING id, b;
-- differs: parts-of-columns
UPDATE docs SET b['x'] = '5' WHERE id = 1 RETURNING b;
SELECT b -> 'tags' -> 0, b #>> '{tags,1}' FROM docs WHERE id = 1;
-- differs: parts-of-columns
SELECT id, b - 'tags', b || '{"z": true}' FROM docs ORDER BY id;
-- differs: parts-of-columns
SELECT jsonb_agg(b ORDER BY id) FROM docs;
-- differs: parts-of-columns
SELECT b, count(*) FROM docs GROUP BY b ORDER BY b;
SELECT DISTINCT b ->> 'n' AS n FROM docs ORDER BY n NULLS FIRST;
SELECT DISTINCT j FROM docs;
SELECT id FROM docs ORDER BY j;
-- differs: parts-of-columns
SELECT to_jsonb(d) - 'j' FROM docs d ORDER BY id;
SELECT row_to_json(d) FROM docs d WHERE id = 3;
INSERT INTO docs VALUES (4, '{bad', NULL);
SELECT json_build_object('id', id, 'has', b ? 'tags') FROM docs ORDER BY id;
-- differs: jsonpath
SELECT jsonb_path_query_array(b, '$.tags[*]') FROM docs WHERE id = 1;
SELECT '{"a":1}'::jsonb || NULL, NULL::jsonb || '{}', jsonb_set(NULL, '{a}', '1'), jsonb_set('{"a":1}', '{a}', NULL);
SELECT '123456789012345678901234567890.123'::jsonb, '1e1000'::jsonb, '0.1'::jsonb::float8, '1.10'::jsonb = '1.1'::jsonb, '1.10'::jsonb, '[1.10]'::json;
SELECT jsonb_build_object('d', date '2020-01-01', 'n', 1.50, 'f', 1.5::float8, 'b', false, 't', timestamptz '2020-01-01 00:00+00', 'x', NULL, 'arr', ARRAY['a', NULL]);
