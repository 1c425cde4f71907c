//! What a person can choose with `--postgres` or in `ROSTER_DEV_POSTGRES`.

use std::fmt;
use std::str::FromStr;

use crate::embedded;
use crate::error::{Error, Reason};

/// A kind of server, a version, or a server's URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Choice {
    /// The server binaries installed on this machine.
    System,
    /// Prebuilt binaries of this major version, downloaded once.
    Embedded(u32),
    /// A container.
    Container,
    /// A running server. The URL may contain a password.
    Url(String),
}

impl Choice {
    /// The words of the help: every possible value.
    pub const VALUES: &'static str = "system, embedded, container, 15, 16, 17, 18 or a URL";
}

impl FromStr for Choice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "system" => return Ok(Self::System),
            "embedded" => return Ok(Self::Embedded(embedded::newest())),
            "container" => return Ok(Self::Container),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                return Ok(Self::Url(url.to_owned()));
            }
            _ => {}
        }
        let major = text.parse().ok();
        major
            .filter(|major| embedded::majors().contains(major))
            .map(Self::Embedded)
            .ok_or_else(|| {
                // It may be a URL with a typo, and so a password: it is not repeated.
                let why = format!("the choices are {}", Self::VALUES);
                let next = format!("use one of {}", Self::VALUES);
                Error::new(Reason::Settings, "not a known PostgreSQL", why, next)
            })
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Embedded(major) => write!(f, "Embedded({major})"),
            Self::Container => f.write_str("Container"),
            Self::Url(_) => f.write_str("Url(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;
    use crate::embedded;

    #[test]
    fn a_kind_a_pinned_version_and_a_url_are_choices() {
        let parsed = |text: &str| text.parse::<Choice>().ok();
        assert_eq!(parsed("system"), Some(Choice::System));
        assert_eq!(parsed("container"), Some(Choice::Container));
        assert_eq!(
            parsed("embedded"),
            Some(Choice::Embedded(embedded::newest()))
        );
        let url = "postgres://u:p@h/d";
        assert_eq!(parsed(url), Some(Choice::Url(url.to_owned())));
        for major in embedded::majors() {
            assert_eq!(parsed(&major.to_string()), Some(Choice::Embedded(major)));
            assert!(Choice::VALUES.contains(&format!(" {major}")), "{major}");
        }
    }

    #[test]
    fn an_unknown_choice_is_refused_without_repeating_a_password() {
        for text in ["", "14", "19", "docker", "postgre://u:hunter2@h/d"] {
            let error = text.parse::<Choice>().expect_err(text);
            assert!(!format!("{error:?}").contains("hunter2"));
            assert!(error.next.contains("embedded"), "{}", error.next);
        }
        let url: Choice = "postgres://u:hunter2@h/d".parse().expect("is a URL");
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
