//! The inverted index of the search `q=` over users (docs/adr/0003): runs of three characters of the folded texts. One crate,
//! because users that are loaded in bulk must be found like those that the service wrote.
//!
//! Must not know which texts are indexed, nor how they are searched.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};

/// A `tsvector` as the server receives it in binary: made here, since there it would cost as much as an index does.
#[derive(Debug, PartialEq, Eq)]
pub struct Grams(Vec<u8>);

impl ToSql for Grams {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    accepts!(TS_VECTOR);
    to_sql_checked!();
}

/// Every run of three characters of the folded texts, and the last two characters of each.
pub fn index_grams(folded: [&str; 2]) -> Grams {
    let mut grams = Vec::with_capacity(folded[0].len().saturating_add(folded[1].len()));
    for text in folded {
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        // The starts of the last three characters, and the end behind them: one run, and the tail without its first.
        let mut last = [starts.next(), starts.next(), starts.next()];
        for end in starts {
            if let [Some(first), ..] = last {
                grams.push(Gram::of(&text[first..end]));
            }
            last = [last[1], last[2], Some(end)];
        }
        if let [Some(from), _, Some(end)] = last {
            grams.push(Gram::of(&text[from..end]));
        }
    }
    // The order of bytes is that of a tsvector, which therefore need not be sorted again.
    grams.sort_unstable();
    grams.dedup();
    encode(&grams)
}

/// A gram as a number: its at most twelve bytes from the highest down, and how many they are in the lowest.
///
/// Numbers are sorted several times as fast as texts, and into the same order: none of the bytes is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gram(u128);

impl Gram {
    fn of(text: &str) -> Self {
        let mut bytes = [0; 16];
        let (room, length) = bytes.split_at_mut(15);
        for (slot, byte) in room.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        length[0] = u8::try_from(text.len()).unwrap_or(12);
        Self(u128::from_be_bytes(bytes))
    }

    /// Its bytes with the NUL behind them and the number of positions, which is 0.
    fn encode(self, out: &mut Vec<u8>) {
        let bytes = self.0.to_be_bytes();
        out.extend_from_slice(&bytes[..usize::from(bytes[15]) + 3]);
    }
}

/// How many, then each.
fn encode(grams: &[Gram]) -> Grams {
    let mut out = Vec::with_capacity(4 + grams.len() * 6);
    out.extend_from_slice(&u32::try_from(grams.len()).unwrap_or(0).to_be_bytes());
    for gram in grams {
        gram.encode(&mut out);
    }
    Grams(out)
}

#[cfg(test)]
mod tests {
    use super::index_grams;

    #[test]
    fn every_run_of_three_and_the_last_two_are_indexed() {
        let texts = |folded| {
            let bytes = index_grams(folded).0;
            let (count, grams) = bytes.split_at(4);
            let grams = String::from_utf8(grams.to_vec()).unwrap();
            let grams: Vec<_> = grams
                .split_terminator("\0\0\0")
                .map(str::to_owned)
                .collect();
            assert_eq!(count, u32::try_from(grams.len()).unwrap().to_be_bytes());
            grams
        };
        assert_eq!(texts(["adam", "é1"]), ["ada", "am", "dam", "é1"]);
        assert_eq!(
            texts(["abab", "aéabab"]),
            ["ab", "aba", "aéa", "bab", "éab"]
        );
        assert!(texts(["x", ""]).is_empty());
        assert_eq!(texts(["𝔸𝔹ℂ", ""]), ["𝔸𝔹ℂ", "𝔹ℂ"]);
    }
}
