//! The words and phrases, what to write instead, and the exceptions. Data only.

/// A phrase that is not used, in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// Its words, separated by spaces; `…` stands for one to five words.
    pub(super) words: &'static str,
    pub(super) instead: &'static str,
    /// It is allowed after one of these words.
    pub(super) not_after: &'static [&'static str],
    /// It is allowed before one of these words.
    pub(super) not_before: &'static [&'static str],
    /// It is allowed at the end of a sentence.
    pub(super) needs_word_after: bool,
}

/// A file in which a phrase is allowed.
pub(super) struct Exception {
    pub(super) file: &'static str,
    pub(super) phrase: &'static str,
    pub(super) why: &'static str,
}

const fn phrase(words: &'static str, instead: &'static str) -> Phrase {
    Phrase {
        words,
        instead,
        not_after: &[],
        not_before: &[],
        needs_word_after: false,
    }
}

/// `is no UUID`, but not `there is no UUID` and not `is no longer`.
const fn negation(words: &'static str, instead: &'static str) -> Phrase {
    Phrase {
        words,
        instead,
        not_after: &["there"],
        not_before: &[
            "longer",
            "more",
            "less",
            "better",
            "worse",
            "higher",
            "lower",
            "later",
            "different",
        ],
        needs_word_after: true,
    }
}

const TELL: &str = "write report, return, log, show or distinguish";
const FIX: &str = "write fix or correct";

pub(super) const PHRASES: &[Phrase] = &[
    phrase("tell", TELL),
    phrase("tells", TELL),
    phrase("telling", TELL),
    phrase("told", TELL),
    phrase(
        "anew",
        "write again, or name the action: reopen, recreate, reread",
    ),
    phrase("mend", FIX),
    phrase("mends", FIX),
    phrase("mended", FIX),
    phrase("mending", FIX),
    phrase("whoever", "name the subject: a client that …, anyone who …"),
    phrase("deaf", "write lagging, or not receiving notifications"),
    phrase("hung up", "write disconnected"),
    phrase("in company", "write batched"),
    phrase("the one in the middle", "write median"),
    phrase("asked for by name", "name the flag: requires --…"),
    phrase("as it has to be", "write is not valid …"),
    phrase("that is none", "write malformed, unknown or does not exist"),
    phrase("is it well", "write health checks"),
    phrase("hold … against", "write test against or compare with"),
    phrase("holds … against", "write tests against or compares with"),
    phrase("held … against", "write tested against or compared with"),
    negation("is no", "write is not a …"),
    negation("are no", "write are not …"),
];

/// Files with words that cannot change, and why.
pub(super) const UNREAD: &[(&str, &str)] = &[
    (
        "service/migrations/V",
        "an applied migration is never edited",
    ),
    (
        "xtask/crates/sources/src/check/words",
        "the list itself and its tests",
    ),
];

/// Places in which a phrase is right.
pub(super) const EXCEPTIONS: &[Exception] = &[];
