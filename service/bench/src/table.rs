//! The results as a page of Markdown.

use std::fmt::Write as _;

use super::contestants::ROSTER;
use super::goals;
use super::results::{Contestant, Measurement, Results};

const WORKLOADS: [&str; 4] = ["get", "post", "put", "list"];

/// All tables of one run.
pub(super) fn markdown(results: &Results) -> String {
    let mut page = described(results);
    let connections = results.settings.connections;
    page.push_str(&table(
        &format!("CPU time a request, µs: server + PostgreSQL, {connections} connections"),
        &["GET by id", "POST", "PUT", "list of 50"],
        results,
        |contestant| {
            WORKLOADS
                .iter()
                .map(|workload| cell(contestant, workload, &cpu))
                .collect()
        },
    ));
    page.push_str(&table(
        "The same, Roster = 1",
        &["GET by id", "POST", "PUT", "list of 50"],
        results,
        |contestant| {
            WORKLOADS
                .iter()
                .map(|workload| times_roster(results, contestant, workload))
                .collect()
        },
    ));
    page.push_str(&table(
        &format!(
            "Requests a second, {connections} connections, load and PostgreSQL on the same cores"
        ),
        &["GET by id", "POST", "PUT", "list of 50"],
        results,
        |contestant| {
            WORKLOADS
                .iter()
                .map(|workload| cell(contestant, workload, &|m| thousands(m.requests_per_second)))
                .collect()
        },
    ));
    page.push_str(&table(
        "Latency of GET by id, µs; the open loop sends 70 % of each one's own peak, as independent clients come",
        &["1 connection: p50", "open: rate", "p50", "p99", "p99.9", "slowest"],
        results,
        latencies,
    ));
    page.push_str(&table(
        "Memory after 1,000 connections (what processes share divided among them), start to the first 200, program",
        &["memory, MiB", "start, ms", "program, MiB"],
        results,
        footprint,
    ));
    page.push_str(&goals_table(results));
    page
}

fn described(results: &Results) -> String {
    let (machine, settings) = (&results.machine, &results.settings);
    let mut text = format!(
        "Revision {}; {} × {}, {} GiB, {}, {}, PostgreSQL {} (fsync and synchronous_commit on), {}. {} users, {} rounds, \
         interleaved, of {} s for each figure; medians.\n",
        results.revision,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.system,
        machine.kernel,
        machine.postgres,
        machine.compiler,
        count(settings.users),
        settings.rounds,
        settings.seconds,
    );
    if machine.was_busy() {
        let _ = writeln!(
            text,
            "\n> The machine was **not quiet**: its load average was {:.1} before the run, on {} cores. Absolute times are too \
             high; the ratios, measured in turn, say more.",
            machine.load_before, machine.cores
        );
    }
    for contestant in results
        .contestants
        .iter()
        .filter(|contestant| !contestant.parts.is_empty())
    {
        let _ = writeln!(text, "\n{}: {}.", contestant.title, contestant.parts);
    }
    for missing in &results.not_measured {
        let _ = writeln!(
            text,
            "\n**Not measured**: {} ({}).",
            missing.what, missing.why
        );
    }
    text
}

fn table(
    title: &str,
    columns: &[&str],
    results: &Results,
    cells: impl Fn(&Contestant) -> Vec<String>,
) -> String {
    let mut text = format!(
        "\n**{title}**\n\n| | {} |\n|---{}|\n",
        columns.join(" | "),
        "|---:".repeat(columns.len())
    );
    for contestant in &results.contestants {
        let cells = cells(contestant);
        if cells.iter().any(|cell| cell != "–") {
            let _ = writeln!(text, "| {} | {} |", contestant.title, cells.join(" | "));
        }
    }
    text
}

fn cell(contestant: &Contestant, workload: &str, show: &dyn Fn(&Measurement) -> String) -> String {
    contestant
        .median(workload)
        .map_or_else(|| "–".to_owned(), |measurement| show(&measurement))
}

fn cpu(m: &Measurement) -> String {
    format!(
        "**{:.1}** ({:.1} + {:.1})",
        m.cpu_us(),
        m.server_cpu_us,
        m.postgres_cpu_us
    )
}

fn times_roster(results: &Results, contestant: &Contestant, workload: &str) -> String {
    let Some(roster) = results.median(ROSTER, workload) else {
        return "–".to_owned();
    };
    cell(contestant, workload, &|m| {
        format!("{:.2} ×", m.cpu_us() / roster.cpu_us())
    })
}

fn latencies(contestant: &Contestant) -> Vec<String> {
    let open = |show: fn(&Measurement) -> String| cell(contestant, "get-open", &show);
    vec![
        cell(contestant, "get-1", &|m| thousands(m.p50_us)),
        open(|m| format!("{}/s", thousands(m.requests_per_second))),
        open(|m| thousands(m.p50_us)),
        open(|m| thousands(m.p99_us)),
        open(|m| thousands(m.p999_us)),
        open(|m| thousands(m.max_us)),
    ]
}

fn footprint(contestant: &Contestant) -> Vec<String> {
    let none = || "–".to_owned();
    vec![
        cell(contestant, "get-1000", &|m| {
            format!("{:.1}", m.proportional_bytes / 1_048_576.0)
        }),
        contestant
            .start_ms()
            .map_or_else(none, |ms| format!("{ms:.1}")),
        contestant
            .program_bytes
            .map_or_else(none, |bytes| format!("{:.1}", float(bytes) / 1_048_576.0)),
    ]
}

fn goals_table(results: &Results) -> String {
    let mut text =
        "\n**The goals**\n\n| goal | bound | measured | |\n|---|---:|---:|---|\n".to_owned();
    for goal in goals::of(results) {
        let (measured, verdict) = match (&goal.measured, goal.is_met) {
            (None, _) => ("–", "not measured"),
            (Some(measured), true) => (measured.as_str(), "met"),
            (Some(measured), false) => (measured.as_str(), "**missed**"),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {measured} | {verdict} |",
            goal.what, goal.bound
        );
    }
    text
}

/// A number with thousands separators.
pub(super) fn thousands(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with thousands separators.
pub(super) fn count(number: u64) -> String {
    thousands(float(number))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes and counts are far below 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::super::machine::Machine;
    use super::super::results::tests::{contestant, measurement};
    use super::super::results::{Results, Settings};
    use super::{markdown, thousands};

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            (thousands(999.4), thousands(1000.0), thousands(1_234_567.0)),
            ("999".into(), "1,000".into(), "1,234,567".into())
        );
    }

    #[test]
    fn the_page_tells_ratios_and_what_was_not_measured() {
        let results = Results {
            revision: "abc".to_owned(),
            machine: Machine {
                cores: 2,
                load_before: 4.0,
                ..Machine::default()
            },
            settings: Settings {
                users: 1000,
                connections: 64,
                seconds: 3.0,
                rounds: 1,
            },
            contestants: vec![
                contestant("roster", "get", vec![measurement(10.0, 3.0)]),
                contestant("actix-pipelined", "get", vec![measurement(20.0, 6.0)]),
            ],
            not_measured: Vec::new(),
        };
        let page = markdown(&results);
        assert!(page.contains("**13.0** (10.0 + 3.0)"), "{page}");
        assert!(
            page.contains("| actix-pipelined | 2.00 × | – | – | – |"),
            "{page}"
        );
        assert!(page.contains("not quiet"), "{page}");
        assert!(
            page.contains("| GET: the same, of actix + tokio-postgres | ≤ 0.55 × | 0.50 × | met |"),
            "{page}"
        );
        assert!(
            page.contains("| start to the first 200, PostgreSQL up | ≤ 20 ms | 10.00 ms | met |"),
            "{page}"
        );
        assert!(page.contains("not measured"), "{page}");
    }
}
