use super::{broken, secrets};
use serde_json::json;

fn plan_of(kind: &str, values: &serde_json::Value) -> serde_json::Value {
    json!({"planned_values": {"root_module": {"child_modules": [{"resources": [{"address": format!("{kind}.x"), "type": kind, "values": values}]}]}}})
}

fn broken_by(kind: &str, values: &serde_json::Value) -> Vec<String> {
    let plan = plan_of(kind, values);
    broken(&plan)
        .into_iter()
        .filter(|(_, why)| why.contains(".x"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn an_empty_plan_breaks_every_control_about_something() {
    let names: Vec<_> = broken(&json!({}))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(
        names.contains(&"private nodes") && names.contains(&"four records"),
        "{names:?}"
    );
}

#[test]
fn a_firewall_open_to_the_world_is_named_and_one_that_denies_is_not() {
    let open = json!({"source_ranges": ["0.0.0.0/0"], "allow": [{"protocol": "tcp"}], "deny": []});
    assert_eq!(
        broken_by("google_compute_firewall", &open),
        ["no access from the whole internet"]
    );
    let closed =
        json!({"source_ranges": ["0.0.0.0/0"], "allow": [], "deny": [{"protocol": "all"}]});
    assert!(broken_by("google_compute_firewall", &closed).is_empty());
}

#[test]
fn a_missing_host_is_named() {
    let values =
        json!({"managed": [{"domains": ["service.a.b", "sonarqube.a.b", "concourse.a.b"]}]});
    assert_eq!(
        broken_by("google_certificate_manager_certificate", &values),
        ["certificate for the four hosts"]
    );
}

#[test]
fn a_plain_password_is_found_and_a_name_is_not() {
    assert_eq!(
        secrets("a", &json!({"settings": [{"password": "hunter2"}]})).len(),
        1
    );
    assert!(
        secrets(
            "a",
            &json!({"password": null, "password_wo_version": 1, "secret_id": "x-password"})
        )
        .is_empty()
    );
}

#[test]
fn a_primitive_role_is_named() {
    let values = json!({"role": "roles/editor", "member": "serviceAccount:a"});
    assert_eq!(
        broken_by("google_project_iam_member", &values),
        ["least roles"]
    );
}
