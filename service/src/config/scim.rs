//! The settings of SCIM.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use clap::Args;

/// SCIM.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "SCIM")]
pub struct ScimArgs {
    /// Serve SCIM 2.0 at /scim/v2, for identity providers that keep the directory. Their clients need the scope scim.
    #[arg(long, env = "ROSTER_SCIM")]
    pub scim: bool,
    /// URL of SCIM as its clients know it, such as https://roster.example/scim/v2, for meta.location. When not set, it is
    /// what the request names, or what a proxy of --trusted-proxies reports (Forwarded, X-Forwarded-Proto, X-Forwarded-Host).
    #[arg(long, env = "ROSTER_SCIM_BASE_URL", value_parser = parse_base_url, value_name = "URL")]
    pub scim_base_url: Option<String>,
    /// Maximum number of operations of a bulk request; then 413.
    #[arg(long, env = "ROSTER_SCIM_BULK_OPERATIONS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
    pub scim_bulk_operations: u32,
    /// Maximum size of a bulk request's body, in bytes; then 413.
    #[arg(long, env = "ROSTER_SCIM_BULK_LIMIT_BYTES", default_value_t = 1_048_576, value_parser = clap::value_parser!(u32).range(1024..=16_777_216), value_name = "BYTES")]
    pub scim_bulk_limit_bytes: u32,
}

/// An absolute URL without query, without the slash at its end.
fn parse_base_url(text: &str) -> Result<String, String> {
    let url: http::Uri = text
        .parse()
        .map_err(|error| format!("is not a URL: {error}"))?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    if !is_http || url.query().is_some() {
        return Err("is not an absolute http or https URL without a query".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_base_url;

    #[test]
    fn a_base_url_is_absolute() {
        let parsed = parse_base_url("https://roster.example/scim/v2/");
        assert_eq!(parsed, Ok("https://roster.example/scim/v2".into()));
        for bad in [
            "roster.example",
            "/scim/v2",
            "ftp://a.example/",
            "https://a.example/?x",
            "",
        ] {
            assert!(parse_base_url(bad).is_err(), "{bad}");
        }
    }
}
