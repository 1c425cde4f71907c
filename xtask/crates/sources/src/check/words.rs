//! The word list: words and phrases that this repository does not use, each with what to write instead.
//!
//! It reads Markdown outside of code, comments and string literals of Rust (command-line help and errors are among
//! them), and whole lines of YAML, Terraform, TOML, SQL and shell. It knows words, not grammar.

mod list;
mod prose;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use xtask::failure::{Failure, Kind};
use xtask::git;

use list::{EXCEPTIONS, Exception, PHRASES, Phrase, UNREAD};
use prose::{Token, read};

/// A use of a phrase, with the file's line.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    line: usize,
    phrase: &'static Phrase,
}

/// Fails if a file uses a phrase of the list, or if an exception is not needed.
pub(crate) fn run() -> Result<()> {
    let mut faults = Vec::new();
    let mut needed = BTreeSet::new();
    let mut count = 0_usize;
    for file in git::files(&[])?.iter().filter(|file| is_read(file)) {
        let Ok(bytes) = std::fs::read(file) else {
            continue; // deleted, but not committed yet
        };
        let text = String::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8"))?;
        count += 1;
        for found in uses(file, &text) {
            match exception(file, found.phrase) {
                Some(number) => {
                    needed.insert(number);
                }
                None => faults.push(fault(file, &found)),
            }
        }
    }
    for (number, exception) in EXCEPTIONS.iter().enumerate() {
        if !needed.contains(&number) {
            faults.push(format!(
                "{}: the exception for \"{}\" ({}) is not needed",
                exception.file, exception.phrase, exception.why
            ));
        }
    }
    if faults.is_empty() {
        printing::eprintln!("{count} files read, no word of the word list is used");
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!("{} uses of words that the word list rules out", faults.len()),
        faults.join("\n"),
        "write what the list suggests; the list and its exceptions are in the xtask-sources crate, src/check/words/list.rs",
    )
    .into())
}

fn is_read(file: &str) -> bool {
    let kind = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    prose::KINDS.contains(&kind) && !UNREAD.iter().any(|(prefix, _)| file.starts_with(prefix))
}

fn exception(file: &str, phrase: &Phrase) -> Option<usize> {
    let covers = |exception: &Exception| exception.file == file && exception.phrase == phrase.words;
    EXCEPTIONS.iter().position(covers)
}

fn fault(file: &str, found: &Use) -> String {
    format!(
        "{file}:{}: \"{}\": {}",
        found.line, found.phrase.words, found.phrase.instead
    )
}

/// Every use of a phrase in a file.
fn uses(file: &str, text: &str) -> Vec<Use> {
    let tokens = read(file, text);
    let mut found = Vec::new();
    for start in 0..tokens.len() {
        for phrase in PHRASES {
            if phrase.is_at(&tokens, start) {
                found.push(Use {
                    line: tokens[start].line,
                    phrase,
                });
            }
        }
    }
    found
}

impl Phrase {
    /// Whether the phrase starts at this token. `…` in a phrase stands for one to five words of the same sentence.
    fn is_at(&self, tokens: &[Token], start: usize) -> bool {
        let before = start
            .checked_sub(1)
            .map(|index| tokens[index].word.as_str());
        if before.is_some_and(|word| self.not_after.contains(&word)) {
            return false;
        }
        let Some(end) = end_of(&self.words.split(' ').collect::<Vec<_>>(), tokens, start) else {
            return false;
        };
        let after = tokens.get(end).map_or("", |token| token.word.as_str());
        !(self.not_before.contains(&after) || self.needs_word_after && after.is_empty())
    }
}

/// The end of the words if they stand at `start`.
fn end_of(words: &[&str], tokens: &[Token], start: usize) -> Option<usize> {
    let Some((&first, rest)) = words.split_first() else {
        return Some(start);
    };
    if first == "…" {
        return (1..=5)
            .take_while(|length| {
                tokens
                    .get(start + length - 1)
                    .is_some_and(|token| !token.word.is_empty())
            })
            .find_map(|length| end_of(rest, tokens, start + length));
    }
    (tokens.get(start)?.word == first).then(|| end_of(rest, tokens, start + 1))?
}

#[cfg(test)]
mod tests {
    use super::{exception, fault, is_read, uses};

    fn found(file: &str, text: &str) -> Vec<String> {
        uses(file, text)
            .iter()
            .map(|found| format!("{} {}", found.line, found.phrase.words))
            .collect()
    }

    #[test]
    fn a_planted_word_is_found_with_its_line_and_what_to_write() {
        let text = "# Title\n\nThe service is told of it.\n";
        assert_eq!(found("docs/a.md", text), ["3 told"]);
        let line = fault("docs/a.md", &uses("docs/a.md", text)[0]);
        assert!(line.starts_with("docs/a.md:3: \"told\": "), "{line}");
    }

    #[test]
    fn every_kind_of_text_is_read() {
        let rust = "/// Opened anew.\nfn f() {\n    g(\"mend the path\"); // Whoever waits.\n}\n";
        assert_eq!(found("a.rs", rust), ["1 anew", "3 mend", "3 whoever"]);
        assert_eq!(found("a.yml", "x: 1 # told twice\n"), ["1 told"]);
        assert_eq!(found("a.yaml", "description: Opened anew\n"), ["1 anew"]);
        assert_eq!(found("a.tf", "  description = \"Mend it\"\n"), ["1 mend"]);
    }

    #[test]
    fn code_is_not_prose() {
        let text = "Run `tell` and:\n```\ntell slack\n```\n";
        assert!(found("a.md", text).is_empty());
        assert!(found("a.rs", "fn told() { tell(anew) }\n").is_empty());
        assert!(found("a.rs", "/// Runs `tell`.\nlet x = '\"'; // fine\n").is_empty());
        assert!(found("a.yml", "task: tell-slack\n").is_empty());
    }

    #[test]
    fn a_phrase_that_a_line_break_divides_is_found() {
        assert_eq!(found("a.md", "It is\nno UUID.\n"), ["1 is no"]);
        assert_eq!(found("a.rs", "// It is\n// no UUID.\n"), ["1 is no"]);
        assert!(found("a.md", "It is.\nNo UUID.\n").is_empty());
    }

    #[test]
    fn standard_uses_of_is_no_are_allowed() {
        assert!(found("a.md", "There is no free port. It is no longer used.\n").is_empty());
    }

    #[test]
    fn words_may_stand_between_the_parts_of_a_phrase() {
        let text = "Hold a running Roster against its document.\n";
        assert_eq!(found("a.md", text), ["1 hold … against"]);
        assert!(found("a.md", "They hold. Nothing is against it.\n").is_empty());
    }

    #[test]
    fn an_exception_is_for_one_file_and_one_phrase() {
        for (number, listed) in super::EXCEPTIONS.iter().enumerate() {
            let phrase = super::PHRASES
                .iter()
                .find(|phrase| phrase.words == listed.phrase);
            let phrase = phrase.unwrap_or_else(|| panic!("{} is not in the list", listed.phrase));
            assert_eq!(exception(listed.file, phrase), Some(number));
            assert_eq!(exception("another.md", phrase), None);
            assert!(!listed.why.is_empty());
        }
    }

    #[test]
    fn what_cannot_change_is_not_read() {
        assert!(is_read("docs/api.md"));
        assert!(!is_read("service/migrations/V1__users.sql"));
        assert!(!is_read("docs/performance/get.svg"));
    }
}
