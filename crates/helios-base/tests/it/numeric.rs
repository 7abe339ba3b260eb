//! `numeric` arithmetic, functions and conversions against PostgreSQL's.

use helios_base::{Numeric, Result};

use crate::golden;

#[test]
fn answers_as_postgres_does() {
    golden::check(
        "numeric.tsv",
        include_str!("../golden/numeric.tsv"),
        |fields| {
            let [op, a, b] = fields else {
                panic!("three fields expected");
            };
            answer(op, a, b)
        },
    );
}

fn answer(op: &str, a: &str, b: &str) -> Result<String> {
    match op {
        "from8" => return Ok(Numeric::from_f64(a.parse().unwrap()).to_string()),
        "from4" => return Ok(Numeric::from_f32(a.parse().unwrap()).to_string()),
        "factorial" => return Numeric::factorial(a.parse().unwrap()).map(|n| n.to_string()),
        _ => {}
    }
    let x = Numeric::parse(a)?;
    let y = || Numeric::parse(b);
    let result = match op {
        "parse" => x,
        "+" => x.add(&y()?)?,
        "-" => x.sub(&y()?)?,
        "*" => x.mul(&y()?)?,
        "/" => x.div(&y()?)?,
        "%" => x.rem(&y()?)?,
        "div" => x.div_trunc(&y()?)?,
        "gcd" => x.gcd(&y()?)?,
        "lcm" => x.lcm(&y()?)?,
        "cmp" => return Ok((x.cmp(&y()?) as i8).to_string()),
        "round" => x.round(b.parse().unwrap())?,
        "trunc" => x.trunc(b.parse().unwrap())?,
        "ceil" => x.ceil()?,
        "floor" => x.floor()?,
        "sqrt" => x.sqrt()?,
        "ln" => x.ln()?,
        "exp" => x.exp()?,
        "log10" => x.log10()?,
        "log" => y()?.log(&x)?,
        "power" => x.power(&y()?)?,
        "sign" => x.sign(),
        "min_scale" => return Ok(x.min_scale().map_or("NULL".into(), |s| s.to_string())),
        "trim_scale" => x.trim_scale(),
        "int2" => return x.to_i16().map(|n| n.to_string()),
        "int4" => return x.to_i32().map(|n| n.to_string()),
        "int8" => return x.to_i64().map(|n| n.to_string()),
        "float8" => {
            let f = x.to_f64()?;
            return Ok(helios_base::Value::Float8(f).to_text(
                &helios_base::DataType::Float8,
                &helios_base::TextContext::default(),
            ));
        }
        "mod" => {
            let (precision, scale) = b.split_once(',').unwrap();
            x.apply_modifier(precision.parse().unwrap(), scale.parse().unwrap())?
        }
        _ => panic!("unknown operation {op}"),
    };
    Ok(result.to_string())
}
