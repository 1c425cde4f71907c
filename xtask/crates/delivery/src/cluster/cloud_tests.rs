use serde_json::{Map, Value, json};

use super::Outputs;
use crate::cluster::environment::Environment;
use xtask::failure::exit_code;

fn outputs() -> Map<String, Value> {
    let all = json!({
        "cluster": {"context": "gke_acme_europe-west1_roster-production", "name": "roster-production"},
        "registry": "europe-west1-docker.pkg.dev/acme/roster",
        "database": {"connection_name": "acme:europe-west1:roster-a1b2c3", "port": 5432},
        "hosts": {"service": "service.example.com", "concourse": "concourse.example.com"},
        "service": {
            "namespace": "roster",
            "google_service_account": "roster-service@acme.iam.gserviceaccount.com",
            "gateway": {"name": "shared", "namespace": "gateway"},
            "security_policy": "roster-gateway",
            "database_secret": "roster-database",
            "migration_secret": "roster-database-owner",
            "token_secret": "roster-token-keys",
        },
        "address": "203.0.113.10",
    });
    let Value::Object(all) = all else {
        unreachable!("it is an object")
    };
    all
}

fn read() -> Outputs {
    Outputs::read("production", outputs()).expect("all is there")
}

fn production() -> Environment {
    xtask::run_tool::enter_repository_root().expect("is there");
    Environment::read("production").expect("is known")
}

#[test]
fn the_chart_is_given_what_terraform_made() {
    let values = read().values();
    let at = |path: &str| values.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/hostname"), "service.example.com");
    assert_eq!(
        at("/database/cloudSqlProxy/instanceConnectionName"),
        "acme:europe-west1:roster-a1b2c3"
    );
    assert_eq!(at("/database/migrationSecretName"), "roster-database-owner");
    assert_eq!(
        at("/gateway/parentRefs/0"),
        json!({"name": "shared", "namespace": "gateway"})
    );
    assert_eq!(
        at("/config/trustedProxies"),
        "35.191.0.0/16,130.211.0.0/22,203.0.113.10/32"
    );
    assert_eq!(at("/gateway/gke/securityPolicy"), "roster-gateway");
    assert_eq!(
        at("/serviceAccount/googleServiceAccount"),
        "roster-service@acme.iam.gserviceaccount.com"
    );
}

fn compare(given: &Value, known: &Value, path: &str) {
    let Value::Object(members) = given else {
        return;
    };
    for (name, member) in members {
        let inner = known.get(name);
        assert!(inner.is_some(), "{path}.{name} is not a value of the chart");
        compare(
            member,
            inner.unwrap_or(&Value::Null),
            &format!("{path}.{name}"),
        );
    }
}

#[test]
fn every_value_has_a_place_in_the_chart() {
    xtask::run_tool::enter_repository_root().expect("is there");
    let file =
        |name: &str| std::fs::read_to_string(format!("helm-chart/{name}")).expect("is there");
    let mut chart: Value = serde_saphyr::from_str(&file("values.yaml")).expect("is YAML");
    // Settings without a default are in the schema alone.
    let schema: Value = serde_json::from_str(&file("values.schema.json")).expect("is JSON");
    chart["config"] = schema["properties"]["config"]["properties"].clone();
    compare(&read().values(), &chart, "");
}

#[test]
fn another_cluster_is_refused() {
    let environment = production();
    let outputs = read();
    assert!(
        outputs
            .belong_to(&environment, "gke_acme_europe-west1_roster-production")
            .is_ok()
    );
    let error = outputs
        .belong_to(&environment, "gke_acme_europe-west1_roster-dev")
        .expect_err("differs");
    assert_eq!(exit_code(&error), 5);
}

#[test]
fn an_environment_that_is_not_applied_says_what_to_do() {
    let mut some = outputs();
    some.remove("database");
    let error = Outputs::read("production", some).err().expect("incomplete");
    assert_eq!(exit_code(&error), 2);
    assert!(format!("{error:#}").contains("production"), "{error:#}");
}

#[test]
fn the_environments_hand_on_every_output_that_is_read() {
    xtask::run_tool::enter_repository_root().expect("is there");
    for name in ["dev", "production"] {
        let text = std::fs::read_to_string(format!("terraform/environments/{name}/outputs.tf"))
            .expect("is there");
        for output in ["cluster", "registry", "database", "hosts", "service"] {
            assert!(
                text.contains(&format!("output \"{output}\"")),
                "{name} has no output {output}"
            );
        }
    }
}

#[test]
fn a_context_that_terraform_names_belongs_to_its_environment() {
    xtask::run_tool::enter_repository_root().expect("is there");
    for name in ["dev", "production"] {
        let environment = Environment::read(name).expect("is known");
        assert!(environment.has(&format!("gke_acme_europe-west1_roster-{name}")));
        let other = if name == "dev" { "production" } else { "dev" };
        assert!(!environment.has(&format!("gke_acme-{name}_europe-west1_roster-{other}")));
    }
}
