//! Guards against plans of analytic queries that are refused, wrong, or out of order: TPC-H's shapes
//! over a few made-up rows, by both executors.

use super::sql::run;
use crate::session::{Engine, EngineOptions, SessionOptions};

const TABLES: &[&str] = &[
    "create table customer (c_custkey int primary key, c_name text, c_phone char(15), c_acctbal numeric(15,2), c_mktsegment char(10), c_nationkey int)",
    "create table orders (o_orderkey int primary key, o_custkey int, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), o_comment text)",
    "create table lineitem (l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipmode char(10), primary key (l_orderkey, l_linenumber))",
    "create table part (p_partkey int primary key, p_name text, p_brand char(10), p_type text, p_size int, p_container char(10))",
    "create table supplier (s_suppkey int primary key, s_name text, s_nationkey int)",
    "create table partsupp (ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost numeric(15,2), primary key (ps_partkey, ps_suppkey))",
    "create table nation (n_nationkey int primary key, n_name text)",
    "insert into nation select g, 'nation ' || g from generate_series(0, 4) g",
    "insert into supplier select g, 'supplier ' || g, g % 5 from generate_series(1, 12) g",
    "insert into part select g, case g % 4 when 0 then 'forest green' else 'ivory ' || g end, 'Brand#' || (g % 3), 'type ' || (g % 5), g % 10, 'BOX' from generate_series(1, 40) g",
    "insert into partsupp select p, 1 + (p + s) % 12, (p * 31 + s * 17) % 200, (p * 7 + s) % 90 + 0.25 from generate_series(1, 40) p, generate_series(0, 3) s",
    "insert into customer select g, 'customer ' || g, (10 + g % 5) || '-555-' || g, (g * 73 % 2000) - 500 + 0.5, case g % 3 when 0 then 'BUILDING' else 'AUTO' end, g % 5 from generate_series(1, 50) g",
    "insert into orders select g, g * 7 % 40 + 1, case g % 3 when 0 then 'F' else 'O' end, g * 101 % 5000, date '1995-01-01' + g % 400, (g % 5) || '-PRIORITY', case g % 9 when 0 then 'special requests' else 'x' end from generate_series(1, 200) g",
    "insert into lineitem select o, (o * 13 + l * 5) % 40 + 1, (o + l) % 12 + 1, l, (o * l) % 50 + 1, (o * 997 + l * 31) % 9000 + 0.99, (o % 11) / 100.0, (l % 9) / 100.0, case (o + l) % 3 when 0 then 'A' when 1 then 'N' else 'R' end, case o % 2 when 0 then 'F' else 'O' end, date '1995-01-01' + (o + l * 9) % 420, date '1995-01-01' + (o + l * 11) % 420, date '1995-01-01' + (o + l * 13) % 420, case l % 2 when 0 then 'MAIL' else 'SHIP' end from generate_series(1, 200) o, generate_series(1, 4) l",
];

const QUERIES: &[&str] = &[
    "select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)), sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_discount), count(*) from lineitem where l_shipdate <= date '1996-12-01' - interval '90 day' group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus",
    "select s_name, p_partkey, ps_supplycost from part, supplier, partsupp where p_partkey = ps_partkey and s_suppkey = ps_suppkey and ps_supplycost = (select min(ps_supplycost) from partsupp, supplier where p_partkey = ps_partkey and s_suppkey = ps_suppkey and s_nationkey < 3) order by p_partkey, s_name",
    "select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate from customer, orders, lineitem where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey and o_orderdate < date '1995-06-15' and l_shipdate > date '1995-03-15' group by l_orderkey, o_orderdate order by revenue desc, o_orderdate, l_orderkey limit 10",
    "select o_orderpriority, count(*) from orders where o_orderdate >= date '1995-03-01' and o_orderdate < date '1995-03-01' + interval '3 month' and exists (select * from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate) group by o_orderpriority order by o_orderpriority",
    "select sum(l_extendedprice * l_discount) from lineitem where l_shipdate >= date '1995-01-01' and l_discount between 0.05 - 0.01 and 0.05 + 0.01 and l_quantity < 24",
    "select l_shipmode, sum(case when o_orderpriority = '1-PRIORITY' or o_orderpriority = '2-PRIORITY' then 1 else 0 end) from orders, lineitem where o_orderkey = l_orderkey and l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate group by l_shipmode order by l_shipmode",
    "select c_count, count(*) from (select c_custkey, count(o_orderkey) as c_count from customer left outer join orders on c_custkey = o_custkey and o_comment not like '%special%requests%' group by c_custkey) c group by c_count order by 2 desc, c_count desc",
    "select 100.00 * sum(case when p_name like 'forest%' then l_extendedprice * (1 - l_discount) else 0 end) / sum(l_extendedprice * (1 - l_discount)) from lineitem, part where l_partkey = p_partkey",
    "with revenue as (select l_suppkey as no, sum(l_extendedprice * (1 - l_discount)) as total from lineitem group by l_suppkey) select s_suppkey, s_name, total from supplier, revenue where s_suppkey = no and total = (select max(total) from revenue) order by s_suppkey",
    "select p_brand, p_size, count(distinct ps_suppkey) as n from partsupp, part where p_partkey = ps_partkey and p_brand <> 'Brand#1' and ps_suppkey not in (select s_suppkey from supplier where s_name like '%1') group by p_brand, p_size order by n desc, p_brand, p_size",
    "select sum(l_extendedprice) / 7.0 from lineitem, part where p_partkey = l_partkey and p_brand = 'Brand#1' and l_quantity < (select 0.9 * avg(l_quantity) from lineitem where l_partkey = p_partkey)",
    "select c_name, o_orderkey, sum(l_quantity) from customer, orders, lineitem where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 100) and c_custkey = o_custkey and o_orderkey = l_orderkey group by c_name, c_custkey, o_orderkey order by 3 desc, 2 limit 20",
    "select sum(l_extendedprice * (1 - l_discount)) from lineitem, part where (p_partkey = l_partkey and p_brand = 'Brand#1' and l_quantity between 1 and 11) or (p_partkey = l_partkey and p_brand = 'Brand#2' and l_quantity between 10 and 20)",
    "select s_name from supplier where s_suppkey in (select ps_suppkey from partsupp where ps_partkey in (select p_partkey from part where p_name like 'forest%') and ps_availqty > (select 0.5 * sum(l_quantity) from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey)) order by s_name",
    "select s_name, count(*) from supplier, lineitem l1, orders where s_suppkey = l1.l_suppkey and o_orderkey = l1.l_orderkey and o_orderstatus = 'F' and l1.l_receiptdate > l1.l_commitdate and exists (select * from lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey) and not exists (select * from lineitem l3 where l3.l_orderkey = l1.l_orderkey and l3.l_suppkey <> l1.l_suppkey and l3.l_receiptdate > l3.l_commitdate) group by s_name order by 2 desc, s_name",
    "select code, count(*), sum(c_acctbal) from (select substring(c_phone from 1 for 2) as code, c_acctbal from customer where substring(c_phone from 1 for 2) in ('10', '12', '13') and c_acctbal > (select avg(c_acctbal) from customer where c_acctbal > 0.00) and not exists (select * from orders where o_custkey = c_custkey)) x group by code order by code",
];

#[test]
fn analytic_queries_run_in_vectors_and_agree() {
    let engine = Engine::open_in_memory(EngineOptions::default()).expect("engine opens");
    let mut session = engine.session(SessionOptions::default()).expect("session");
    for statement in TABLES {
        run(&mut session, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let mut failures = Vec::new();
    for sql in QUERIES {
        run(&mut session, "set executor = row").expect("setting exists");
        let by_rows = run(&mut session, sql);
        run(&mut session, "set executor = vector").expect("setting exists");
        let in_vectors = run(&mut session, sql);
        let plan = run(&mut session, &format!("explain {sql}")).unwrap_or_default();
        if !plan.iter().any(|line| line.contains("Executor: vector")) {
            failures.push(format!("refused: {sql}"));
        }
        if by_rows != in_vectors || by_rows.is_err() {
            failures.push(format!("{sql}\n  {by_rows:?}\n  {in_vectors:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
