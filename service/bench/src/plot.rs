//! Results as an SVG bar chart: server and PostgreSQL, cheapest first.

use std::fmt::Write as _;

use super::results::Results;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 110.0;
const ROW: f64 = 30.0;
const TOP: f64 = 70.0;
const SERVER: &str = "#3b6fb6";
const POSTGRES: &str = "#e0902f";

/// CPU time per request of one workload; `None` if nothing was measured.
pub(super) fn cpu(results: &Results, workload: &str, title: &str) -> Option<String> {
    let mut bars: Vec<(&str, f64, f64)> = results
        .contestants
        .iter()
        .filter_map(|contestant| {
            let median = contestant.median(workload)?;
            Some((
                contestant.title.as_str(),
                median.server_cpu_us,
                median.postgres_cpu_us,
            ))
        })
        .collect();
    bars.sort_by(|a, b| (a.1 + a.2).total_cmp(&(b.1 + b.2)));
    let longest = bars.last().map(|(_, server, postgres)| server + postgres)?;
    let scale = (WIDTH - LEFT - RIGHT) / longest;
    let mut rows = String::new();
    for (name, server, postgres, y) in bars.iter().scan(TOP - ROW, |y, (name, server, postgres)| {
        *y += ROW;
        Some((name, server, postgres, *y))
    }) {
        let (name, weight) = name.strip_prefix("**").map_or((*name, "normal"), |bold| {
            (bold.trim_end_matches('*'), "bold")
        });
        let (first, second) = (server * scale, postgres * scale);
        let (baseline, bar) = (y + 15.0, ROW - 10.0);
        let _ = write!(
            rows,
            r#"<text x="{:.0}" y="{baseline}" text-anchor="end" font-weight="{weight}">{name}</text>
<rect x="{LEFT}" y="{y}" width="{first:.1}" height="{bar}" fill="{SERVER}"/>
<rect x="{:.1}" y="{y}" width="{second:.1}" height="{bar}" fill="{POSTGRES}"/>
<text x="{:.1}" y="{baseline}">{:.1} µs</text>
"#,
            LEFT - 8.0,
            LEFT + first,
            LEFT + first + second + 6.0,
            server + postgres,
        );
    }
    let height = TOP + ROW * f64::from(u32::try_from(bars.len()).ok()?) + 10.0;
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="{title}">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="28" font-size="17" font-weight="bold">{title}</text>
<rect x="16" y="42" width="12" height="12" fill="{SERVER}"/><text x="34" y="53">server</text>
<rect x="104" y="42" width="12" height="12" fill="{POSTGRES}"/><text x="122" y="53">PostgreSQL</text>
{rows}</svg>
"##
    ))
}

#[cfg(test)]
mod tests {
    use super::super::machine::Machine;
    use super::super::results::tests::{contestant, measurement};
    use super::super::results::{Results, Settings};
    use super::cpu;

    #[test]
    fn the_cheapest_stands_first_and_bars_are_to_scale() {
        let results = Results {
            revision: String::new(),
            machine: Machine::default(),
            settings: Settings {
                users: 1,
                connections: 1,
                seconds: 1.0,
                rounds: 1,
            },
            contestants: vec![
                contestant("slow", "get", vec![measurement(40.0, 50.0)]),
                contestant("quick", "get", vec![measurement(9.0, 0.0)]),
            ],
            not_measured: Vec::new(),
        };
        let picture = cpu(&results, "get", "GET").unwrap();
        assert!(picture.find("quick").unwrap() < picture.find("slow").unwrap());
        // 450 units are 90 µs: 9 µs are 45 of them.
        assert!(
            picture.contains(r#"width="45.0""#) && picture.contains(r#"width="250.0""#),
            "{picture}"
        );
        assert_eq!(cpu(&results, "post", "POST"), None);
    }
}
