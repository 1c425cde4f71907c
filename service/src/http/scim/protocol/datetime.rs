//! Points in time as SCIM writes them (RFC 7643, 2.3.5): `2011-05-13T04:42:34Z`.

/// Nanoseconds since 1970 of a `dateTime`; `None` when it is not one. Without an offset it is UTC.
pub(in crate::http) fn parse(raw: &str) -> Option<i128> {
    let (date, time) = raw.split_once(['T', 't'])?;
    let mut parts = date.split('-');
    let year = i128::from(digits(parts.next()?, 4)?);
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&day)
    {
        return None;
    }
    let (time, offset_s) = split_offset(time)?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, nanoseconds(fraction)?),
        None => (time, 0),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = digits(parts.next()?, 2)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, i128::from(month), i128::from(day));
    let seconds = days * 86_400 + i128::from(hour * 3600 + minute * 60 + second) - offset_s;
    Some(seconds * 1_000_000_000 + i128::from(fraction))
}

/// A number of exactly so many digits.
fn digits(raw: &str, count: usize) -> Option<u32> {
    (raw.len() == count && raw.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| raw.parse().ok())?
}

/// The nanoseconds of a fraction; digits after the ninth do not count.
fn nanoseconds(raw: &str) -> Option<u32> {
    if raw.is_empty() || !raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{:0<9}", &raw[..raw.len().min(9)]).parse().ok()
}

/// The time without its offset, and the offset in seconds east of UTC.
fn split_offset(raw: &str) -> Option<(&str, i128)> {
    if let Some(time) = raw.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = raw.rfind(['+', '-']) else {
        return Some((raw, 0));
    };
    let (time, offset) = raw.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i128::from(hours * 3600 + minutes * 60);
    Some((
        time,
        if offset.starts_with('-') {
            -seconds
        } else {
            seconds
        },
    ))
}

fn days_of(year: i128, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted from March so that the leap day is the last of a year.
fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 306 + 5) / 10
        + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_are_nanoseconds_since_1970() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            parse("2011-05-13T04:42:34Z"),
            Some(1_305_261_754_000_000_000)
        );
        assert_eq!(
            parse("2024-02-29T12:00:00.5Z"),
            Some(1_709_208_000_500_000_000)
        );
        assert_eq!(parse("2000-03-01T00:00:00"), Some(951_868_800_000_000_000));
        assert_eq!(parse("1969-12-31T23:59:59.999999999Z"), Some(-1));
    }

    #[test]
    fn offsets_are_subtracted() {
        assert_eq!(
            parse("2011-05-13T06:42:34+02:00"),
            parse("2011-05-13T04:42:34Z")
        );
        assert_eq!(
            parse("2011-05-12T23:12:34-05:30"),
            parse("2011-05-13T04:42:34z")
        );
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        for raw in [
            "",
            "2011-05-13",
            "2011-02-29T00:00:00Z",
            "2011-13-01T00:00:00Z",
            "2011-05-13T24:00:00Z",
            "2011-05-13T04:42Z",
            "2011-05-13T04:42:34.Z",
            "2011-05-13T04:42:34+2:00",
            "x",
            "T",
            "2011-05-13T04:42:34+\u{fc}:00",
            "20\u{fc}1-05-13T04:42:34Z",
        ] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }
}
