//! `roster import` and `roster export`, as processes of their own against a running service.

use crate::access::GuardedApp;
use crate::spawned::roster;
use crate::test_app::TestApp;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");

/// Runs a command against a service; its exit code and what it said.
async fn run(address: SocketAddr, command: &str, args: &[&str]) -> (i32, String) {
    let mut process = roster();
    process
        .args([command, "--url", &format!("http://{address}")])
        .args(args);
    let ran = tokio::task::spawn_blocking(move || process.output());
    let Output {
        status,
        stdout,
        stderr,
    } = ran.await.unwrap().expect("it runs");
    let text = String::from_utf8(stderr).unwrap() + &String::from_utf8(stdout).unwrap();
    (status.code().expect("it ends by itself"), text)
}

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

async fn names(app: &TestApp) -> Vec<String> {
    let users = app.walk("sort=name").await;
    users
        .iter()
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_of_other_columns_is_mapped_and_what_was_refused_round_trips() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let csv = "\u{feff}mail;name;Abteilung;Schuhgröße\r\n\
               ada@example.com;\"Lovelace; Ada\";Engines;38\r\n\
               bad;\"Two \"\"words\"\"\";;40\r\n\
               grace@example.com;Grace;;\r\n\
               ADA@example.com;Again;;\r\n";
    let users = file(folder.path(), "users.csv", csv);
    let users = users.to_str().unwrap();
    let map = ["--map", "mail=email", "--map", "Abteilung=department"];
    let (code, text) = run(app.address, "import", &[&[users], &map[..]].concat()).await;
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("'Schuhgröße' is not a field of a user"),
        "{text}"
    );
    let flags = [&[users, "--ignore", "Schuhgröße"], &map[..]].concat();
    let (code, text) = run(app.address, "import", &flags).await;
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("2 created, 0 updated, 0 unchanged, 0 removed, 2 refused"),
        "{text}"
    );
    assert!(text.contains("next: correct the records in "), "{text}");
    assert_eq!(names(&app).await, ["Grace", "Lovelace; Ada"]);
    // The refused records, with their reasons, corrected in place.
    let refused = folder.path().join("users.csv.refused.csv");
    let text = std::fs::read_to_string(&refused).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.contains("email must be one address with one '@'"),
        "{text}"
    );
    assert!(text.contains("taken"), "{text}");
    let corrected = text
        .replace("bad", "b@example.com")
        .replace("ADA@", "other@");
    std::fs::write(&refused, corrected).unwrap();
    let flags = [
        &[refused.to_str().unwrap(), "--ignore", "Schuhgröße"],
        &map[..],
    ]
    .concat();
    let (code, text) = run(app.address, "import", &flags).await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(
        names(&app).await,
        ["Again", "Grace", "Lovelace; Ada", "Two \"words\""]
    );
    assert!(
        !folder
            .path()
            .join("users.csv.refused.csv.refused.csv")
            .exists()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_other_directories_are_imported_as_they_are() {
    for (sample, expected) in [
        ("openldap.ldif", vec!["Ada Lovelace", "Jürgen Müller"]),
        ("auth0.jsonl", vec!["Ada Lovelace", "grace@example.com"]),
        ("okta-users.json", vec!["Ada Lovelace", "Grace Hopper"]),
        ("keycloak-realm.json", vec!["Ada Lovelace", "Grace Hopper"]),
    ] {
        let app = TestApp::start().await;
        let path = format!("{SAMPLES}/{sample}");
        let folder = tempfile::tempdir().unwrap();
        let refused = folder.path().join("refused.jsonl");
        let flags = [path.as_str(), "--refused", refused.to_str().unwrap()];
        let (code, text) = run(app.address, "import", &flags).await;
        assert_eq!(names(&app).await, expected, "{sample}: {text}");
        let ada = &app.walk("email=ada@example.com").await[0];
        let (phone, department) = match sample {
            "auth0.jsonl" => (Value::Null, Value::Null),
            _ => (json!("+442071234567"), json!("Engines")),
        };
        assert_eq!(
            (&ada["phone"], &ada["department"]),
            (&phone, &department),
            "{sample}"
        );
        let suspended = app.walk("status=suspended").await.len();
        assert_eq!(
            suspended,
            usize::from(sample != "openldap.ldif"),
            "{sample}"
        );
        // Keycloak's service account has no address.
        let wanted = i32::from(sample == "keycloak-realm.json");
        assert_eq!(code, wanted, "{sample}: {text}");
        if wanted == 1 {
            let text = std::fs::read_to_string(&refused).unwrap();
            assert!(
                text.contains("service-account-billing") && text.contains("email is required"),
                "{text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_complete_or_not_there_and_its_cursor_continues_it() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        app.created(&json!({"email": format!("u{n}@example.com"), "name": format!("U{n}"), "department": "D"})).await;
    }
    let (users, cursor) = (folder.path().join("users"), folder.path().join("cursor"));
    let flags = [
        "--output",
        users.to_str().unwrap(),
        "--cursor-file",
        cursor.to_str().unwrap(),
    ];
    let (code, text) = run(app.address, "export", &flags).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 users exported"), "{text}");
    assert_eq!(std::fs::read_to_string(&users).unwrap().lines().count(), 4);
    let cursor = std::fs::read_to_string(&cursor).unwrap();
    let path = format!("/v1/users/changes?after={}", cursor.trim());
    assert_eq!(app.get(&path).await.json()["items"], json!([]));
    // What was exported is imported elsewhere, and again without a change.
    let other = TestApp::start().await;
    for outcome in ["3 created", "3 unchanged"] {
        let flags = [users.to_str().unwrap(), "--mode", "upsert"];
        let (code, text) = run(other.address, "import", &flags).await;
        assert!(code == 0 && text.contains(outcome), "{text}");
    }
    let (code, csv) = run(app.address, "export", &["--format", "csv", "-q", "u1"]).await;
    assert!(
        code == 0 && csv.contains("u1@example.com,U1,,,D,active,"),
        "{csv}"
    );
    // Nobody answers there, and no half of a file is left.
    let flags = ["--output", users.to_str().unwrap()];
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let (code, text) = run(nobody, "export", &flags).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("next: check --url"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronisation_is_confirmed_by_a_number() {
    let app = TestApp::start().await;
    for n in 0..4 {
        app.created(&json!({"email": format!("u{n}@example.com"), "name": "U"}))
            .await;
    }
    let folder = tempfile::tempdir().unwrap();
    let users = file(
        folder.path(),
        "users.csv",
        "email,name\nu0@example.com,U\nnew@example.com,N\n",
    );
    let users = users.to_str().unwrap();
    let (code, text) = run(app.address, "import", &[users, "--mode", "sync"]).await;
    assert_eq!(code, 2, "{text}");
    let dry = [users, "--mode", "sync", "--max-deletes", "10", "--dry-run"];
    let (code, text) = run(app.address, "import", &dry).await;
    assert!(code == 0 && text.contains("3 users are absent"), "{text}");
    let (code, text) = run(
        app.address,
        "import",
        &[users, "--mode", "sync", "--max-deletes", "2"],
    )
    .await;
    assert!(
        code == 1 && text.contains("nobody was removed: 3 users are absent"),
        "{text}"
    );
    let (code, text) = run(
        app.address,
        "import",
        &[users, "--mode", "sync", "--max-deletes", "3"],
    )
    .await;
    assert!(code == 0 && text.contains("3 removed"), "{text}");
    assert_eq!(app.walk("").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_read_say_what_to_do() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, content, wanted) in [
        (
            "latin.csv",
            &b"email,name\na@example.com,J\xfcrgen\n"[..],
            "line 2 is not UTF-8 (byte 0xfc); it looks like Latin-1",
        ),
        ("utf16.csv", b"\xff\xfee\0m\0", "is UTF-16"),
        (
            "short.csv",
            b"email,name\na@example.com\n",
            "line 2 has 1 fields, the header row 2",
        ),
        ("broken.jsonl", b"{\"email\":\n", "is not a JSON object"),
        (
            "changes.ldif",
            b"dn: uid=a\nchangetype: modify\nreplace: mail\n",
            "is a change",
        ),
    ] {
        let path = file(folder.path(), name, content);
        let format = if name == "broken.jsonl" {
            vec!["--format", "jsonl"]
        } else {
            Vec::new()
        };
        let flags = [&[path.to_str().unwrap()], &format[..]].concat();
        let (code, text) = run(app.address, "import", &flags).await;
        assert_eq!(code, 2, "{name}: {text}");
        assert!(
            text.contains(wanted) && text.contains("\nnext: "),
            "{name}: {text}"
        );
    }
    let (code, text) = run(app.address, "import", &["/nowhere.csv"]).await;
    assert_eq!(code, 2, "{text}");
    assert!(app.walk("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_their_token_from_a_file() {
    let guarded = GuardedApp::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let users = file(folder.path(), "users.csv", "email,name\na@example.com,A\n");
    let (code, text) = run(guarded.app.address, "import", &[users.to_str().unwrap()]).await;
    assert!(
        code == 1 && text.contains("401") && text.contains("next: give a token"),
        "{text}"
    );
    let token = file(
        folder.path(),
        "token",
        guarded.token("users:read,users:write").await,
    );
    let flags = [
        users.to_str().unwrap(),
        "--token-file",
        token.to_str().unwrap(),
    ];
    let (code, text) = run(guarded.app.address, "import", &flags).await;
    assert!(code == 0 && text.contains("1 created"), "{text}");
}
