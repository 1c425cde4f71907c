//! Security controls for everything that an environment plans, in any module.
//!
//! Each control checks the planned resources and reports violations. A control without any matching resource fails as
//! well: otherwise it would pass on an empty plan.

use serde_json::Value;

/// One resource of a plan.
pub(super) struct Resource<'plan> {
    pub(super) address: &'plan str,
    pub(super) kind: &'plan str,
    pub(super) values: &'plan Value,
}

struct Control {
    name: &'static str,
    /// The kinds of resources that it applies to.
    kinds: &'static [&'static str],
    /// What is wrong with one of them, if anything.
    fault: fn(&Resource<'_>) -> Option<String>,
}

/// Roles that reach everything in the project, or every namespace of its clusters.
const BROAD_ROLES: [&str; 6] = [
    "roles/owner",
    "roles/editor",
    "roles/viewer",
    "roles/container.admin",
    "roles/container.developer",
    "roles/container.viewer",
];
const HOSTS: [&str; 4] = ["service.", "sonarqube.", "concourse.", "prometheus."];

const CONTROLS: &[Control] = &[
    Control {
        name: "private nodes",
        kinds: &["google_container_cluster"],
        fault: |r| unless(r, "/private_cluster_config/0/enable_private_nodes", true),
    },
    Control {
        name: "no public address of the control plane",
        kinds: &["google_container_cluster"],
        fault: |r| {
            unless(
                r,
                "/control_plane_endpoints_config/0/ip_endpoints_config/0/enabled",
                false,
            )
        },
    },
    Control {
        name: "etcd encrypted by our key",
        kinds: &["google_container_cluster"],
        fault: |r| unless(r, "/database_encryption/0/state", "ENCRYPTED"),
    },
    Control {
        name: "cluster protected from deletion",
        kinds: &["google_container_cluster"],
        fault: |r| unless(r, "/deletion_protection", true),
    },
    Control {
        name: "private machines",
        kinds: &[
            "google_container_node_pool",
            "google_compute_instance_template",
        ],
        fault: public_machine,
    },
    Control {
        name: "no public address of the database",
        kinds: &["google_sql_database_instance"],
        fault: |r| unless(r, "/settings/0/ip_configuration/0/ipv4_enabled", false),
    },
    Control {
        name: "database encrypted in transit",
        kinds: &["google_sql_database_instance"],
        fault: |r| {
            unless(
                r,
                "/settings/0/ip_configuration/0/ssl_mode",
                "ENCRYPTED_ONLY",
            )
        },
    },
    Control {
        name: "point-in-time recovery",
        kinds: &["google_sql_database_instance"],
        fault: |r| {
            unless(
                r,
                "/settings/0/backup_configuration/0/point_in_time_recovery_enabled",
                true,
            )
        },
    },
    Control {
        name: "database protected from deletion",
        kinds: &["google_sql_database_instance"],
        fault: |r| unless(r, "/settings/0/deletion_protection_enabled", true),
    },
    Control {
        name: "no access from the whole internet",
        kinds: &["google_compute_firewall"],
        fault: open_firewall,
    },
    Control {
        name: "at least TLS 1.2",
        kinds: &["google_compute_ssl_policy"],
        fault: |r| unless(r, "/min_tls_version", "TLS_1_2"),
    },
    Control {
        name: "certificate for the four hosts",
        kinds: &["google_certificate_manager_certificate"],
        fault: |r| four_hosts(r, "/managed/0/domains"),
    },
    Control {
        name: "least roles",
        kinds: &["google_project_iam_member"],
        fault: broad_role,
    },
    Control {
        name: "named principals",
        kinds: IAM_MEMBERS,
        fault: anybody,
    },
    Control {
        name: "signed zone",
        kinds: &["google_dns_managed_zone"],
        fault: |r| unless(r, "/dnssec_config/0/state", "on"),
    },
    Control {
        name: "immutable tags",
        kinds: &["google_artifact_registry_repository"],
        fault: |r| unless(r, "/docker_config/0/immutable_tags", true),
    },
    Control {
        name: "images of known repositories alone",
        kinds: &["google_binary_authorization_policy"],
        fault: |r| {
            unless(
                r,
                "/default_admission_rule/0/evaluation_mode",
                "ALWAYS_DENY",
            )
        },
    },
    Control {
        name: "pinned charts",
        kinds: &["helm_release"],
        fault: unpinned_chart,
    },
];

const IAM_MEMBERS: &[&str] = &[
    "google_project_iam_member",
    "google_secret_manager_secret_iam_member",
    "google_artifact_registry_repository_iam_member",
    "google_iap_web_iam_member",
    "google_kms_crypto_key_iam_member",
    "google_service_account_iam_member",
];

/// The number of controls, including those for the whole plan.
pub(super) fn count() -> usize {
    CONTROLS.len() + 2
}

/// The violated controls, each with its violations.
pub(super) fn broken(plan: &Value) -> Vec<(&'static str, String)> {
    let mut resources = Vec::new();
    collect(&plan["planned_values"]["root_module"], &mut resources);
    let mut broken = Vec::new();
    for control in CONTROLS {
        let mut about = resources
            .iter()
            .filter(|resource| control.kinds.contains(&resource.kind))
            .peekable();
        if about.peek().is_none() {
            broken.push((
                control.name,
                format!("the plan has no {}", control.kinds.join(", ")),
            ));
        }
        broken.extend(about.filter_map(|resource| {
            Some((
                control.name,
                format!("{}: {}", resource.address, (control.fault)(resource)?),
            ))
        }));
    }
    let records: Vec<_> = resources
        .iter()
        .filter(|r| r.kind == "google_dns_record_set" && r.values["type"] == "A")
        .collect();
    let names: Vec<_> = records
        .iter()
        .filter_map(|record| record.values["name"].as_str())
        .collect();
    if records.len() != HOSTS.len()
        || !HOSTS
            .iter()
            .all(|host| names.iter().any(|name| name.starts_with(host)))
    {
        broken.push(("four records", format!("the zone has {}", names.join(", "))));
    }
    broken.extend(
        resources
            .iter()
            .flat_map(|resource| secrets(resource.address, resource.values))
            .map(|found| ("no secret in the plan", found)),
    );
    broken
}

fn collect<'plan>(module: &'plan Value, found: &mut Vec<Resource<'plan>>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if let (Some(address), Some(kind)) =
            (resource["address"].as_str(), resource["type"].as_str())
        {
            found.push(Resource {
                address,
                kind,
                values: &resource["values"],
            });
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(child, found);
    }
}

fn unless(resource: &Resource<'_>, path: &str, wanted: impl Into<Value>) -> Option<String> {
    let wanted = wanted.into();
    let found = resource.values.pointer(path).unwrap_or(&Value::Null);
    (*found != wanted).then(|| {
        format!(
            "{} is {found} instead of {wanted}",
            path.trim_start_matches('/').replace('/', ".")
        )
    })
}

fn public_machine(resource: &Resource<'_>) -> Option<String> {
    if resource.kind == "google_container_node_pool" {
        return unless(resource, "/network_config/0/enable_private_nodes", true);
    }
    let public = resource.values["network_interface"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|interface| {
            interface["access_config"]
                .as_array()
                .is_some_and(|config| !config.is_empty())
        });
    public.then(|| "it has a public address".to_owned())
}

fn open_firewall(resource: &Resource<'_>) -> Option<String> {
    let allows = resource.values["allow"]
        .as_array()
        .is_some_and(|allow| !allow.is_empty());
    let world = resource.values["source_ranges"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|range| range == "0.0.0.0/0" || range == "::/0");
    (allows && world).then(|| "it allows every address".to_owned())
}

fn four_hosts(resource: &Resource<'_>, path: &str) -> Option<String> {
    let domains: Vec<_> = resource
        .values
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let missing: Vec<_> = HOSTS
        .iter()
        .filter(|host| !domains.iter().any(|domain| domain.starts_with(*host)))
        .copied()
        .collect();
    (!missing.is_empty()).then(|| format!("no {} in it", missing.join(", ")))
}

fn broad_role(resource: &Resource<'_>) -> Option<String> {
    let role = resource.values["role"].as_str()?;
    BROAD_ROLES
        .contains(&role)
        .then(|| format!("{role} reaches everything in the project, or every namespace"))
}

fn anybody(resource: &Resource<'_>) -> Option<String> {
    let member = resource.values["member"].as_str()?;
    matches!(member, "allUsers" | "allAuthenticatedUsers")
        .then(|| format!("{member} is not a specific principal"))
}

fn unpinned_chart(resource: &Resource<'_>) -> Option<String> {
    let remote = resource.values["repository"].is_string();
    let version = resource.values["version"].as_str().unwrap_or_default();
    let exact = version.trim_start_matches('v').split('.').count() == 3
        && version
            .trim_start_matches('v')
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.');
    (remote && !exact).then(|| format!("version {version:?} is not exact"))
}

/// Arguments with a plain-text secret: one with such a name that is set, or a private key anywhere.
fn secrets(address: &str, value: &Value) -> Vec<String> {
    const NAMES: [&str; 6] = [
        "password",
        "password_wo",
        "secret_data",
        "secret_data_wo",
        "root_password",
        "private_key",
    ];
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if NAMES.contains(&name.as_str())
                    && member.as_str().is_some_and(|text| !text.is_empty())
                {
                    found.push(format!("{address}: {name} is set"));
                }
                found.extend(secrets(address, member));
            }
        }
        Value::Array(elements) => found.extend(
            elements
                .iter()
                .flat_map(|element| secrets(address, element)),
        ),
        Value::String(text) if text.contains("PRIVATE KEY-----") => {
            found.push(format!("{address} contains a private key"));
        }
        _ => {}
    }
    found
}

#[cfg(test)]
#[path = "controls_tests.rs"]
mod tests;
