//! The words of date, time and interval text.

/// PostgreSQL compares only this many characters of a word.
const LENGTH_MAX: usize = 10;

/// Units and fields of dates and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Epoch,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
    /// The `T` before an ISO time.
    Time,
}

/// What a word in a date or time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    NegInfinity,
    Infinity,
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    AllBalls,
    Month(i32),
    Weekday,
    Am,
    Pm,
    Ad,
    Bc,
    Dst,
    /// A word without meaning: `at`, `on`.
    Filler,
    /// Labels the next field.
    Label(Unit),
    IsoTime,
}

fn cut(word: &str) -> &str {
    word.get(..LENGTH_MAX).unwrap_or(word)
}

/// Looks up a lower-case word.
pub(super) fn find(word: &str) -> Option<Keyword> {
    use Keyword::*;
    Some(match cut(word) {
        "-infinity" => NegInfinity,
        "infinity" => Infinity,
        "epoch" => Epoch,
        "now" => Now,
        "today" => Today,
        "tomorrow" => Tomorrow,
        "yesterday" => Yesterday,
        "allballs" => AllBalls,
        "jan" | "january" => Month(1),
        "feb" | "february" => Month(2),
        "mar" | "march" => Month(3),
        "apr" | "april" => Month(4),
        "may" => Month(5),
        "jun" | "june" => Month(6),
        "jul" | "july" => Month(7),
        "aug" | "august" => Month(8),
        "sep" | "sept" | "september" => Month(9),
        "oct" | "october" => Month(10),
        "nov" | "november" => Month(11),
        "dec" | "december" => Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds"
        | "wednesday" | "thu" | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat"
        | "saturday" => Weekday,
        "am" => Am,
        "pm" => Pm,
        "ad" => Ad,
        "bc" => Bc,
        "dst" => Dst,
        "at" | "on" => Filler,
        "d" => Label(Unit::Day),
        "h" => Label(Unit::Hour),
        "m" => Label(Unit::Month),
        "mm" => Label(Unit::Minute),
        "s" => Label(Unit::Second),
        "y" => Label(Unit::Year),
        "j" | "jd" | "julian" => Label(Unit::Julian),
        "dow" => Label(Unit::DayOfWeek),
        "isodow" => Label(Unit::IsoDayOfWeek),
        "doy" => Label(Unit::DayOfYear),
        "isoyear" => Label(Unit::IsoYear),
        "t" => IsoTime,
        _ => return None,
    })
}

/// What a word in an interval, or the first argument of `extract` and `date_trunc`, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntervalWord {
    Unit(Unit),
    Ago,
    /// `@`
    Filler,
}

/// Looks up a lower-case word of an interval.
pub(super) fn find_unit(word: &str) -> Option<IntervalWord> {
    use Unit::*;
    Some(IntervalWord::Unit(match cut(word) {
        "@" => return Some(IntervalWord::Filler),
        "ago" => return Some(IntervalWord::Ago),
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Microsecond,
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Hour,
        "d" | "day" | "days" => Day,
        "w" | "week" | "weeks" => Week,
        "mon" | "mons" | "month" | "months" => Month,
        "qtr" | "quarter" => Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Year,
        "dec" | "decs" | "decade" | "decades" => Decade,
        "c" | "cent" | "century" | "centuries" => Century,
        "mil" | "mils" | "millennia" | "millennium" => Millennium,
        "timezone" => Timezone,
        "timezone_h" => TimezoneHour,
        "timezone_m" => TimezoneMinute,
        _ => return None,
    }))
}

/// Looks up the first argument of `extract` or `date_part`, in any case.
pub(super) fn find_part(word: &str) -> Option<Unit> {
    let word = word.to_lowercase();
    match find_unit(&word) {
        Some(IntervalWord::Unit(unit)) => Some(unit),
        _ => match find(&word) {
            Some(Keyword::Epoch) => Some(Unit::Epoch),
            Some(Keyword::Label(unit)) => Some(unit),
            _ => None,
        },
    }
}
