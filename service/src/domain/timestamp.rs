//! Instants with the precision that the directory keeps: microseconds since the Unix epoch, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Bytes of an RFC 3339 timestamp with microseconds, such as `2026-01-02T03:04:05.678901Z`.
pub const RFC3339_BYTES: usize = 27;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    /// The instant `micros` microseconds after the epoch.
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as HTTP dates have them.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The same instant in the standard library's terms.
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// RFC 3339 in UTC with six decimals, for years 0 to 9999.
    ///
    /// Written by hand because every answer carries two of them: a general formatter costs several times as much.
    pub fn rfc3339(self) -> [u8; RFC3339_BYTES] {
        let seconds = self.unix_seconds();
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let mut out = *b"0000-00-00T00:00:00.000000Z";
        write_digits(&mut out[0..4], year.clamp(0, 9999));
        write_digits(&mut out[5..7], month);
        write_digits(&mut out[8..10], day);
        write_digits(&mut out[11..13], second_of_day / 3600);
        write_digits(&mut out[14..16], second_of_day / 60 % 60);
        write_digits(&mut out[17..19], second_of_day % 60);
        write_digits(&mut out[20..26], micros);
        out
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

fn write_digits(out: &mut [u8], mut value: i64) {
    for byte in out.iter_mut().rev() {
        *byte = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// The Gregorian date of a day number (0 is 1970-01-01), by the method of eras of 400 years that start in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use proptest::prelude::*;
    use time::{OffsetDateTime, macros::format_description};

    proptest! {
        #[test]
        fn rfc3339_agrees_with_an_independent_formatter(micros in 0_i64..253_402_300_799_999_999) {
            let expected = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
                .unwrap()
                .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"))
                .unwrap();
            let ours = Timestamp::from_unix_micros(micros).rfc3339();
            prop_assert_eq!(std::str::from_utf8(&ours).unwrap(), expected);
        }
    }
}
