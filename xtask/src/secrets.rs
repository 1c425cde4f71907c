//! Secrets that commands read from the environment, and redaction of their values in output.
//!
//! A secret is never a flag: process lists show flags.

/// The variables that hold secrets.
pub const VARIABLES: &[&str] = &[
    "SONAR_TOKEN",
    "SONAR_ADMIN_TOKEN",
    "SONAR_WEBHOOK_SECRET",
    "SLACK_WEBHOOK_URL",
    "SLACK_BOT_TOKEN",
    "CONCOURSE_TOKEN",
    "REGISTRY_PASSWORD",
    "GOOGLE_ID_TOKEN",
    "DATABASE_URL",
];
/// Shorter values could be part of ordinary words.
const SHORTEST_SECRET: usize = 6;
const HIDDEN: &str = "[hidden]";
/// Prefixes of well-known services' tokens.
const TOKEN_PREFIXES: &[&str] = &[
    "xoxb-",
    "xoxp-",
    "xapp-",
    "squ_",
    "sqa_",
    "sqp_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "dckr_pat_",
    "AKIA",
    "AIza",
    "ya29.",
    "eyJ",
];

/// The value of a secret variable; an empty one counts as not set.
pub fn variable(name: &str) -> Option<String> {
    debug_assert!(
        VARIABLES.contains(&name),
        "{name} is not in the list of secrets"
    );
    std::env::var(name)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

/// Redacts the values of secret variables and everything that looks like a credential.
pub fn redact(text: &str) -> String {
    let values: Vec<_> = VARIABLES
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .collect();
    redact_values(text, &values)
}

fn redact_values(text: &str, values: &[String]) -> String {
    let mut text = text.to_owned();
    for value in values
        .iter()
        .filter(|value| value.trim().len() >= SHORTEST_SECRET)
    {
        text = text.replace(value.trim(), HIDDEN);
    }
    let mut in_key = false;
    let lines: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let begins = line.contains("-----BEGIN") && line.contains("KEY");
            let was_in_key = in_key || begins;
            in_key = was_in_key && !line.contains("-----END");
            if begins {
                Some(HIDDEN.to_owned())
            } else if was_in_key {
                None
            } else {
                Some(redact_line(line))
            }
        })
        .collect();
    lines.join("\n")
}

fn redact_line(line: &str) -> String {
    let mut words = Vec::new();
    let mut secret_follows = false;
    for word in line.split(' ') {
        let hidden = if secret_follows && !word.is_empty() {
            HIDDEN.to_owned()
        } else {
            redact_word(word)
        };
        if !word.is_empty() {
            secret_follows = ["Bearer", "Basic", "bearer", "basic"]
                .iter()
                .any(|scheme| word.ends_with(scheme));
        }
        words.push(hidden);
    }
    words.join(" ")
}

fn redact_word(word: &str) -> String {
    // postgres://user:password@host
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((login, place)) = rest.split_once('@')
        && let Some((user, _)) = login.split_once(':')
    {
        return format!("{scheme}://{user}:{HIDDEN}@{place}");
    }
    if word.contains("hooks.slack.com/") {
        return HIDDEN.to_owned();
    }
    // password=…, "token":"…", --api-key=…
    if let Some(at) = word.find(['=', ':']) {
        let (key, value) = word.split_at(at + 1);
        let key_lower = key.to_lowercase();
        let names_secret = [
            "password", "passwd", "secret", "token", "api_key", "api-key", "apikey",
        ]
        .iter()
        .any(|name| key_lower.contains(name));
        if names_secret
            && value.trim_matches(['"', '\'', ',']).len() >= SHORTEST_SECRET
            && !value.starts_with(['/', ':'])
        {
            return format!("{key}{HIDDEN}");
        }
    }
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if bare.len() > 12 && TOKEN_PREFIXES.iter().any(|prefix| bare.starts_with(prefix)) {
        return HIDDEN.to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{redact, redact_values};

    #[test]
    fn the_value_of_a_secret_variable_is_hidden_wherever_it_stands() {
        let values = ["s3cr3t-value".to_owned(), "ab".to_owned()];
        assert_eq!(
            redact_values("login with s3cr3t-value: about", &values),
            "login with [hidden]: about"
        );
    }

    #[test]
    fn what_looks_like_a_credential_is_hidden() {
        for (line, kept) in [
            (
                "postgres://roster:hunter2@db/roster refused",
                "postgres://roster:[hidden]@db/roster refused",
            ),
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer [hidden]",
            ),
            ("PGPASSWORD=hunter2hunter2", "PGPASSWORD=[hidden]"),
            ("token xoxb-123456789012-abcdef", "token [hidden]"),
            (
                "POST https://hooks.slack.com/services/T/B/x failed",
                "POST [hidden] failed",
            ),
            (
                "a\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb",
                "a\n[hidden]\nb",
            ),
        ] {
            assert_eq!(redact(line), kept);
        }
    }

    #[test]
    fn ordinary_compiler_output_stays_as_it_is() {
        let text = "error[E0425]: cannot find value `token` in this scope\n  --> service/src/http/tokens.rs:12:5";
        assert_eq!(redact(text), text);
    }
}
