//! The Secrets that a rendered chart mounts, and what each key is for: read from the objects, so that values decide.

use std::collections::BTreeMap;

use serde_json::Value;

use super::changes::Objects;

/// What a key of a Secret contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// The service's connection URL.
    DatabaseUrl,
    /// The connection URL of the role that migrates.
    OwnerUrl,
    /// The password of the database's role.
    DatabasePassword,
    /// The certificate of the database's authority.
    DatabaseCa,
    /// Private keys that sign tokens.
    TokenKeys,
    /// The id of the smoke test's client.
    ClientId,
    /// Its secret.
    ClientSecret,
    /// Anything else, such as a certificate.
    Other,
}

/// One Secret: its keys and their contents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedSecret(BTreeMap<String, Content>);

impl WantedSecret {
    /// The names of its keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn contents(&self) -> impl Iterator<Item = (&str, Content)> {
        self.0.iter().map(|(key, content)| (key.as_str(), *content))
    }
}

/// The Secrets that pods mount by name, without those that cert-manager creates.
pub(crate) fn secrets(objects: &Objects) -> BTreeMap<String, WantedSecret> {
    let mut wanted: BTreeMap<String, WantedSecret> = BTreeMap::new();
    for object in objects.values() {
        let pod = match object["kind"].as_str() {
            Some("Pod") => &object["spec"],
            Some("Deployment" | "Job") => &object["spec"]["template"]["spec"],
            _ => continue,
        };
        for volume in list(&pod["volumes"]) {
            let secret = &volume["secret"];
            let Some(name) = secret["secretName"].as_str() else {
                continue;
            };
            let keys = &mut wanted.entry(name.to_owned()).or_default().0;
            for item in list(&secret["items"]) {
                let (Some(key), Some(path)) = (item["key"].as_str(), item["path"].as_str()) else {
                    continue;
                };
                let content = content(&volume["name"], path, &object["kind"]);
                // A Secret that the service and the migration share holds the service's URL.
                let known = keys.entry(key.to_owned()).or_insert(content);
                *known = content.min(*known);
            }
        }
    }
    for object in objects.values() {
        for name in own_certificates(object) {
            let keys = &mut wanted.entry(name.to_owned()).or_default().0;
            keys.extend(["tls.crt", "tls.key"].map(|key| (key.to_owned(), Content::Other)));
        }
    }
    let certificates = objects
        .values()
        .filter(|object| object["kind"] == "Certificate");
    for certificate in certificates {
        if let Some(made) = certificate["spec"]["secretName"].as_str() {
            wanted.remove(made);
        }
    }
    wanted
}

/// The Secrets with the host name's certificate that nobody is asked to make.
fn own_certificates(object: &Value) -> Vec<&str> {
    let annotations = object["metadata"]["annotations"].as_object();
    let is_issued = annotations.is_some_and(|annotations| {
        let mut names = annotations.keys();
        names.any(|name| name.starts_with("cert-manager.io/"))
    });
    if is_issued {
        return Vec::new();
    }
    match object["kind"].as_str() {
        Some("Gateway") => list(&object["spec"]["listeners"])
            .flat_map(|listener| list(&listener["tls"]["certificateRefs"]))
            .filter_map(|certificate| certificate["name"].as_str())
            .collect(),
        Some("Ingress") => list(&object["spec"]["tls"])
            .filter_map(|tls| tls["secretName"].as_str())
            .collect(),
        _ => Vec::new(),
    }
}

fn content(volume: &Value, path: &str, kind: &Value) -> Content {
    match (volume.as_str().unwrap_or_default(), path) {
        ("database", "url") if kind == "Job" => Content::OwnerUrl,
        ("database", "url") => Content::DatabaseUrl,
        ("database", "password") => Content::DatabasePassword,
        ("database", "ca.crt") => Content::DatabaseCa,
        ("tokens", _) => Content::TokenKeys,
        ("client", "client-id") => Content::ClientId,
        ("client", "client-secret") => Content::ClientSecret,
        _ => Content::Other,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::{Content, secrets};
    use serde_json::{Value, json};

    fn pod(kind: &str, volumes: &Value) -> (String, Value) {
        let object = json!({"kind": kind, "spec": {"template": {"spec": {"volumes": volumes}}}});
        (format!("{kind}/roster"), object)
    }

    fn database(secret: &str) -> Value {
        json!({"name": "database", "secret": {"secretName": secret, "items": [{"key": "dsn", "path": "url"}]}})
    }

    #[test]
    fn the_certificate_of_the_way_in_is_needed_where_no_issuer_makes_it() {
        let ingress = |annotations: Value| {
            let object = json!({
                "kind": "Ingress", "metadata": {"annotations": annotations},
                "spec": {"tls": [{"secretName": "own"}]},
            });
            [("Ingress/roster".to_owned(), object)]
                .into_iter()
                .collect()
        };
        let own = secrets(&ingress(json!({})));
        assert_eq!(
            own["own"].keys().collect::<Vec<_>>(),
            ["tls.crt", "tls.key"]
        );
        let issued = secrets(&ingress(json!({"cert-manager.io/cluster-issuer": "ca"})));
        assert!(issued.is_empty());
    }

    #[test]
    fn a_shared_secret_holds_the_services_url_and_one_of_its_own_the_owners() {
        let shared = [
            pod("Deployment", &json!([database("db")])),
            pod("Job", &json!([database("db")])),
        ];
        let found = secrets(&shared.into_iter().collect());
        let contents: Vec<_> = found["db"].contents().collect();
        assert_eq!(contents, [("dsn", Content::DatabaseUrl)]);
        let own = [
            pod("Deployment", &json!([database("db")])),
            pod("Job", &json!([database("owner")])),
        ];
        let found = secrets(&own.into_iter().collect());
        let contents: Vec<_> = found["owner"].contents().collect();
        assert_eq!(contents, [("dsn", Content::OwnerUrl)]);
    }
}
