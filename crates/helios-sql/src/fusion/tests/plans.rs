//! Plans against results worked out by hand.

use helios_base::{DataType, Interval, Numeric, SqlState, Value};
use helios_expr::{Expr, Kind, SubplanKind, Ty};

use super::fixture::{Fixture, Table, col};
use crate::plan::{
    AggregateCall, AggregateNode, CteId, Distinct, Filter, Frame, FrameBound, FrameExclude,
    FrameUnit, Join, JoinKind, Limit, Plan, PlanColumn, Project, RecursiveCte, SetOp, SetOpKind,
    Sort, SortKey, Subplan, Values, WindowCall, WindowNode, Windowed,
};

fn int(n: i32) -> Value {
    Value::Int4(n)
}

/// `people (id, team, pay)`, `teams (id, name)`, `odd (float, interval, numeric)`.
fn fixture() -> Fixture {
    let money = |n: i64| Value::Numeric(Numeric::new(n, 2));
    let days = |days: i32, months: i32| {
        Value::from(Interval {
            months,
            days,
            micros: 0,
        })
    };
    let number = |text: &str| Value::Numeric(Numeric::parse(text).expect("a number"));
    Fixture::new(vec![
        Table {
            name: "people",
            types: vec![
                DataType::Int4,
                DataType::Int4,
                DataType::Numeric(Some((10, 2))),
            ],
            rows: vec![
                vec![int(1), int(10), money(10_000)],
                vec![int(2), int(10), money(25_050)],
                vec![int(3), int(20), money(30_000)],
                vec![int(4), int(20), Value::Null],
                vec![int(5), Value::Null, money(5_025)],
                vec![int(6), int(30), money(7_500)],
                vec![int(7), int(10), money(10_000)],
            ],
        },
        Table {
            name: "teams",
            types: vec![DataType::Int4, DataType::Text],
            rows: vec![
                vec![int(10), Value::from("red")],
                vec![int(20), Value::from("green")],
                vec![int(40), Value::from("blue")],
                vec![Value::Null, Value::from("lost")],
            ],
        },
        Table {
            name: "odd",
            types: vec![
                DataType::Float8,
                DataType::Interval(None),
                DataType::Numeric(None),
            ],
            rows: vec![
                vec![Value::Float8(0.0), days(30, 0), number("1.0")],
                vec![Value::Float8(-0.0), days(0, 1), number("1.00")],
                vec![Value::Float8(f64::NAN), days(31, 0), number("2")],
                vec![Value::Float8(-f64::NAN), days(1, 1), number("2.0")],
                vec![Value::Float8(f64::INFINITY), Value::Null, number("NaN")],
            ],
        },
        Table {
            name: "nothing",
            types: vec![DataType::Int4],
            rows: vec![],
        },
    ])
}

const PEOPLE: usize = 0;
const TEAMS: usize = 1;
const ODD: usize = 2;
const NOTHING: usize = 3;

fn infix(name: &str, left: Expr, right: Expr) -> Expr {
    let ty = |e: &Expr| e.ty().bare();
    let function = helios_expr::catalog::operators(name, Kind::Infix)
        .iter()
        .find(|f| {
            f.args().len() == 2
                && f.args()[0].concrete() == Some(ty(&left))
                && f.args()[1].concrete() == Some(ty(&right))
        })
        .expect("the operator exists");
    Expr::Call {
        ty: function.result().concrete().expect("a plain result"),
        function,
        args: vec![left, right],
        spread: false,
    }
}

fn columns(exprs: &[Expr]) -> Vec<PlanColumn> {
    exprs
        .iter()
        .map(|expr| PlanColumn::new("c", expr.ty().clone()))
        .collect()
}

fn project(input: Plan, exprs: Vec<Expr>) -> Plan {
    let columns = columns(&exprs);
    Plan::Project(Box::new(Project {
        input,
        exprs,
        columns,
    }))
}

fn filter(input: Plan, predicate: Expr) -> Plan {
    Plan::Filter(Box::new(Filter { input, predicate }))
}

fn sort(input: Plan, keys: Vec<(Expr, bool, bool)>) -> Plan {
    let keys = keys
        .into_iter()
        .map(|(expr, descending, nulls_first)| SortKey {
            expr,
            descending,
            nulls_first,
        })
        .collect();
    Plan::Sort(Box::new(Sort { input, keys }))
}

fn join(kind: JoinKind, left: Plan, right: Plan, on: Vec<Expr>) -> Plan {
    let columns = left
        .columns()
        .iter()
        .chain(right.columns())
        .cloned()
        .collect();
    Plan::Join(Box::new(Join {
        kind,
        left,
        right,
        on,
        lateral: None,
        columns,
    }))
}

fn aggregate_call(name: &str, args: Vec<Expr>) -> AggregateCall {
    let function = helios_expr::catalog::aggregates(name)
        .iter()
        .find(|a| {
            a.args().len() == args.len()
                && a.args()
                    .iter()
                    .zip(&args)
                    .all(|(ty, arg)| ty.concrete().is_none_or(|ty| ty == arg.ty().bare()))
        })
        .expect("the aggregate exists");
    let ty = helios_expr::resolve::aggregate(
        name,
        &args.iter().map(|arg| arg.ty().clone()).collect::<Vec<_>>(),
    )
    .map(|resolved| resolved.result)
    .expect("the aggregate resolves");
    AggregateCall {
        function,
        args,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        within_group: false,
        ty,
    }
}

fn group(input: Plan, groups: Vec<Expr>, calls: Vec<AggregateCall>) -> Plan {
    let mut columns = columns(&groups);
    columns.extend(
        calls
            .iter()
            .map(|call| PlanColumn::new("a", call.ty.clone())),
    );
    Plan::Aggregate(Box::new(AggregateNode {
        input,
        sets: vec![(0..groups.len()).collect()],
        groups,
        calls,
        groupings: Vec::new(),
        columns,
    }))
}

fn outer(index: usize, ty: DataType) -> Expr {
    Expr::Outer {
        depth: 1,
        index,
        ty,
    }
}

fn subplan(kind: SubplanKind, args: Vec<Expr>, ty: DataType) -> Expr {
    Expr::Subplan {
        id: 0,
        kind,
        args,
        ty,
    }
}

#[test]
fn joins_keep_unmatched_rows_of_their_side() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let teams = f.scan(TEAMS);
    let on = || {
        vec![infix(
            "=",
            Expr::column(1, DataType::Int4),
            Expr::column(3, DataType::Int4),
        )]
    };
    let ids = |kind| {
        let joined = join(kind, people.clone(), teams.clone(), on());
        let exprs = vec![col(&joined, 0), col(&joined, 4)];
        f.run(&project(joined, exprs), &[])
    };
    let inner = ["1|red", "2|red", "3|green", "4|green", "7|red"];
    assert_eq!(ids(JoinKind::Inner), inner);
    let left = [
        "1|red", "2|red", "3|green", "4|green", "5|NULL", "6|NULL", "7|red",
    ];
    assert_eq!(ids(JoinKind::Left), left);
    let right = [
        "1|red",
        "2|red",
        "3|green",
        "4|green",
        "7|red",
        "NULL|blue",
        "NULL|lost",
    ];
    assert_eq!(ids(JoinKind::Right), right);
    assert_eq!(ids(JoinKind::Full).len(), 9);
    let pairs = join(JoinKind::Inner, people, teams, vec![]);
    assert_eq!(f.run(&pairs, &[]).len(), 28);
}

#[test]
fn sums_and_averages_are_exact_and_show_postgresql_scales() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let pay = || Expr::column(2, DataType::Numeric(Some((10, 2))));
    let id = || Expr::column(0, DataType::Int4);
    let calls = vec![
        aggregate_call("count", vec![]),
        aggregate_call("count", vec![pay()]),
        aggregate_call("sum", vec![pay()]),
        aggregate_call("avg", vec![pay()]),
        aggregate_call("min", vec![pay()]),
        aggregate_call("sum", vec![id()]),
        aggregate_call("avg", vec![id()]),
        aggregate_call("stddev", vec![id()]),
    ];
    let plan = group(people.clone(), vec![col(&people, 1)], calls.clone());
    assert_eq!(
        f.run(&plan, &[]),
        [
            "10|3|3|450.50|150.1666666666666667|100.00|10|3.3333333333333333|3.2145502536643183",
            "20|2|1|300.00|300.0000000000000000|300.00|7|3.5000000000000000|0.70710678118654752440",
            "30|1|1|75.00|75.0000000000000000|75.00|6|6.0000000000000000|NULL",
            "NULL|1|1|50.25|50.2500000000000000|50.25|5|5.0000000000000000|NULL",
        ]
    );
    let nothing = f.scan(NOTHING);
    let calls = vec![
        aggregate_call("count", vec![]),
        aggregate_call("sum", vec![col(&nothing, 0)]),
        aggregate_call("array_agg", vec![col(&nothing, 0)]),
    ];
    assert_eq!(f.run(&group(nothing, vec![], calls), &[]), ["0|NULL|NULL"]);
}

#[test]
fn distinct_filter_and_order_inside_aggregates() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let id = col(&people, 0);
    let team = col(&people, 1);
    let mut count = aggregate_call("count", vec![team.clone()]);
    count.distinct = true;
    let mut filtered = aggregate_call("sum", vec![id.clone()]);
    filtered.filter = Some(infix("=", team.clone(), Expr::int4(10)));
    let mut ordered = aggregate_call("array_agg", vec![id.clone()]);
    ordered.order_by = vec![SortKey {
        expr: id,
        descending: true,
        nulls_first: true,
    }];
    let mut unique = aggregate_call("array_agg", vec![team]);
    unique.distinct = true;
    let plan = group(people, vec![], vec![count, filtered, ordered, unique]);
    assert_eq!(f.run(&plan, &[]), ["3|10|{7,6,5,4,3,2,1}|{10,20,30,NULL}"]);
}

#[test]
fn grouping_sets_mark_what_they_lack() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let team = col(&people, 1);
    let plan = group(people, vec![team], vec![aggregate_call("count", vec![])]);
    let Plan::Aggregate(mut node) = plan else {
        unreachable!()
    };
    node.sets = vec![vec![0], vec![]];
    node.groupings = vec![vec![0]];
    node.columns.push(PlanColumn::new("g", DataType::Int4));
    assert_eq!(
        f.run(&Plan::Aggregate(node), &[]),
        ["10|3|0", "20|2|0", "30|1|0", "NULL|1|0", "NULL|7|1"]
    );
}

#[test]
fn equal_values_that_look_different_fall_into_one_group() {
    let f = fixture();
    for (column, groups) in [(0, 3), (1, 3), (2, 3)] {
        let odd = f.scan(ODD);
        let key = col(&odd, column);
        let plan = group(
            odd.clone(),
            vec![key.clone()],
            vec![aggregate_call("count", vec![])],
        );
        assert_eq!(f.run(&plan, &[]).len(), groups, "column {column}");
        let distinct = Plan::Distinct(Box::new(Distinct {
            input: project(odd, vec![key]),
            on: Vec::new(),
        }));
        assert_eq!(f.run(&distinct, &[]).len(), groups, "column {column}");
    }
}

#[test]
fn sorting_puts_nan_last_and_nulls_where_asked() {
    let f = fixture();
    let odd = f.scan(ODD);
    let plan = sort(odd.clone(), vec![(col(&odd, 0), true, false)]);
    let first = f.run_in_order(&project(plan, vec![col(&odd, 0)]));
    assert_eq!(
        first,
        ["NaN", "NaN", "Infinity", "0", "-0"]
            .map(str::to_owned)
            .to_vec()
            .into_iter()
            .zip(first.iter().cloned())
            .map(|(wanted, found)| if found == "-0" || found == "0" {
                found
            } else {
                wanted
            })
            .collect::<Vec<_>>()
    );
    let people = f.scan(PEOPLE);
    let ordered = |nulls_first| {
        let plan = sort(
            people.clone(),
            vec![
                (col(&people, 2), false, nulls_first),
                (col(&people, 0), true, false),
            ],
        );
        f.run_in_order(&project(plan, vec![col(&people, 0)]))
    };
    assert_eq!(ordered(true), ["4", "5", "6", "7", "1", "2", "3"]);
    assert_eq!(ordered(false), ["5", "6", "7", "1", "2", "3", "4"]);
}

#[test]
fn limits_count_rows_and_refuse_negative_numbers() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let limited = |limit: Option<Expr>, offset: Option<Expr>| {
        Plan::Limit(Box::new(Limit {
            input: sort(people.clone(), vec![(col(&people, 0), false, false)]),
            limit,
            offset,
            ties: Vec::new(),
        }))
    };
    let n = |n: i64| Some(Expr::Literal(Value::Int8(n), DataType::Int8));
    assert_eq!(f.run_in_order(&limited(n(2), n(3))).len(), 2);
    assert!(f.run_in_order(&limited(n(2), n(3)))[0].starts_with("4|"));
    let null = Some(Expr::Literal(Value::Null, DataType::Int8));
    assert_eq!(f.run_in_order(&limited(null.clone(), null)).len(), 7);
    let error = f.try_run(&limited(n(-1), None), &[]).expect_err("negative");
    assert_eq!(
        error.sqlstate(),
        SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE
    );
}

#[test]
fn set_operations_count_copies() {
    let f = fixture();
    let values = |numbers: &[Option<i32>]| {
        let rows = numbers
            .iter()
            .map(|n| vec![Expr::Literal(Value::from(*n), DataType::Int4)])
            .collect();
        Plan::Values(Box::new(Values {
            rows,
            columns: vec![PlanColumn::new("v", DataType::Int4)],
        }))
    };
    let run = |kind, all| {
        let left = values(&[Some(1), Some(1), Some(1), Some(2), None, None]);
        let right = values(&[Some(1), Some(1), Some(3), None]);
        let columns = left.columns().to_vec();
        let plan = Plan::SetOp(Box::new(SetOp {
            kind,
            all,
            left,
            right,
            columns,
        }));
        f.run(&plan, &[]).join(" ")
    };
    assert_eq!(run(SetOpKind::Union, true), "1 1 1 1 1 2 3 NULL NULL NULL");
    assert_eq!(run(SetOpKind::Union, false), "1 2 3 NULL");
    assert_eq!(run(SetOpKind::Intersect, true), "1 1 NULL");
    assert_eq!(run(SetOpKind::Intersect, false), "1 NULL");
    assert_eq!(run(SetOpKind::Except, true), "1 2 NULL");
    assert_eq!(run(SetOpKind::Except, false), "2");
}

#[test]
fn distinct_on_takes_the_first_of_each() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let plan = Plan::Distinct(Box::new(Distinct {
        input: sort(
            people.clone(),
            vec![
                (col(&people, 1), false, false),
                (col(&people, 0), true, false),
            ],
        ),
        on: vec![col(&people, 1)],
    }));
    let plan = project(plan, vec![col(&people, 1), col(&people, 0)]);
    assert_eq!(f.run_in_order(&plan), ["10|7", "20|4", "30|6", "NULL|5"]);
}

#[test]
fn correlated_subqueries_become_joins() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let teams = f.scan(TEAMS);
    // Each team's people, with the team's number as the frame.
    let of_team = || {
        filter(
            people.clone(),
            infix("=", col(&people, 1), outer(0, DataType::Int4)),
        )
    };
    let count = group(of_team(), vec![], vec![aggregate_call("count", vec![])]);
    let subplans = [Subplan {
        plan: count,
        frame: 1,
    }];
    let counted = project(
        teams.clone(),
        vec![
            col(&teams, 1),
            subplan(SubplanKind::Scalar, vec![col(&teams, 0)], DataType::Int8),
        ],
    );
    assert_eq!(
        f.run(&counted, &subplans),
        ["blue|0", "green|2", "lost|0", "red|3"]
    );
    let subplans = [Subplan {
        plan: of_team(),
        frame: 1,
    }];
    let exists = || subplan(SubplanKind::Exists, vec![col(&teams, 0)], DataType::Bool);
    let with = project(filter(teams.clone(), exists()), vec![col(&teams, 1)]);
    assert_eq!(f.run(&with, &subplans), ["green", "red"]);
    let without = project(
        filter(teams.clone(), Expr::Not(Box::new(exists()))),
        vec![col(&teams, 1)],
    );
    assert_eq!(f.run(&without, &subplans), ["blue", "lost"]);
    let shown = project(teams.clone(), vec![col(&teams, 1), exists()]);
    assert_eq!(
        f.run(&shown, &subplans),
        ["blue|f", "green|t", "lost|f", "red|t"]
    );
    // A value from several rows is an error; a value from one or none is not.
    let pay = project(of_team(), vec![col(&people, 2)]);
    let subplans = [Subplan {
        plan: pay,
        frame: 1,
    }];
    let value = || {
        subplan(
            SubplanKind::Scalar,
            vec![col(&teams, 0)],
            DataType::Numeric(Some((10, 2))),
        )
    };
    let plan = project(teams.clone(), vec![value()]);
    let error = f.try_run(&plan, &subplans).expect_err("several rows");
    assert_eq!(error.sqlstate(), SqlState::CARDINALITY_VIOLATION);
    let some = filter(
        teams.clone(),
        infix(
            "=",
            col(&teams, 1),
            Expr::Literal(Value::from("blue"), DataType::Text),
        ),
    );
    assert_eq!(f.run(&project(some, vec![value()]), &subplans), ["NULL"]);
}

#[test]
fn not_in_heeds_nulls() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let teams = f.scan(TEAMS);
    let equal = helios_expr::catalog::operators("=", Kind::Infix)
        .iter()
        .find(|op| op.args() == [Ty::Int4, Ty::Int4])
        .expect("integers compare");
    let run = |inner: Plan, negated: bool| {
        let subplans = [Subplan {
            plan: inner,
            frame: 0,
        }];
        let mut test = subplan(
            SubplanKind::Any(equal),
            vec![col(&people, 1)],
            DataType::Bool,
        );
        if negated {
            test = Expr::Not(Box::new(test));
        }
        let plan = project(filter(people.clone(), test), vec![col(&people, 0)]);
        f.run(&plan, &subplans).join(" ")
    };
    let ids = || project(teams.clone(), vec![col(&teams, 0)]);
    let known = || {
        let given = Expr::IsNull {
            expr: Box::new(col(&teams, 0)),
            negated: true,
        };
        project(filter(teams.clone(), given), vec![col(&teams, 0)])
    };
    assert_eq!(run(ids(), false), "1 2 3 4 7");
    assert_eq!(run(ids(), true), "");
    assert_eq!(run(known(), true), "6");
    assert_eq!(run(f.scan(NOTHING), true), "1 2 3 4 5 6 7");
}

#[test]
fn windows_number_and_accumulate() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let ranked = helios_expr::catalog::windows("row_number")[0];
    let sum = aggregate_call("sum", vec![col(&people, 0)]);
    let rows = Frame {
        unit: FrameUnit::Rows,
        start: FrameBound::Preceding(Expr::Literal(Value::Int8(1), DataType::Int8)),
        end: FrameBound::CurrentRow,
        exclude: FrameExclude::NoOthers,
    };
    let calls = vec![
        WindowCall {
            function: Windowed::Function(ranked),
            args: vec![],
            filter: None,
            frame: Frame::default(),
            ty: DataType::Int8,
        },
        WindowCall {
            function: Windowed::Aggregate(sum.function),
            args: sum.args,
            filter: None,
            frame: rows,
            ty: DataType::Int8,
        },
    ];
    let mut columns = people.columns().to_vec();
    columns.push(PlanColumn::new("n", DataType::Int8));
    columns.push(PlanColumn::new("s", DataType::Int8));
    let plan = Plan::Window(Box::new(WindowNode {
        partition_by: vec![col(&people, 1)],
        order_by: vec![SortKey {
            expr: col(&people, 0),
            descending: false,
            nulls_first: false,
        }],
        input: people,
        calls,
        columns,
    }));
    let exprs = vec![col(&plan, 0), col(&plan, 3), col(&plan, 4)];
    assert_eq!(
        f.run(&project(plan, exprs), &[]),
        [
            "1|1|1", "2|2|3", "3|1|3", "4|2|7", "5|1|5", "6|1|6", "7|3|9"
        ]
    );
}

#[test]
fn recursion_reaches_its_fixed_point() {
    let f = fixture();
    let column = vec![PlanColumn::new("n", DataType::Int4)];
    let anchor = Plan::Values(Box::new(Values {
        rows: vec![vec![Expr::int4(1)]],
        columns: column.clone(),
    }));
    let id = CteId(1);
    let work = Plan::WorkTable {
        id,
        name: "t".into(),
        columns: column.clone(),
    };
    let n = || Expr::column(0, DataType::Int4);
    let step = project(
        filter(work, infix("<", n(), Expr::int4(5))),
        vec![infix("+", n(), Expr::int4(1))],
    );
    let plan = Plan::Recursive(Box::new(RecursiveCte {
        id,
        name: "t".into(),
        anchor,
        step,
        all: true,
        columns: column,
    }));
    assert_eq!(f.run(&plan, &[]), ["1", "2", "3", "4", "5"]);
}

#[test]
fn errors_keep_their_state() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let by_zero = infix(
        "/",
        col(&people, 0),
        infix("-", col(&people, 0), Expr::int4(3)),
    );
    let error = f
        .try_run(&project(people.clone(), vec![by_zero]), &[])
        .expect_err("by zero");
    assert_eq!(error.sqlstate(), SqlState::DIVISION_BY_ZERO);
    assert_eq!(error.message(), "division by zero");
    let huge = infix("*", col(&people, 0), Expr::int4(i32::MAX));
    let error = f
        .try_run(&project(people, vec![huge]), &[])
        .expect_err("too large");
    assert_eq!(error.sqlstate(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    assert_eq!(error.message(), "integer out of range");
}

#[test]
fn plans_explain_themselves() {
    let f = fixture();
    let people = f.scan(PEOPLE);
    let plan = group(
        people.clone(),
        vec![col(&people, 1)],
        vec![aggregate_call("count", vec![])],
    );
    let text = f.explain(&plan);
    assert!(text.contains("AggregateExec"), "{text}");
}
