use super::{Action, Summary, module_and_kind};

fn plan(changes: &str) -> Summary {
    Summary::read(&format!(
        r#"{{"resource_changes":[{changes}],"output_changes":{{}}}}"#
    ))
    .expect("is a plan")
}

fn change(address: &str, actions: &str, extra: &str) -> String {
    format!(r#"{{"address":"{address}","mode":"managed","change":{{"actions":{actions}{extra}}}}}"#)
}

#[test]
fn what_destroys_stands_first_and_is_named_one_by_one() {
    let summary = plan(
        &[
            change("google_dns_record_set.a", r#"["create"]"#, ""),
            change("google_sql_database_instance.b", r#"["delete"]"#, ""),
            change(
                "google_container_cluster.c",
                r#"["delete","create"]"#,
                r#","replace_paths":[["location"]]"#,
            ),
        ]
        .join(","),
    );
    let named: Vec<_> = summary
        .destructive()
        .map(|change| change.address.as_str())
        .collect();
    assert_eq!(
        named,
        [
            "google_sql_database_instance.b",
            "google_container_cluster.c"
        ]
    );
    let text = anstream::adapter::strip_str(&summary.render()).to_string();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    assert_eq!(lines[0], "-   destroy google_sql_database_instance.b");
    assert_eq!(
        lines[1],
        "-/+ replace google_container_cluster.c   forced by location"
    );
    assert_eq!(
        lines[3],
        "1 to add, 0 to change, 1 to replace, 1 to destroy"
    );
}

#[test]
fn a_change_names_its_arguments_and_never_their_values() {
    let summary = plan(&change(
        "google_sql_user.u",
        r#"["update"]"#,
        r#","before":{"name":"a","password":"old-secret"},"after":{"name":"a","password":"new-secret"}"#,
    ));
    let text = summary.render();
    assert!(
        text.contains("password") && !text.contains("secret"),
        "{text}"
    );
}

#[test]
fn what_stays_and_what_is_only_read_is_left_out() {
    let summary = plan(
        &[
            change("google_compute_network.n", r#"["no-op"]"#, ""),
            r#"{"address":"data.x.y","mode":"data","change":{"actions":["read"]}}"#.to_owned(),
        ]
        .join(","),
    );
    assert!(summary.is_empty());
    assert_eq!(summary.count(Action::Add), 0);
}

#[test]
fn additions_are_grouped_by_module() {
    assert_eq!(
        module_and_kind(
            r#"module.stack.module.build_workers[0].google_compute_address.worker["a.b"]"#
        ),
        ("build-workers".to_owned(), "google_compute_address")
    );
    let addresses = [
        r"module.stack.module.dns.google_dns_record_set.a",
        r"module.stack.module.dns.google_dns_record_set.b",
    ];
    let changes: Vec<_> = addresses
        .iter()
        .map(|address| change(address, r#"["create"]"#, ""))
        .collect();
    let text = plan(&changes.join(",")).render();
    assert!(
        text.contains("add     dns: 2 × google_dns_record_set"),
        "{text}"
    );
}
