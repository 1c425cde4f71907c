//! Formatted lines to write, and the write position.

/// How lines are delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// A line feed after it.
    Lines,
    /// Its length before it (RFC 6587, section 3.4.1).
    OctetCounting,
    /// One datagram per line.
    Datagrams,
}

/// Lines in one buffer, so that one call writes many.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    line: Vec<u8>,
    written: usize,
    done: usize,
    dropped: u64,
}

impl Batch {
    pub(super) fn push(&mut self, framing: Framing, format: impl FnOnce(&mut Vec<u8>)) {
        match framing {
            Framing::Lines => {
                format(&mut self.bytes);
                self.bytes.push(b'\n');
            }
            Framing::Datagrams => format(&mut self.bytes),
            Framing::OctetCounting => {
                self.line.clear();
                format(&mut self.line);
                self.bytes
                    .extend_from_slice(self.line.len().to_string().as_bytes());
                self.bytes.push(b' ');
                self.bytes.extend_from_slice(&self.line);
            }
        }
        self.ends.push(self.bytes.len());
    }

    /// Lines that are not completely written.
    pub(super) fn lines_left(&self) -> usize {
        self.ends.len() - self.done
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines_left() == 0
    }

    /// What is not written yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// The first line that is not completely written.
    pub(super) fn line(&self) -> Option<&[u8]> {
        let end = *self.ends.get(self.done)?;
        Some(&self.bytes[self.start()..end])
    }

    /// Records that this many more bytes are written.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        while self
            .ends
            .get(self.done)
            .is_some_and(|end| *end <= self.written)
        {
            self.done += 1;
        }
    }

    /// Records that the first unwritten line is finished, written or not.
    pub(super) fn skip_line(&mut self) {
        if let Some(end) = self.ends.get(self.done) {
            self.written = *end;
            self.done += 1;
        }
    }

    /// Records that a line was lost.
    pub(super) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    /// The lines dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Restarts the partially written line; returns how many of its bytes had been written.
    pub(super) fn restart_line(&mut self) -> usize {
        let cut = self.written - self.start();
        self.written -= cut;
        cut
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.written = 0;
        self.done = 0;
    }

    fn start(&self) -> usize {
        self.done.checked_sub(1).map_or(0, |last| self.ends[last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(framing: Framing, lines: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for line in lines {
            batch.push(framing, |bytes| bytes.extend_from_slice(line.as_bytes()));
        }
        batch
    }

    #[test]
    fn octets_are_counted_in_bytes() {
        let batch = batch(Framing::OctetCounting, &["é", "abc"]);
        assert_eq!(batch.rest(), "2 é3 abc".as_bytes());
    }

    #[test]
    fn a_line_that_was_cut_off_begins_anew() {
        let mut batch = batch(Framing::Lines, &["one", "two", "three"]);
        batch.advance(6);
        assert_eq!(batch.lines_left(), 2);
        assert_eq!(batch.restart_line(), 2);
        assert_eq!(batch.rest(), b"two\nthree\n");
        batch.skip_line();
        assert_eq!(batch.line(), Some(&b"three\n"[..]));
        batch.advance(6);
        assert!(batch.is_empty());
    }
}
