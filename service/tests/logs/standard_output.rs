//! Standard output: JSON objects, or lines for eyes. Run in a process of its own.

use std::process::{Command, Stdio};

use super::*;

const CHILD: &str = "ROSTER_TEST_LOGS_CHILD";

/// Not a test of its own: what the others run as a child, to see its standard output.
#[test]
fn child() {
    let Ok(format) = std::env::var(CHILD) else {
        return;
    };
    let settings = TelemetrySettings {
        format: format.parse().expect("a format"),
        ..TelemetrySettings::default()
    };
    let telemetry = roster::telemetry::start(&settings).expect("starts");
    telemetry.access_log().write(&answered("quote\"d"));
    tracing::info!(target: "roster::test", port = 8080, ratio = 0.5, up = true, name = "a\nb", "ready");
    assert!(
        roster::telemetry::start(&settings).is_err(),
        "once in a process"
    );
}

fn output_of_child(format: &str) -> Vec<String> {
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "standard_output::child",
            "--nocapture",
            "--quiet",
        ])
        .env(CHILD, format)
        .stderr(Stdio::inherit())
        .output()
        .expect("runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let ours = |line: &&str| line.contains("request_id") || line.contains("roster::test");
    text.lines().filter(ours).map(str::to_owned).collect()
}

#[test]
fn without_a_terminal_lines_are_json_objects() {
    for format in ["auto", "json"] {
        let lines = output_of_child(format);
        let objects: Vec<serde_json::Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        assert_eq!(objects.len(), 2, "{lines:?}");
        assert_eq!(objects[0]["target"], "access");
        assert_eq!(objects[0]["request_id"], "quote\"d");
        assert_eq!(objects[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(objects[0]["status"], 200);
        assert_eq!(objects[0]["duration_us"], 412);
        assert_eq!(objects[1]["message"], "ready");
        assert_eq!(objects[1]["level"], "INFO");
        assert_eq!(objects[1]["port"], 8080);
        assert_eq!(objects[1]["ratio"], 0.5);
        assert_eq!(objects[1]["up"], true);
        assert_eq!(objects[1]["name"], "a\nb");
        let timestamp = objects[1]["timestamp"].as_str().expect("text");
        assert_eq!(timestamp.len(), "2026-01-02T03:04:05.678901Z".len());
    }
}

#[test]
fn human_lines_have_no_colours_where_there_is_no_terminal() {
    let lines = output_of_child("human");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("INFO GET /v1/users/{id} 200 412 µs request_id=quote\"d"));
    assert!(lines[1].contains(r"INFO roster::test: ready port=8080 ratio=0.5 up=true name=a\nb"));
    assert!(
        lines.iter().all(|line| !line.contains('\u{1b}')),
        "{lines:?}"
    );
}
