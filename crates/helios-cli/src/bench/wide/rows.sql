-- One event for each dependency of each package, as often as asked: who looked at which package, and what for. Numbers are
-- spread by multiplication, so that every run makes the same rows.
CREATE TEMP TABLE base AS
SELECT row_number() OVER (ORDER BY d.package, d.target, d.kind, d.group_no) AS i, d.package, p.version, p.source, p.section,
       p.maintainer, d.kind, d.target, coalesce(p.homepage, '') AS homepage, p.summary, p.size_bytes, p.installed_size_kib
FROM :dependencies d JOIN :packages p ON p.package = d.package;

CREATE TEMP TABLE numbered AS
SELECT b.*, b.i + (c - 1) * (SELECT count(*) FROM base) AS n, ((b.i * 7919 + c * 104729) * 2654435761) % 4294967296 AS h
FROM base b CROSS JOIN generate_series(1, :copies) AS g(c);

COPY (
    SELECT n AS event_id,
           timestamp '2026-07-01' + (n * 2592000 / (SELECT count(*) FROM numbered)) * interval '1 second' AS event_time,
           date '2026-07-01' + (n * 30 / (SELECT count(*) FROM numbered))::integer AS event_date,
           (h % 1000) * (h % 1009) * 7 + i % 13 AS machine,
           h % 1048576 + 167772160 AS address,
           ((h % 256) * (h % 251) / 256)::integer AS region,
           package, version, source, section, maintainer, kind, target,
           homepage || '/' || target AS url,
           CASE WHEN h % 3 = 0 THEN '' ELSE 'https://search.example.org/' || source || '?from=' || kind END AS referrer,
           CASE WHEN h % 8 > 0 THEN '' ELSE lower(split_part(summary, ' ', 1) || ' ' || split_part(summary, ' ', 2)) END AS search,
           summary,
           CASE WHEN h % 16 > 0 THEN '' ELSE 'model ' || (h % 166)::text END AS model,
           size_bytes,
           coalesce(installed_size_kib, 0)::bigint AS installed_kib,
           (1024 + (h % 20) * 96)::integer AS width,
           (768 + (h / 20 % 12) * 72)::integer AS height,
           ((h % 997) * (h % 13))::integer AS answer_ms,
           (CASE WHEN h % 32 > 0 THEN 0 ELSE h % 18 END)::smallint AS engine,
           (CASE WHEN h % 64 > 0 THEN 0 ELSE h % 50 END)::smallint AS campaign,
           (h % 7 = 0)::integer::smallint AS is_refresh,
           (h % 11 = 0)::integer::smallint AS is_mobile,
           (i * 2862933555777) % 9007199254740991 AS url_hash,
           (h * 1000000007) % 9007199254740991 AS referrer_hash
    FROM numbered
) TO :file (FORMAT parquet);

DROP TABLE numbered;
DROP TABLE base;
