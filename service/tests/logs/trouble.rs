//! Sinks that fail: callers never wait, lines are counted, trouble and its end are said once.

use super::rfc5424::parse;
use super::*;

fn said<'a>(text: &'a str, what: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(what)).collect()
}

#[test]
fn a_missing_directory_is_said_once_and_nothing_is_lost_when_it_comes_soon() {
    let scratch = Scratch::new("missing");
    let path = scratch.path("later/roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("a missing directory is not an error");
    let log = telemetry.access_log();
    for n in 0..100 {
        log.write(&answered(&n.to_string()));
    }
    std::thread::sleep(Duration::from_millis(700));
    std::fs::create_dir(scratch.path("later")).expect("made");
    eventually("the end of the trouble is said", || {
        read(&path).contains("lines were lost")
    });
    assert_eq!(lost(&telemetry, "file"), 0);
    drop(telemetry);

    let text = read(&path);
    assert_eq!(said(&text, "[roster@32473 duration_us").len(), 100);
    assert_eq!(said(&text, "cannot write the log to").len(), 1, "{text}");
    let end = said(&text, "is written to");
    assert_eq!(end.len(), 1, "{text}");
    assert_eq!(
        parse(end[0]).expect("RFC 5424").parameter("lost_lines"),
        "0"
    );
}

#[test]
fn lines_beyond_the_queue_are_lost_counted_and_said_when_it_is_over() {
    let scratch = Scratch::new("overflow");
    let path = scratch.path("later/roster.log");
    let settings = TelemetrySettings {
        queue_lines: 100,
        ..to_file(&path)
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    let log = telemetry.access_log();
    let started = Instant::now();
    for n in 0..10_000 {
        log.write(&answered(&n.to_string()));
    }
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "a caller waited"
    );
    let counted = lost(&telemetry, "file");
    assert!(counted >= 10_000 - 100 - 256 - 1, "{counted}");

    std::fs::create_dir(scratch.path("later")).expect("made");
    eventually("the end of the trouble is said", || {
        read(&path).contains("lines were lost")
    });
    let counted = lost(&telemetry, "file");
    drop(telemetry);
    let text = read(&path);
    let kept = said(&text, "[roster@32473 duration_us").len() as u64;
    let end = said(&text, "is written to");
    assert_eq!(end.len(), 1, "{text}");
    let end = parse(end[0]).expect("RFC 5424");
    assert_eq!(end.parameter("lost_lines"), counted.to_string());
    // The lines, and at most the two notices of the trouble's beginning.
    assert!(
        (10_000..=10_002).contains(&(kept + counted)),
        "{kept} + {counted}"
    );
}

#[test]
fn a_broken_sink_is_said_in_the_others_and_does_not_hold_them_up() {
    let scratch = Scratch::new("others");
    let path = scratch.path("roster.log");
    let settings = TelemetrySettings {
        syslog: Some("unix:/nonexistent/dev/log".parse().expect("a target")),
        queue_lines: 1_000,
        ..to_file(&path)
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    let log = telemetry.access_log();
    for n in 0..5_000 {
        log.write(&answered(&n.to_string()));
        // No faster than the file is written, so that its queue has room on the busiest machine.
        if n % 500 == 0 {
            eventually("the file keeps up", || {
                said(&read(&path), "[roster@32473 duration_us").len() > n
            });
        }
    }
    eventually("the trouble is said", || {
        read(&path).contains("cannot write the log to unix:/nonexistent/dev/log")
    });
    assert!(lost(&telemetry, "syslog") >= 5_000 - 1_000 - 257);
    assert_eq!(lost(&telemetry, "file"), 0);
    let ending = Instant::now();
    drop(telemetry);
    assert!(
        ending.elapsed() < Duration::from_secs(30),
        "the end was held up"
    );
    let text = read(&path);
    assert_eq!(said(&text, "[roster@32473 duration_us").len(), 5_000);
    assert_eq!(said(&text, "cannot write").len(), 1, "{text}");
}

#[test]
fn a_file_that_cannot_be_opened_anew_keeps_the_old_one() {
    let scratch = Scratch::new("reopen");
    let directory = scratch.path("logs");
    std::fs::create_dir(&directory).expect("made");
    let path = directory.join("roster.log");
    let telemetry = Telemetry::open(&to_file(&path)).expect("opens");
    let log = telemetry.access_log();
    log.write(&answered("before"));
    eventually("the line is there", || read(&path).contains("before"));
    let moved = scratch.path("moved");
    std::fs::rename(&directory, &moved).expect("moved away");
    telemetry.reopen();
    log.write(&answered("after"));
    let old = moved.join("roster.log");
    eventually("the line is in the old file", || {
        read(&old).contains("after")
    });
    eventually("the trouble is said", || {
        read(&old).contains("stays in use")
    });
}
