//! What a setup would make, and what it refuses for. Made as a whole before anything is changed.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;

use super::given::Given;
use super::keys;
use crate::cluster::kubectl::Cluster;
use crate::cluster::needs::{keys_of, namespace_exists};
use crate::cluster::secrets::{Content, WantedSecret};
use xtask::failure::{Failure, Kind};

/// A Secret to make.
pub(super) struct NewSecret {
    pub(super) name: String,
    pub(super) values: BTreeMap<String, String>,
    /// What it is made of, for people.
    description: String,
}

/// What is made, and what is there.
pub(super) struct Plan {
    /// Whether the namespace is made.
    pub(super) namespace: bool,
    pub(super) secrets: Vec<NewSecret>,
    present: Vec<String>,
    namespace_name: String,
}

impl Plan {
    /// Compares what the chart wants with what is there.
    pub(super) fn make(
        cluster: &Cluster,
        wanted: &BTreeMap<String, WantedSecret>,
        given: &Given,
        environment: &str,
        is_cloud: bool,
    ) -> Result<Self> {
        let namespace = !namespace_exists(cluster)?;
        let mut plan = Self {
            namespace,
            secrets: Vec::new(),
            present: Vec::new(),
            namespace_name: cluster.namespace.clone(),
        };
        for (name, secret) in wanted {
            let present = if namespace {
                None
            } else {
                keys_of(cluster, name)?
            };
            if let Some(present) = present {
                let lacking: Vec<&str> = secret
                    .keys()
                    .filter(|key| !present.contains(*key))
                    .collect();
                if !lacking.is_empty() {
                    return Err(incomplete(cluster, name, &lacking).into());
                }
                plan.present.push(format!("Secret {name}"));
                continue;
            }
            plan.secrets
                .push(new_secret(name, secret, given, environment, is_cloud)?);
        }
        Ok(plan)
    }

    pub(super) fn makes_anything(&self) -> bool {
        self.namespace || !self.secrets.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace {
            writeln!(
                f,
                "  make    Namespace {}, which enforces the pod security standard `restricted`",
                self.namespace_name
            )?;
        } else {
            writeln!(f, "  exists  Namespace {}", self.namespace_name)?;
        }
        for present in &self.present {
            writeln!(f, "  exists  {present}")?;
        }
        for secret in &self.secrets {
            writeln!(
                f,
                "  make    Secret {}: {}",
                secret.name, secret.description
            )?;
        }
        Ok(())
    }
}

fn new_secret(
    name: &str,
    secret: &WantedSecret,
    given: &Given,
    environment: &str,
    is_cloud: bool,
) -> Result<NewSecret> {
    let mut values = BTreeMap::new();
    let mut parts = Vec::new();
    for (key, content) in secret.contents() {
        let (value, part) = match content {
            Content::TokenKeys if !is_cloud => (
                Some(keys::signing_key()?),
                "a new Ed25519 key that signs tokens",
            ),
            Content::ClientId => (
                Some(format!("smoke-test-{}", keys::random(4)?)),
                "a new client",
            ),
            Content::ClientSecret => (
                Some(keys::random(32)?),
                "its secret; the migration of the next deploy registers it",
            ),
            Content::DatabaseUrl => (given.database_url.clone(), "the given connection URL"),
            Content::OwnerUrl => (
                given.owner_url.clone(),
                "the given connection URL of the owner",
            ),
            Content::DatabasePassword => (given.database_password.clone(), "the given password"),
            Content::DatabaseCa => (given.database_ca.clone(), "the given certificate"),
            Content::TokenKeys | Content::Other => (None, ""),
        };
        let Some(value) = value else {
            return Err(not_given(name, key, content, environment, is_cloud).into());
        };
        values.insert(key.to_owned(), value);
        parts.push(format!("{key}, {part}"));
    }
    Ok(NewSecret {
        name: name.to_owned(),
        values,
        description: parts.join("; "),
    })
}

/// Where a value that cannot be generated comes from.
fn not_given(
    secret: &str,
    key: &str,
    content: Content,
    environment: &str,
    is_cloud: bool,
) -> Failure {
    let what = format!("the Secret {secret} does not exist, and its key {key} cannot be generated");
    let flag = match content {
        Content::DatabaseUrl => "--database-url-file",
        Content::OwnerUrl => "--owner-url-file",
        Content::DatabasePassword => "--database-password-file",
        Content::DatabaseCa => "--database-ca-file",
        _ => "",
    };
    if is_cloud {
        return Failure::new(
            Kind::Refused,
            what,
            "the External Secrets Operator makes it from Google's Secret Manager",
            "see why it did not: kubectl get externalsecrets --all-namespaces",
        );
    }
    if flag.is_empty() {
        return Failure::new(
            Kind::Refused,
            what,
            "it holds a certificate, or something else that only its owner has",
            format!(
                "create it: kubectl create secret generic {secret} --from-file={key}=FILE …, or change the values that name it"
            ),
        );
    }
    Failure::new(
        Kind::Usage,
        what,
        "nothing was made",
        format!(
            "pass it: cargo xtask setup --env {environment} {flag} FILE (or - for standard input); docs/any-cluster.md has the grants that its role needs"
        ),
    )
}

fn incomplete(cluster: &Cluster, name: &str, lacking: &[&str]) -> Failure {
    Failure::new(
        Kind::Refused,
        format!("the Secret {name} lacks: {}", lacking.join(", ")),
        "it exists, and setup changes nothing that exists; nothing was made",
        format!(
            "add the key, or delete the Secret and run this again: kubectl --context {} --namespace {} delete secret {name}",
            cluster.context, cluster.namespace
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::given::Given;
    use super::{new_secret, not_given};
    use crate::cluster::changes::parse;
    use crate::cluster::secrets::{Content, secrets};
    use xtask::failure::Kind;

    const CHART: &str = "
kind: Deployment
metadata: {name: roster}
spec: {template: {spec: {volumes: [
  {name: database, secret: {secretName: db, items: [{key: url, path: url}]}},
  {name: tokens, secret: {secretName: keys, items: [{key: k.pem, path: keys.pem}]}}]}}}
---
kind: Pod
metadata: {name: smoke-test}
spec: {volumes: [{name: client, secret: {secretName: client, items: [
  {key: client-id, path: client-id}, {key: client-secret, path: client-secret}]}}]}
";

    #[test]
    fn keys_and_clients_are_generated_and_never_described() {
        let wanted = secrets(&parse(CHART).expect("parses"));
        let given = Given::default();
        let made = |name: &str| new_secret(name, &wanted[name], &given, "dev", false);
        let keys = made("keys").expect("is generated");
        assert!(keys.values["k.pem"].starts_with("-----BEGIN PRIVATE KEY-----"));
        let client = made("client").expect("is generated");
        assert_eq!(client.values["client-secret"].len(), 64);
        for secret in [&keys, &client] {
            for value in secret.values.values() {
                assert!(!secret.description.contains(value.as_str()));
            }
        }
    }

    #[test]
    fn a_url_that_was_not_given_is_asked_for_by_its_flag() {
        let wanted = secrets(&parse(CHART).expect("parses"));
        let url = "postgresql://roster:secret@db/roster";
        let given = Given {
            database_url: Some(url.to_owned()),
            ..Given::default()
        };
        let made = new_secret("db", &wanted["db"], &given, "dev", false).expect("is given");
        assert_eq!(made.values["url"], url);
        assert!(!made.description.contains("secret@"));
        let error = new_secret("db", &wanted["db"], &Given::default(), "dev", false);
        let error = error.err().expect("is missing");
        let failure = error.downcast_ref::<xtask::failure::Failure>();
        assert!(failure.is_some_and(|failure| {
            failure.kind == Kind::Usage && failure.next.contains("--database-url-file")
        }));
    }

    #[test]
    fn in_the_cloud_nothing_is_made_that_the_operator_makes() {
        let failure = not_given("db", "url", Content::DatabaseUrl, "dev", true);
        assert_eq!(failure.kind, Kind::Refused);
        assert!(failure.next.contains("externalsecrets"));
    }
}
