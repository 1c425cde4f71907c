//! Formats values with units, rounds axis limits, stacks lines. Must not draw.

use crate::commands::dashboards::data::Series;

/// A value in the unit of its panel.
pub(super) fn said(value: f64, unit: &str) -> String {
    let short = |value: f64| {
        let size = value.abs();
        let digits = if size >= 100.0 || value == 0.0 {
            0
        } else if size >= 10.0 {
            1
        } else {
            2
        };
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    let scaled = |steps: &[(f64, &str)]| {
        let fit = steps
            .iter()
            .find(|(size, _)| value.abs() >= *size)
            .or_else(|| steps.last());
        fit.map_or_else(String::new, |(size, name)| {
            format!("{}{name}", short(value / size))
        })
    };
    match unit {
        _ if value == 0.0 => "0".to_owned(),
        "percentunit" if value.abs() < 0.01 => format!("{value:.4}")
            .parse::<f64>()
            .map_or_else(|_| String::new(), |share| format!("{:.2} %", share * 100.0)),
        "percentunit" => format!("{} %", short(value * 100.0)),
        "s" => scaled(&[
            (86_400.0, " d"),
            (3_600.0, " h"),
            (60.0, " min"),
            (1.0, " s"),
            (0.001, " ms"),
            (0.000_001, " µs"),
        ]),
        "bytes" => scaled(&[
            (1_073_741_824.0, " GiB"),
            (1_048_576.0, " MiB"),
            (1_024.0, " KiB"),
            (1.0, " B"),
        ]),
        "reqps" | "ops" => format!("{}/s", short(value)),
        _ if (0.1..1.0).contains(&value.abs()) => short(value),
        _ => scaled(&[
            (1e6, " M"),
            (1e3, " k"),
            (1.0, ""),
            (0.001, " m"),
            (1e-6, " µ"),
        ]),
    }
}

/// Each line is stacked on the previous one; all have the same times, but some start later.
pub(super) fn stack(series: &[Series]) -> Vec<Vec<(f64, f64)>> {
    let mut heights: Vec<(f64, f64)> = Vec::new();
    let mut stacked = Vec::new();
    for line in series {
        let mut shown = Vec::new();
        for &(time, value) in &line.points {
            // Prometheus evaluates all series at the same times: equality is exact.
            let height = if let Some((_, height)) = heights
                .iter_mut()
                .find(|(at, _)| (*at - time).abs() < f64::EPSILON)
            {
                *height += value;
                *height
            } else {
                heights.push((time, value));
                value
            };
            shown.push((time, height));
        }
        stacked.push(shown);
    }
    stacked
}

/// The next of 1, 2, 4, 5, 8, 10, …, so that the axis has round numbers; for bytes, in their display unit.
pub(super) fn round_up(value: f64, unit: &str) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let base = if unit == "bytes" {
        1024f64.powf(value.log(1024.0).floor())
    } else {
        1.0
    };
    let power = base * 10f64.powf((value / base).log10().floor());
    [1.0, 2.0, 4.0, 5.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// At most seven whole-minute marks for a duration in seconds.
pub(super) fn minutes(seconds: f64) -> Vec<u32> {
    let (mut step, mut shown) = (1, Vec::new());
    while f64::from(step) * 60.0 * 7.0 < seconds {
        step += 1;
    }
    while f64::from(shown.last().map_or(0, |last| last + step)) * 60.0 <= seconds {
        shown.push(shown.last().map_or(0, |last| last + step));
    }
    shown
}

/// The points that affect the line's shape: those inside a constant stretch are dropped.
pub(super) fn corners(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let is_level = |at: usize| {
        let near = |a: f64, b: f64| (a - b).abs() < 0.05;
        at > 0
            && at + 1 < points.len()
            && near(points[at - 1].1, points[at].1)
            && near(points[at].1, points[at + 1].1)
    };
    (0..points.len())
        .filter(|&at| !is_level(at))
        .map(|at| points[at])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_in_the_unit_of_their_panel() {
        let cases = [
            (0.0123, "s", "12.3 ms"),
            (7200.0, "s", "2 h"),
            (1_572_864.0, "bytes", "1.5 MiB"),
            (0.999, "percentunit", "99.9 %"),
            (0.0021, "percentunit", "0.21 %"),
            (42.0, "reqps", "42/s"),
            (1500.0, "none", "1.5 k"),
            (0.5, "none", "0.5"),
            (0.05, "none", "50 m"),
            (0.0, "s", "0"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(said(value, unit), expected);
        }
    }

    #[test]
    fn a_stack_adds_up_where_both_have_points() {
        let series = |points: &[(f64, f64)]| Series {
            legend: String::new(),
            points: points.to_vec(),
        };
        let stacked = stack(&[series(&[(1.0, 1.0), (2.0, 1.0)]), series(&[(2.0, 3.0)])]);
        assert_eq!(stacked, [vec![(1.0, 1.0), (2.0, 1.0)], vec![(2.0, 4.0)]]);
    }

    #[test]
    fn an_axis_ends_at_a_round_number_above_what_is_shown() {
        for (value, unit, rounded) in [
            (0.0, "none", 1.0),
            (0.9, "none", 1.0),
            (1.0, "percentunit", 1.0),
            (37.0, "none", 40.0),
            (480.0, "none", 500.0),
            (45.0 * 1_048_576.0, "bytes", 50.0 * 1_048_576.0),
        ] {
            assert!((round_up(value, unit) - rounded).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn times_are_told_in_whole_minutes() {
        assert_eq!(minutes(369.0), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(minutes(14.0 * 60.0), [0, 2, 4, 6, 8, 10, 12, 14]);
    }

    #[test]
    fn of_a_level_stretch_its_ends_stay() {
        let points = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 9.0)];
        assert_eq!(corners(&points), [(0.0, 1.0), (2.0, 1.0), (3.0, 9.0)]);
    }
}
