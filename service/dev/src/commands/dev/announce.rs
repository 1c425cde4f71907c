//! Prints the service's addresses, for a person or, as one line of JSON, for a program.

use serde_json::json;

use crate::local_roster::access::Access;
use crate::local_roster::service::Service;

/// Prints on stdout that the service is ready.
pub(super) fn ready(as_json: bool, service: &Service, database_url: &str, access: Option<&Access>) {
    let (url, admin_url) = (service.url(), service.admin_url());
    if as_json {
        let scim_url = format!("{url}/scim/v2");
        let mut line = json!({
            "url": url, "admin_url": admin_url, "database_url": database_url, "scim_url": scim_url,
        });
        if let Some(access) = access {
            line["token"] = json!(access.token);
            line["scim_token"] = json!(access.scim_token);
            line["client_id"] = json!(access.client.client_id);
            line["client_secret"] = json!(access.client.client_secret);
        }
        printing::println!("{line}");
    } else {
        let header = access.map(|access| format!(" -H @{}", access.header_file.display()));
        printing::println!("{}", page(&url, &admin_url, &header.unwrap_or_default()));
    }
    // A program that reads a pipe waits for this line.
    // If it cannot be written, the end of the program reports it.
    let _ = printing::finish();
}

fn page(url: &str, admin_url: &str, header: &str) -> String {
    format!(
        r#"
Roster is ready at {url} (probes and metrics: {admin_url}). Ctrl-C stops it. Try:

  curl -i {url}/v1/users{header} -H 'content-type: application/json' -d '{{"email": "ada@example.com", "name": "Ada Lovelace"}}'
  curl -s '{url}/v1/users?q=love&sort=name'{header}
  curl -s {admin_url}/readyz

The API, to read and try in a browser: {url}/docs
"#
    )
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn three_lines_can_be_pasted() {
        let text = page("http://127.0.0.1:8080", "http://127.0.0.1:8081", " -H @/f");
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("  curl "))
                .count(),
            3
        );
        assert!(text.ends_with("http://127.0.0.1:8080/docs\n"), "{text}");
        assert!(
            text.contains(r#"-d '{"email": "ada@example.com""#),
            "{text}"
        );
    }

    #[test]
    fn the_token_itself_is_not_in_the_lines() {
        let text = page(
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8081",
            " -H @/f/authorization",
        );
        assert_eq!(text.matches("-H @/f/authorization").count(), 2);
    }
}
