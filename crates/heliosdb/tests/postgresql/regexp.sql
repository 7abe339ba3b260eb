-- Regular expressions.
SELECT 'thomas' ~ 't.*ma', 'thomas' ~* 'T.*ma', 'thomas' !~ 't.*max', 'thomas' !~* 'T.*ma', 'abc' ~ '^(b|c)', 'a' ~ '';
SELECT 'abc' ~ '(';
SELECT 'abc' ~ '[a';
SELECT 'abc' ~ 'a{2,1}';
SELECT 'abc' ~ '*a';
SELECT 'aaa' ~ 'a{3}', 'aaa' ~ '^a{2}$', 'a1' ~ '\d', 'a1' ~ '^\w+$', 'a b' ~ '\s', 'foo' ~ '\mfoo\M', 'foobar' ~ '\mfoo\M', 'x.y' ~ 'x\.y', 'é' ~ '^\w$';
SELECT 'abc' ~ '[[:alpha:]]+', '123' ~ '^[[:digit:]]+$', 'a-b' ~ '[^[:alnum:]]', ']' ~ '[]]', '-' ~ '[a-]', '\' ~ '[\\]';
-- differs: regular-expressions
SELECT 'aXb' ~ '(?i)axb', 'abc' ~ '(?:b)c', 'foobar' ~ 'foo(?=bar)', 'foobaz' ~ 'foo(?!bar)', 'abab' ~ '^(ab)\1$', 'foobar' ~ '(?<=foo)bar', 'xbar' ~ '(?<!foo)bar';
SELECT E'a\nb' ~ 'a.b', E'a\nb' ~ '^b', E'a\nb' ~ '(?n)^b', E'a\nb' ~ '(?n)a.b', E'a\nb' ~ '(?w)^b', E'a\nb' ~ 'a$';
SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('foo', 'o', '\&\&'), regexp_replace('foo', 'x', 'y'), regexp_replace('Thomas', '.[mN]a.', 'M');
SELECT regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 0, 'i'), regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i'), regexp_replace('abc', 'b', '\\');
SELECT regexp_replace('abc', 'b', 'x', 'z');
SELECT regexp_replace('abc', 'b', 'x', 0);
SELECT regexp_match('foobarbequebaz', 'bar.*que'), regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('abc', 'x'), (regexp_match('abc', 'b'))[1], regexp_match('abc', '(x)?b'), regexp_match('ABC', 'b', 'i');
SELECT regexp_match('abc', 'b', 'g');
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g');
SELECT regexp_matches('foobarbequebaz', '(bar)(beque)');
SELECT regexp_matches('abc', 'x');
SELECT count(*) FROM regexp_matches('abcabc', 'b', 'g');
SELECT regexp_split_to_array('hello world foo', '\s+'), regexp_split_to_array('abc', ''), regexp_split_to_array('a,b', ','), regexp_split_to_array('aXbxc', 'x', 'i'), regexp_split_to_array('abc', 'z'), regexp_split_to_array('', 'x');
SELECT * FROM regexp_split_to_table('hello world foo', '\s+') AS t(x);
SELECT regexp_count('ABCABCAXYaxy', 'A.'), regexp_count('ABCABCAXYaxy', 'A.', 1, 'i'), regexp_count('123123123', '\d{3}', 2), regexp_count('abc', '');
SELECT regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2), regexp_instr('ABCDEFGHI', 'D.F', 1, 1, 1), regexp_instr('abc', '(b)(c)', 1, 1, 0, 'i', 2), regexp_instr('abc', 'z');
SELECT regexp_like('Hello World', 'world$', 'i'), regexp_like('abc', 'B'), regexp_like('a', 'A', 'ci'), regexp_like('a', 'A', 'ic');
SELECT regexp_substr('number of your street, town zip, FR', '[^,]+', 1, 2), regexp_substr('ABCDEFGHI', '(C)(.*)F', 1, 1, 'c', 2), regexp_substr('abc', 'z');
SELECT regexp_substr('abc', 'b', 0);
SELECT regexp_count('abc', 'b', 1, 'g');
SELECT 'abc' ~ 'A' AND 'abc' ~* 'A', 'a.c' ~ '***=a.c', 'abc' ~ '***=a.c', 'abc' ~ '***:(?i)ABC';
-- differs: regular-expressions
SELECT 'aaa' ~ '^a*?$', regexp_match('aaa', 'a+?'), regexp_match('aaa', 'a*?a'), regexp_match('abcd', 'a.*?c|ab.*d'), regexp_match('xyz', '(?:x|xy)(z|yz)');
-- differs: regular-expressions
SELECT regexp_match('abcabc', 'a(b|bc)c?'), regexp_match('foo', '(o)(o)?(x)?'), regexp_match('aab', '(a|aa)(ab|b)');
SELECT 'a' ~ '\x61', 'a' ~ '\u0061', 'é' ~ '\u00e9', E'\t' ~ '\t', '.' ~ '\.', 'a' ~ '[\w]', '1' ~ '[\d]', 'Z' ~ '[a-z]', 'Z' ~* '[a-z]';
SELECT regexp_replace('1112223333', '(\d{3})(\d{3})(\d{4})', '(\1) \2-\3'), regexp_replace('  trim  me ', '^\s+|\s+$', '', 'g'), regexp_replace('camelCaseText', '([A-Z])', '_\1', 'g');
-- differs: regular-expressions
SELECT substring('foobar' from 'o(.)b'), substring('foobar', 'o.b'), substring('XY1234Z', 'Y*([0-9]{1,3})'), substring('XY1234Z', 'Y*?([0-9]{1,3})');
SELECT regexp_split_to_array('the quick', '\s*'), regexp_split_to_array('1a2b3', '[a-z]');
SELECT similar_to_escape('a%');
SELECT x ~ '^[^@\s]+@[^@\s]+\.[a-z]+$' FROM (VALUES ('a@b.com'), ('bad'), ('x y@z.org'), ('ü@ü.de')) v(x);
SELECT 'ab' ~ '(a)(b)(c', 'x';
SELECT 'a' ~ 'a\';
-- differs: regular-expressions
SELECT 'foo' ~ '(?<n>o)';
SELECT 'a' ~ '[b-a]';
SELECT 'a' ~ '[[:nope:]]';
-- differs: regular-expressions
SELECT 'a' ~ '(a)\2';
SELECT 'x' ~ NULL, NULL ~ 'x', regexp_replace(NULL, 'a', 'b'), regexp_match('a', NULL), regexp_split_to_array(NULL, 'a');
