//! Validates the rendered chart against the schemas of several Kubernetes versions and of the CRDs it uses.
//!
//! The schemas are generated from the OpenAPI documents and CRDs in the projects' Go modules, which Go verifies against
//! its checksum database: nothing comes from a mutable source.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use xtask::run_tool::tool;

/// Kubernetes versions that the chart must work with: the oldest supported, the newest, and one between.
const KUBERNETES: &[&str] = &["v1.31.14", "v1.34.4", "v1.36.3"];
/// CRDs beyond Kubernetes' own kinds: module, and the files in it.
const DEFINITIONS: &[(&str, &str)] = &[
    ("sigs.k8s.io/gateway-api@v1.5.1", "config/crd/standard"),
    (
        "github.com/cert-manager/cert-manager@v1.21.2",
        "deploy/crds",
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.93.1",
        "example/prometheus-operator-crd",
    ),
];
/// Kinds whose CRDs are in no public module: they are rendered but not validated.
const UNCHECKED: &str =
    "BackendConfig,HealthCheckPolicy,GCPBackendPolicy,FrontendConfig,Middleware";
const FOLDER: &str = "target/schemas";

pub(super) fn check(manifests: &[String]) -> Result<()> {
    for (module, folder) in DEFINITIONS {
        definitions(module, folder)?;
    }
    for version in KUBERNETES {
        kubernetes(version)?;
        let native = format!("{FOLDER}/{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json");
        let custom = format!("{FOLDER}/definitions/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json");
        tool("kubeconform")
            .args(["-strict", "-summary", "-skip", UNCHECKED])
            .args(["-schema-location", &native, "-schema-location", &custom])
            .args(["-kubernetes-version", version.trim_start_matches('v'), "-"])
            .stdin(manifests.join("\n---\n"))
            .run()?;
    }
    printing::eprintln!("  not checked, because no module has their definitions: {UNCHECKED}");
    Ok(())
}

/// Path of the module, downloaded and verified by Go.
fn module_folder(module: &str) -> Result<PathBuf> {
    let answer = tool("go")
        .args(["mod", "download", "-json", module])
        .env("GOTOOLCHAIN", "local")
        .quiet()
        .output()?;
    let answer: Value = serde_json::from_str(&answer)?;
    answer["Dir"]
        .as_str()
        .map(PathBuf::from)
        .with_context(|| format!("go did not print the directory of {module}"))
}

fn kubernetes(version: &str) -> Result<()> {
    let folder = Path::new(FOLDER).join(version);
    if folder.join("done").exists() {
        return Ok(());
    }
    let module = module_folder(&format!("k8s.io/kubernetes@{version}"))?;
    let document = fs::read_to_string(module.join("api/openapi-spec/swagger.json"))?;
    let mut document: Value = serde_json::from_str(&document)?;
    let definitions = document["definitions"].take();
    fs::create_dir_all(&folder)?;
    let mut strict = definitions;
    for definition in strict
        .as_object_mut()
        .into_iter()
        .flat_map(|all| all.values_mut())
    {
        make_strict(definition);
    }
    for definition in strict.as_object().into_iter().flat_map(|all| all.values()) {
        for kind in definition["x-kubernetes-group-version-kind"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let name = file_name(kind);
            // Kinds refer to one another through the complete document, which is in the same directory.
            let text = serde_json::to_string(&definition)?
                .replace("\"#/definitions/", "\"all.json#/definitions/");
            fs::write(folder.join(name), text)?;
        }
    }
    let all = serde_json::to_string(&json!({"definitions": strict}))?;
    fs::write(
        folder.join("all.json"),
        all.replace("\"#/definitions/", "\"all.json#/definitions/"),
    )?;
    Ok(fs::write(folder.join("done"), "")?)
}

/// `deployment-apps-v1.json`, the name that kubeconform looks up.
fn file_name(kind: &Value) -> String {
    let text = |name: &str| kind[name].as_str().unwrap_or_default().to_lowercase();
    let group = text("group");
    let group = group.split('.').next().unwrap_or_default();
    let parts = [text("kind"), group.to_owned(), text("version")];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    format!("{}.json", parts.join("-"))
}

fn definitions(module: &str, folder: &str) -> Result<()> {
    let target = Path::new(FOLDER).join("definitions");
    let stamp = target.join(module.replace('/', "_"));
    if stamp.exists() {
        return Ok(());
    }
    fs::create_dir_all(&target)?;
    let source = module_folder(module)?.join(folder);
    for entry in
        fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?
    {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let definitions: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(&path)?)
            .with_context(|| format!("cannot read {}", path.display()))?;
        for definition in &definitions {
            write_definition(definition, &target)?;
        }
    }
    Ok(fs::write(stamp, "")?)
}

fn write_definition(definition: &Value, target: &Path) -> Result<()> {
    let spec = &definition["spec"];
    for version in spec["versions"].as_array().into_iter().flatten() {
        let name = file_name(&json!({
            "kind": spec["names"]["kind"], "group": spec["group"], "version": version["name"],
        }));
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        make_strict(&mut schema);
        fs::write(target.join(name), serde_json::to_string(&schema)?)?;
    }
    Ok(())
}

/// Rejects unlisted members and accepts Kubernetes' own schema extensions.
fn make_strict(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        if object
            .get("format")
            .is_some_and(|format| format == "int-or-string")
            || object.contains_key("x-kubernetes-int-or-string")
        {
            object.remove("type");
            object.remove("format");
        }
        let open = object.contains_key("additionalProperties")
            || object.contains_key("x-kubernetes-preserve-unknown-fields");
        // Inside `allOf` and the like, a list of members is incomplete.
        if object.contains_key("properties") && object.contains_key("type") && !open {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        for (name, inner) in object {
            match name.as_str() {
                // These are names of members, not schema keywords.
                "properties" | "definitions" => each_member(inner, make_strict),
                "default" | "enum" => {}
                _ => make_strict(inner),
            }
        }
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(make_strict);
    }
}

fn each_member(value: &mut Value, change: fn(&mut Value)) {
    if let Some(members) = value.as_object_mut() {
        members.values_mut().for_each(change);
    }
}

#[cfg(test)]
mod tests {
    use super::{file_name, make_strict};
    use serde_json::json;

    #[test]
    fn files_are_named_as_kubeconform_asks_for_them() {
        let kind = json!({"kind": "NetworkPolicy", "group": "networking.k8s.io", "version": "v1"});
        assert_eq!(file_name(&kind), "networkpolicy-networking-v1.json");
        let kind = json!({"kind": "Service", "group": "", "version": "v1"});
        assert_eq!(file_name(&kind), "service-v1.json");
    }

    #[test]
    fn members_that_are_not_listed_are_refused_at_every_depth() {
        let mut schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"type": {"type": "string"}}}}});
        make_strict(&mut schema);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["spec"]["additionalProperties"], false);
    }
}
