//! Dates in header fields (RFC 9110, 5.6.7), in its three forms, with what the library leaves out: years before 1970,
//! leap seconds, and two-digit years that are read by the present.

use std::time::UNIX_EPOCH;

/// After as many years the calendar repeats itself, days of the week included.
const ERA_YEARS: u32 = 400;
const ERA_SECONDS: i64 = 146_097 * 86_400;

/// Seconds since the Unix epoch, which are negative before it; `None` for what is not a date.
///
/// `now_s`: the present, by which a two-digit year is read.
pub(super) fn parse_http_date(text: &str, now_s: i64) -> Option<i64> {
    let text = with_four_digit_year(text.trim(), now_s)?;
    // The library knows dates from 1970 on: earlier ones are moved by whole eras, and back.
    let year = find_year(&text)?;
    let eras = 1970_u32
        .saturating_sub(text[year..year + 4].parse().ok()?)
        .div_ceil(ERA_YEARS);
    let moved = text[year..year + 4].parse::<u32>().ok()? + eras * ERA_YEARS;
    let text = format!("{}{moved:04}{}", &text[..year], &text[year + 4..]);
    // A minute may have 61 seconds; the library's has not.
    let seconds = text.rfind(':')? + 1;
    let is_leap = text.get(seconds..seconds + 2)? == "60";
    let text = if is_leap {
        format!("{}59{}", &text[..seconds], &text[seconds + 2..])
    } else {
        text
    };
    let time = httpdate::parse_http_date(&text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let since = i64::try_from(since).ok()?;
    Some(since + i64::from(is_leap) - i64::from(eras) * ERA_SECONDS)
}

/// Where the four digits of the year begin: the one run of four digits in all forms.
fn find_year(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if !text.is_ascii() {
        return None;
    }
    (0..bytes.len().checked_sub(3)?).find(|at| {
        let digits = &bytes[*at..*at + 4];
        digits.iter().all(u8::is_ascii_digit)
    })
}

/// Rewrites `Sunday, 06-Nov-94 08:49:37 GMT` (RFC 850) as `Sun, 06 Nov 1994 08:49:37 GMT`; the other forms stay.
///
/// A year that would lie more than 50 years ahead is the last one in the past with these digits.
fn with_four_digit_year(text: &str, now_s: i64) -> Option<String> {
    let Some((day_name, rest)) = text
        .split_once(", ")
        .filter(|(_, rest)| rest.get(2..3) == Some("-"))
    else {
        return Some(text.to_owned());
    };
    let (day, month) = (rest.get(..2)?, rest.get(3..6)?);
    let (year, time) = (rest.get(7..9)?, rest.get(9..)?);
    if !year.bytes().all(|b| b.is_ascii_digit()) || rest.get(6..7) != Some("-") {
        return None;
    }
    let year: i64 = year.parse().ok()?;
    // A mean year: off by a day at the turn of a year, which decides nothing 50 years away.
    let present = 1970 + now_s / (ERA_SECONDS / i64::from(ERA_YEARS));
    let this_century = present - present.rem_euclid(100) + year;
    let year = if this_century > present + 50 {
        this_century - 100
    } else {
        this_century
    };
    Some(format!(
        "{}, {day} {month} {year:04}{time}",
        day_name.get(..3)?
    ))
}

#[cfg(test)]
mod tests {
    use super::parse_http_date;

    /// 30 November 2026.
    const NOW_S: i64 = 1_796_000_000;

    #[test]
    fn all_three_forms_are_dates() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_http_date(text, NOW_S), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn dates_before_1970_and_leap_seconds_are_dates() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Sat, 01 Jan 1600 00:00:00 GMT", -11_676_096_000),
            ("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800),
            ("Wed Dec 31 23:59:59 1969", -1),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(parse_http_date(text, NOW_S), Some(seconds), "{text}");
        }
    }

    #[test]
    fn a_two_digit_year_is_at_most_fifty_years_ahead() {
        let year = |text| parse_http_date(text, NOW_S).map(|s| 1970 + s / 31_556_952);
        assert_eq!(year("Wednesday, 01-Jul-76 00:00:00 GMT"), Some(2076));
        assert_eq!(year("Friday, 01-Jul-77 00:00:00 GMT"), Some(1977));
        assert_eq!(year("Wednesday, 01-Jul-26 00:00:00 GMT"), Some(2026));
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in [
            "",
            "yesterday",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-é4 08:49:37 GMT",
            "Sunday, 06-Nov-",
            "Sun, 06 Nov 1994 08:49:37 +0100",
        ] {
            assert_eq!(parse_http_date(text, NOW_S), None, "{text}");
        }
    }
}
