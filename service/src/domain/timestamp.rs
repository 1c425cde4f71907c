//! Instants with the precision that the directory keeps: microseconds since the Unix epoch, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Bytes of an RFC 3339 timestamp with microseconds, such as `2026-01-02T03:04:05.678901Z`.
pub const RFC3339_BYTES: usize = 27;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days since the epoch: 1 March of the year -400, 1 January of the years 0 and 10000.
const ERA_BEFORE_YEAR_0: i64 = -719_468 - 146_097;
const YEAR_0: i64 = -719_528;
const YEAR_10000: i64 = 2_932_897;

/// Both digits of every number below 100: looked up, they take a third of the instructions of two divisions.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [*b"00"; 100];
    let mut number: u8 = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

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
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days.clamp(YEAR_0, YEAR_10000 - 1));
        // Both are small and not negative: divisions of 32 bits take a fraction of the time.
        let second = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).unwrap_or(0);
        let micros = u32::try_from(self.0.rem_euclid(MICROS_PER_SECOND)).unwrap_or(0);
        let mut out = *b"0000-00-00T00:00:00.000000Z";
        let pairs = [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, second / 3600),
            (14, second / 60 % 60),
            (17, second % 60),
            (20, micros / 10_000),
            (22, micros / 100 % 100),
            (24, micros % 100),
        ];
        for (at, number) in pairs {
            let digits = PAIRS.get(number as usize).unwrap_or(&PAIRS[0]);
            out[at..at + 2].copy_from_slice(digits);
        }
        out
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The Gregorian date of a day number (0 is 1970-01-01), by the method of eras of 400 years that start in March.
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    // Counted from an era before the year 0, so that nothing is negative.
    let shifted = u32::try_from(days - ERA_BEFORE_YEAR_0).unwrap_or(0);
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
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
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    (year.saturating_sub(400), month, day)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use proptest::prelude::*;
    use time::{OffsetDateTime, macros::format_description};

    proptest! {
        #[test]
        fn rfc3339_agrees_with_an_independent_formatter(micros in -62_167_219_200_000_000_i64..253_402_300_799_999_999) {
            let expected = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
                .unwrap()
                .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"))
                .unwrap();
            let ours = Timestamp::from_unix_micros(micros).rfc3339();
            prop_assert_eq!(std::str::from_utf8(&ours).unwrap(), expected);
        }
    }
}
