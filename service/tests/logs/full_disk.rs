//! A log disk of 1 MB that fills up under load: callers do not wait, every line in the file is
//! whole, and once there is room the log goes on.

use std::process::Command;

use super::rfc5424::parse;
use super::*;

/// A file system of 1 MB, for as long as this lives.
struct SmallDisk(Scratch);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let scratch = Scratch::new("disk");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "roster-test"])
            .arg(&scratch.0)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(scratch))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0.0).status();
    }
}

#[test]
fn a_full_log_disk_slows_nobody_and_leaves_whole_lines() {
    const LINES: u64 = 40_000;
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("not proven: a full log disk of 1 MB (mounting one takes root)");
        return;
    };
    let path = disk.0.path("roster.log");
    let settings = TelemetrySettings {
        queue_lines: 1_000,
        ..to_file(&path)
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    let log = telemetry.access_log();
    for n in 0..LINES {
        log.write(&answered(&n.to_string()));
        if n % 1_000 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // The disk has room for a fraction of them, and none is freed: a caller that waited for it would still wait.
    eventually("lines are lost", || lost(&telemetry, "file") > 20_000);
    let full = read(&path);
    assert!(
        full.len() > 900_000,
        "the disk was not full: {}",
        full.len()
    );
    assert!(
        full.ends_with('\n'),
        "half a line: {:?}",
        full.lines().last()
    );
    for line in full.lines() {
        parse(line).expect("RFC 5424");
    }

    // As an operator does: delete the old file, and have the log reopened.
    std::fs::remove_file(&path).expect("removed");
    telemetry.reopen();
    eventually("what was lost is said", || {
        read(&path).contains("lines were lost")
    });
    log.write(&answered("after"));
    eventually("the log goes on", || {
        read(&path).contains("request_id=\"after\"")
    });
    let counted = lost(&telemetry, "file");
    drop(telemetry);
    let text = full + &read(&path);
    let mut kept = 0;
    for line in text.lines() {
        kept += u64::from(parse(line).expect("RFC 5424").id == "1");
    }
    // Every line is in a file or counted; the notices of the trouble may be among the lost.
    let sum = kept + counted;
    assert!((LINES + 1..=LINES + 3).contains(&sum), "{kept} + {counted}");
    eprintln!("{kept} lines kept, {counted} lost and counted");
}
