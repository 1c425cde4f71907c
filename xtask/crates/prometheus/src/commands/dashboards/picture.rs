//! A dashboard as SVG: panels in Grafana's layout, with the lines from Prometheus. Must not query anything: it gets
//! everything it draws.

mod scale;

use std::fmt::Write as _;

use serde_json::Value;

use super::data::{Data, Series};
use scale::{corners, minutes, round_up, said, stack};

const COLUMN: f64 = 50.0;
const ROW: f64 = 34.0;
const TOP: f64 = 48.0;
const GAP: f64 = 4.0;
const COLOURS: [&str; 10] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
    "#bcbd22", "#17becf",
];

/// A rectangle of the picture.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The whole dashboard.
pub(super) fn draw(dashboard: &Value, data: &Data) -> String {
    let panels = dashboard["panels"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let bottom = panels
        .iter()
        .map(area)
        .map(|area| area.top + area.height)
        .fold(0.0, f64::max);
    let (width, height) = (24.0 * COLUMN, bottom + GAP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#f4f5f5\"/>\n\
         <text x=\"12\" y=\"31\" font-size=\"20\" fill=\"#222\">{}</text>\n",
        escaped(dashboard["title"].as_str().unwrap_or_default())
    );
    for panel in panels {
        let id = panel["id"].as_u64().unwrap_or_default();
        let series = data.panels.get(&id).map_or(&[][..], Vec::as_slice);
        match panel["type"].as_str() {
            Some("row") => row(&mut svg, panel),
            Some("stat") => number(&mut svg, panel, series),
            _ => lines(&mut svg, panel, series, data),
        }
    }
    svg + "</svg>\n"
}

fn area(panel: &Value) -> Area {
    let at = |key: &str| panel["gridPos"][key].as_f64().unwrap_or_default();
    Area {
        left: at("x") * COLUMN + GAP,
        top: at("y") * ROW + TOP,
        width: at("w") * COLUMN - 2.0 * GAP,
        height: at("h") * ROW - GAP,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn text(svg: &mut String, (x, y): (f64, f64), size: u32, colour: &str, anchor: &str, words: &str) {
    let words = escaped(words);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{colour}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

fn row(svg: &mut String, panel: &Value) {
    let Area { left, top, .. } = area(panel);
    text(
        svg,
        (left + 4.0, top + 22.0),
        15,
        "#333",
        "start",
        panel["title"].as_str().unwrap_or_default(),
    );
}

fn boxed(svg: &mut String, panel: &Value) -> Area {
    let area = area(panel);
    let Area {
        left,
        top,
        width,
        height,
    } = area;
    let _ = writeln!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\" fill=\"#fff\" stroke=\"#ddd\"/>"
    );
    text(
        svg,
        (left + 10.0, top + 19.0),
        13,
        "#222",
        "start",
        panel["title"].as_str().unwrap_or_default(),
    );
    area
}

fn unit(panel: &Value) -> &str {
    panel["fieldConfig"]["defaults"]["unit"]
        .as_str()
        .unwrap_or_default()
}

/// The limit of a panel, and whether values below it are bad.
fn limit(panel: &Value) -> Option<(f64, bool)> {
    let steps = &panel["fieldConfig"]["defaults"]["thresholds"]["steps"];
    Some((steps[1]["value"].as_f64()?, steps[0]["color"] == "red"))
}

fn number(svg: &mut String, panel: &Value, series: &[Series]) {
    let Area {
        left,
        top,
        width,
        height,
    } = boxed(svg, panel);
    let last = series
        .iter()
        .filter_map(|series| series.points.last())
        .map(|point| point.1)
        .next_back();
    let colour = match (limit(panel), last) {
        (Some((limit, low_is_bad)), Some(value)) if (value < limit) == low_is_bad => "#c4162a",
        _ => "#37872d",
    };
    let words = last.map_or_else(|| "no data".to_owned(), |value| said(value, unit(panel)));
    text(
        svg,
        (left + width / 2.0, top + height / 2.0 + 20.0),
        30,
        colour,
        "middle",
        &words,
    );
}

/// The coordinates of a time and a value in a plot.
struct Plot {
    area: Area,
    times: (f64, f64),
    values: (f64, f64),
}

impl Plot {
    fn x(&self, time: f64) -> f64 {
        let (from, to) = self.times;
        self.area.left + (time.max(from) - from) / (to - from) * self.area.width
    }

    fn y(&self, value: f64) -> f64 {
        let (lowest, highest) = self.values;
        self.area.top + (highest - value) / (highest - lowest) * self.area.height
    }
}

fn lines(svg: &mut String, panel: &Value, series: &[Series], data: &Data) {
    let outer = boxed(svg, panel);
    let stacking = panel.pointer("/fieldConfig/defaults/custom/stacking/mode");
    let is_stacked = stacking.is_some_and(|mode| mode == "normal");
    let shown = if is_stacked {
        stack(series)
    } else {
        series.iter().map(|line| line.points.clone()).collect()
    };
    let values = || shown.iter().flatten().map(|point| point.1);
    let lowest = values().fold(0.0, f64::min);
    let plot = Plot {
        area: Area {
            left: outer.left + 62.0,
            top: outer.top + 32.0,
            width: outer.width - 76.0,
            height: outer.height - 86.0,
        },
        times: (data.from, data.to),
        values: (
            if lowest < 0.0 {
                -round_up(-lowest, unit(panel))
            } else {
                0.0
            },
            round_up(values().fold(0.0, f64::max), unit(panel)),
        ),
    };
    axes(svg, panel, &plot);
    marks(svg, panel, &plot, data);
    // The top of a stack first, so that lower ones are drawn over it.
    for (index, points) in shown.iter().enumerate().rev() {
        curve(
            svg,
            &plot,
            points,
            COLOURS[index % COLOURS.len()],
            is_stacked,
        );
    }
    legend(svg, series, outer);
}

/// Rollouts and alerts as vertical lines, the limit as a horizontal one.
fn marks(svg: &mut String, panel: &Value, plot: &Plot, data: &Data) {
    let Area {
        left,
        top,
        width,
        height,
    } = plot.area;
    for marker in &data.markers {
        let (x, colour) = (plot.x(marker.time), &marker.colour);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {top:.1}v{height:.1}\" stroke=\"{colour}\" stroke-dasharray=\"4 3\"/>"
        );
    }
    if let Some((limit, _)) =
        limit(panel).filter(|(limit, _)| (plot.values.0..=plot.values.1).contains(limit))
    {
        let y = plot.y(limit);
        let _ = writeln!(
            svg,
            "<path d=\"M{left:.1} {y:.1}h{width:.1}\" stroke=\"#c4162a\" stroke-dasharray=\"2 3\"/>"
        );
    }
}

fn curve(svg: &mut String, plot: &Plot, points: &[(f64, f64)], colour: &str, is_filled: bool) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let places: Vec<(f64, f64)> = points
        .iter()
        .map(|(time, value)| (plot.x(*time), plot.y(*value)))
        .collect();
    let path: Vec<String> = corners(&places)
        .iter()
        .map(|(x, y)| format!("{x:.0} {y:.1}"))
        .collect();
    let path = path.join("L");
    let (outline, fill) = if is_filled {
        let (floor, begin, end) = (plot.y(0.0), plot.x(first.0), plot.x(last.0));
        let closed = format!("M{begin:.0} {floor:.0}L{path}L{end:.0} {floor:.0}Z");
        (closed, format!("{colour}\" fill-opacity=\"0.9"))
    } else {
        (format!("M{path}"), "none".to_owned())
    };
    let _ = writeln!(
        svg,
        "<path d=\"{outline}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
    );
}

fn axes(svg: &mut String, panel: &Value, plot: &Plot) {
    let Area {
        left,
        top,
        width,
        height,
    } = plot.area;
    let (lowest, highest) = plot.values;
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = top + height * (1.0 - share);
        let _ = writeln!(
            svg,
            "<path d=\"M{left:.1} {y:.1}h{width:.1}\" stroke=\"#e8e8e8\"/>"
        );
        text(
            svg,
            (left - 5.0, y + 4.0),
            10,
            "#666",
            "end",
            &said(lowest + (highest - lowest) * share, unit(panel)),
        );
    }
    for minute in minutes(plot.times.1 - plot.times.0) {
        let x = plot.x(plot.times.0 + f64::from(minute) * 60.0);
        let words = if minute == 0 {
            "0 min".to_owned()
        } else {
            minute.to_string()
        };
        text(svg, (x, top + height + 14.0), 10, "#666", "middle", &words);
    }
}

fn legend(svg: &mut String, series: &[Series], area: Area) {
    let (mut x, mut y) = (area.left + 12.0, area.top + area.height - 24.0);
    let mut named: Vec<(usize, &Series)> = series
        .iter()
        .enumerate()
        .filter(|(_, series)| !series.legend.is_empty())
        .collect();
    // Series that are always zero come last in the legend.
    named.sort_by_key(|(_, series)| series.points.iter().all(|(_, value)| *value == 0.0));
    let all = named.len();
    for (shown, (index, line)) in named.into_iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a legend is short")]
        let width = 24.0 + 6.2 * line.legend.chars().count() as f64;
        if x + width > area.left + area.width - 40.0 && x > area.left + 12.0 {
            (x, y) = (area.left + 12.0, y + 14.0);
        }
        if y > area.top + area.height - 6.0 {
            text(
                svg,
                (area.left + area.width - 8.0, area.top + area.height - 8.0),
                10,
                "#666",
                "end",
                &format!("+{}", all - shown),
            );
            return;
        }
        let colour = COLOURS[index % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"9\" height=\"9\" fill=\"{colour}\"/>",
            y - 8.0
        );
        text(svg, (x + 13.0, y), 11, "#444", "start", &line.legend);
        x += width;
    }
}
