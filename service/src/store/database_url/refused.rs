//! The options of libpq that are not supported, or of which one value alone is true here: refused by name.

use super::DatabaseUrlError;
use crate::store::session;

/// Options of libpq that are not supported, and what to do instead.
const UNSUPPORTED: &[(&[&str], &str)] = &[
    (
        &["sslcert", "sslkey", "sslpassword", "sslcertmode"],
        "client certificates are not presented; authenticate by password (SCRAM)",
    ),
    (
        &["sslcrl", "sslcrldir"],
        "revocation lists are not read; leave it out",
    ),
    (
        &["passfile", "service", "servicefile"],
        "give the password by ROSTER_DATABASE_PASSWORD_FILE, the rest in the connection string",
    ),
    (
        &["krbsrvname", "gsslib", "gssdelegation", "require_auth"],
        "passwords are the only way to authenticate; leave it out",
    ),
    (
        &[
            "requirepeer",
            "requiressl",
            "sslkeylogfile",
            "scram_client_key",
            "scram_server_key",
            "oauth_issuer",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_scope",
        ],
        "leave it out",
    ),
    (
        &["min_protocol_version", "max_protocol_version"],
        "version 3.0 of the protocol is spoken; leave it out",
    ),
];

pub(super) fn value(name: &str, wanted: &'static str) -> DatabaseUrlError {
    DatabaseUrlError::Value {
        name: name.to_owned(),
        wanted,
    }
}

pub(super) fn whole(name: &str, raw: &str) -> Result<u64, DatabaseUrlError> {
    let parsed = raw.parse::<u32>();
    Ok(parsed
        .map_err(|_| value(name, "write a whole number"))?
        .into())
}

pub(super) fn one_of(
    name: &str,
    raw: &str,
    allowed: &[&str],
    wanted: &'static str,
) -> Result<(), DatabaseUrlError> {
    if allowed.contains(&raw) {
        Ok(())
    } else {
        Err(value(name, wanted))
    }
}

/// Options that may only have the value that is true here anyway, and all others.
pub(super) fn without_effect(name: &str, raw: &str) -> Result<(), DatabaseUrlError> {
    let (allowed, wanted): (&[&str], _) = match name {
        "client_encoding" => (
            &["UTF8", "utf8", "UTF-8", "utf-8", "auto"],
            "Roster speaks UTF8 alone",
        ),
        "gssencmode" => (&["disable", "prefer"], "GSSAPI is not supported"),
        "replication" => (&["false", "off", "no", "0"], "leave it out"),
        "sslcompression" => (&["0"], "TLS is not compressed"),
        "sslnegotiation" => (&["postgres"], "write postgres, or leave it out"),
        "sslsni" => (&["1"], "the server's name is always sent"),
        "ssl_min_protocol_version" => (
            &["TLSv1", "TLSv1.1", "TLSv1.2"],
            "TLS 1.2 and 1.3 are spoken",
        ),
        "ssl_max_protocol_version" => (&["TLSv1.3"], "TLS 1.2 and 1.3 are spoken"),
        _ => {
            let known = UNSUPPORTED.iter().find(|(names, _)| names.contains(&name));
            return Err(match known {
                Some((_, next)) => DatabaseUrlError::Unsupported {
                    name: name.to_owned(),
                    next,
                },
                None => DatabaseUrlError::Unknown(name.to_owned()),
            });
        }
    };
    one_of(name, raw, allowed, wanted)
}

/// Refuses `-c name=value` and `--name=value` for what Roster sets in every session: it would have no effect.
pub(super) fn refuse_managed(raw: &str) -> Result<(), DatabaseUrlError> {
    let mut words = raw.split_whitespace();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c") {
            Some("") => words.next(),
            Some(setting) => Some(setting),
            None => word.strip_prefix("--"),
        };
        let Some((name, _)) = setting.and_then(|setting| setting.split_once('=')) else {
            continue;
        };
        let name = name.replace('-', "_").to_ascii_lowercase();
        if let Some(next) = session::managed(&name) {
            return Err(DatabaseUrlError::Managed { name, next });
        }
    }
    Ok(())
}
