//! `--log-file`: RFC 5424 lines that parse one by one, also across a rotation.

use std::os::unix::fs::PermissionsExt as _;

use super::rfc5424::parse;
use super::*;

#[test]
fn an_answered_request_is_one_line_with_its_fields_as_structured_data() {
    let scratch = Scratch::new("access");
    let path = scratch.path("roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("opens");
    telemetry.access_log().write(&answered("req-1"));
    drop(telemetry);

    let text = read(&path);
    let message = parse(text.strip_suffix('\n').expect("a whole line")).expect("RFC 5424");
    // daemon.info
    assert_eq!(message.priority, 3 * 8 + 6);
    assert_eq!(message.app, "roster");
    assert_eq!(message.process, std::process::id().to_string());
    assert_eq!(message.text, "GET /v1/users/{id} 200");
    for (name, value) in [
        ("request_id", "req-1"),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("method", "GET"),
        ("route", "/v1/users/{id}"),
        ("status", "200"),
        ("duration_us", "412"),
    ] {
        assert_eq!(message.parameter(name), value);
    }
}

#[test]
fn no_value_can_break_out_of_its_line_or_field() {
    let scratch = Scratch::new("hostile");
    let path = scratch.path("roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("opens");
    let hostile = "\"]\\\n<34>1 forged\r\0\u{1b}[31m\u{2028}é𝄞";
    telemetry.access_log().write(&answered(hostile));
    logged(&telemetry, || {
        tracing::error!(target: "roster::test", value = hostile, number = -3, "{hostile}");
        tracing::warn!(
            target: "roster::test",
            a_field_whose_name_is_longer_than_syslog_allows = true,
            "{}", "long ".repeat(10_000)
        );
    });
    drop(telemetry);

    let text = read(&path);
    let messages: Vec<_> = text
        .lines()
        .map(|line| parse(line).expect("RFC 5424"))
        .collect();
    assert_eq!(messages.len(), 3);
    let shown = r#""]\\n<34>1 forged\r\u{0}\u{1b}[31m\u{2028}é𝄞"#;
    assert_eq!(messages[0].parameter("request_id"), shown);
    assert_eq!(messages[1].parameter("value"), shown);
    assert_eq!(messages[1].parameter("number"), "-3");
    assert_eq!(messages[1].text, shown);
    assert_eq!(messages[1].priority, 3 * 8 + 3);
    assert_eq!(
        messages[2].parameter("a_field_whose_name_is_longer_tha"),
        "true"
    );
    assert!(messages[2].text.len() < 4_200);
}

#[test]
fn a_log_file_is_not_for_everybody_on_the_machine() {
    let scratch = Scratch::new("mode");
    let path = scratch.path("roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("opens");
    telemetry.access_log().write(&answered("1"));
    drop(telemetry);
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o007, 0, "{mode:o}");
}

#[test]
fn a_rotation_loses_no_line_and_cuts_none() {
    const ROTATIONS: usize = 20;
    const LINES: usize = 200;
    let scratch = Scratch::new("rotation");
    let path = scratch.path("roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("opens");
    let log = telemetry.access_log();
    for rotation in 0..ROTATIONS {
        for line in 0..LINES {
            log.write(&answered(&format!("{rotation}-{line}")));
        }
        eventually("the file is there", || path.exists());
        // As logrotate does: rename, then signal.
        std::fs::rename(&path, scratch.path(&format!("roster.log.{rotation}"))).expect("renamed");
        telemetry.reopen();
        eventually("a new file is there", || path.exists());
    }
    drop(telemetry);

    let mut ids = Vec::new();
    let mut files = 0;
    for file in std::fs::read_dir(&scratch.0).expect("listed") {
        files += 1;
        for line in read(&file.expect("an entry").path()).lines() {
            ids.push(
                parse(line)
                    .expect("RFC 5424")
                    .parameter("request_id")
                    .to_owned(),
            );
        }
    }
    assert_eq!(files, ROTATIONS + 1);
    ids.sort();
    let mut expected: Vec<_> = (0..ROTATIONS)
        .flat_map(|rotation| (0..LINES).map(move |line| format!("{rotation}-{line}")))
        .collect();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn the_level_decides_what_is_kept_and_other_crates_never_go_below_warn() {
    let scratch = Scratch::new("level");
    let path = scratch.path("roster.log");
    let settings = TelemetrySettings {
        level: tracing::level_filters::LevelFilter::TRACE,
        ..to_file(&path)
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    logged(&telemetry, || {
        tracing::trace!(target: "roster::store", "kept: ours at trace");
        tracing::warn!(target: "h2::codec", "kept: theirs at warn");
        tracing::info!(target: "h2::codec", "authorization: Bearer secret");
    });
    drop(telemetry);
    let text = read(&path);
    assert_eq!(text.matches("kept:").count(), 2, "{text}");
    assert!(!text.contains("Bearer"), "{text}");

    let path = scratch.path("warn.log");
    let settings = TelemetrySettings {
        level: tracing::level_filters::LevelFilter::WARN,
        ..to_file(&path)
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    telemetry.access_log().write(&answered("1"));
    logged(&telemetry, || tracing::info!(target: "roster", "not kept"));
    drop(telemetry);
    assert_eq!(read(&path), "");
}
