//! `DateStyle` and `IntervalStyle`: how dates, times and intervals look.

/// How `01/02/03` reads, and whether the day comes before the month in output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// How dates and times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// `1997-12-17 07:37:16-08`
    #[default]
    Iso,
    /// `12/17/1997 07:37:16.00 PST`
    Sql,
    /// `Wed Dec 17 07:37:16 1997 PST`
    Postgres,
    /// `17.12.1997 07:37:16.00 PST`
    German,
}

/// How intervals are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    Verbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// Reads a setting of `DateStyle`, such as `German` or `ISO, DMY`; what it leaves open stays as
/// it was.
///
/// # Errors
/// The word that is not understood; `None` if two words contradict each other.
pub fn parse_date_style(
    text: &str,
    before: (DateStyle, DateOrder),
) -> Result<(DateStyle, DateOrder), Option<String>> {
    let (mut style, mut order) = (None, None);
    let mut german = false;
    for word in text.split(',').map(str::trim) {
        let upper = word.to_ascii_uppercase();
        let (a_style, an_order) = match upper.as_str() {
            "ISO" => (Some(DateStyle::Iso), None),
            "SQL" => (Some(DateStyle::Sql), None),
            "GERMAN" => {
                german = true;
                (Some(DateStyle::German), None)
            }
            "YMD" => (None, Some(DateOrder::Ymd)),
            "DMY" => (None, Some(DateOrder::Dmy)),
            "MDY" | "US" => (None, Some(DateOrder::Mdy)),
            "DEFAULT" => (
                style.or(Some(DateStyle::Iso)),
                order.or(Some(DateOrder::Mdy)),
            ),
            other if other.starts_with("POSTGRES") => (Some(DateStyle::Postgres), None),
            other if other.starts_with("EURO") => (None, Some(DateOrder::Dmy)),
            other if other.starts_with("NONEURO") => (None, Some(DateOrder::Mdy)),
            _ => return Err(Some(word.to_owned())),
        };
        let contradicts = a_style.is_some() && style.is_some() && a_style != style
            || an_order.is_some() && order.is_some() && an_order != order;
        if contradicts {
            return Err(None);
        }
        style = a_style.or(style);
        order = an_order.or(order);
    }
    if german {
        order = order.or(Some(DateOrder::Dmy));
    }
    Ok((style.unwrap_or(before.0), order.unwrap_or(before.1)))
}

/// The setting as `SHOW DateStyle` has it.
#[must_use]
pub fn show_date_style(style: DateStyle, order: DateOrder) -> &'static str {
    match (style, order) {
        (DateStyle::Iso, DateOrder::Mdy) => "ISO, MDY",
        (DateStyle::Iso, DateOrder::Dmy) => "ISO, DMY",
        (DateStyle::Iso, DateOrder::Ymd) => "ISO, YMD",
        (DateStyle::Sql, DateOrder::Mdy) => "SQL, MDY",
        (DateStyle::Sql, DateOrder::Dmy) => "SQL, DMY",
        (DateStyle::Sql, DateOrder::Ymd) => "SQL, YMD",
        (DateStyle::Postgres, DateOrder::Mdy) => "Postgres, MDY",
        (DateStyle::Postgres, DateOrder::Dmy) => "Postgres, DMY",
        (DateStyle::Postgres, DateOrder::Ymd) => "Postgres, YMD",
        (DateStyle::German, DateOrder::Mdy) => "German, MDY",
        (DateStyle::German, DateOrder::Dmy) => "German, DMY",
        (DateStyle::German, DateOrder::Ymd) => "German, YMD",
    }
}

impl IntervalStyle {
    /// The style of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "postgres" => Some(Self::Postgres),
            "postgres_verbose" => Some(Self::Verbose),
            "sql_standard" => Some(Self::SqlStandard),
            "iso_8601" => Some(Self::Iso8601),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_styles_keep_what_they_leave_open() {
        let before = (DateStyle::Sql, DateOrder::Ymd);
        for (text, shown) in [
            ("ISO", "ISO, YMD"),
            ("dmy", "SQL, DMY"),
            ("German", "German, DMY"),
            ("german, mdy", "German, MDY"),
            ("postgresql , European", "Postgres, DMY"),
        ] {
            let read = parse_date_style(text, before).map(|(s, o)| show_date_style(s, o));
            assert_eq!(read, Ok(shown), "{text}");
        }
        assert_eq!(parse_date_style("nope", before), Err(Some("nope".into())));
        assert_eq!(parse_date_style("ISO, SQL", before), Err(None));
    }
}
