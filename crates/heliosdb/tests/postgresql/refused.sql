-- Types that are refused clearly.
-- differs: other-types
SELECT '<a/>'::xml;
-- differs: other-types
SELECT '1.5'::money;
-- differs: other-types
SELECT '08:00:2b:ff:fe:01:02:03'::macaddr8;
