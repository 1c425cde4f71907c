//! Latencies by percentile as SVG curves, one for each contestant; both axes are logarithmic.

use std::fmt::Write as _;

use bench_load::report::QUANTILES;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 70.0;
const COLOURS: [&str; 4] = ["#3b6fb6", "#e0902f", "#5a9e6f", "#9a5fb0"];
/// The decades of the axis, in µs: 0.1 ms to 10 s.
const DECADES: [f64; 2] = [2.0, 7.0];
const LATENCIES: [(&str, f64); 6] = [
    ("0.1 ms", 1e2),
    ("1 ms", 1e3),
    ("10 ms", 1e4),
    ("100 ms", 1e5),
    ("1 s", 1e6),
    ("10 s", 1e7),
];
/// Some of [`QUANTILES`], by their index.
const PERCENTILES: [(&str, usize); 5] = [
    ("50 %", 1),
    ("99.2 %", 7),
    ("99.9 %", 10),
    ("99.99 %", 13),
    ("99.9998 %", 19),
];

/// Draws latencies in µs at each of [`QUANTILES`]; `None` without a curve.
pub(super) fn draw(curves: &[(&str, &[f64])], title: &str) -> Option<String> {
    let first = curves.first()?;
    if first.1.is_empty() {
        return None;
    }
    let mut text = axes();
    for (number, (name, curve)) in curves.iter().enumerate() {
        text.push_str(&one(number, name, curve));
    }
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="{title}">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="28" font-size="17" font-weight="bold">{title}</text>
{text}</svg>
"##
    ))
}

fn float(index: usize) -> f64 {
    u32::try_from(index).map_or(0.0, f64::from)
}

/// Where the quantile of this index is.
fn x(index: usize) -> f64 {
    MARGIN + float(index) / float(QUANTILES.len() - 1) * (WIDTH - 2.0 * MARGIN)
}

fn y(us: f64) -> f64 {
    let [low, high] = DECADES;
    let part = (us.max(1.0).log10().clamp(low, high) - low) / (high - low);
    HEIGHT - MARGIN - part * (HEIGHT - 2.0 * MARGIN)
}

fn axes() -> String {
    let mut text = String::new();
    for (label, us) in LATENCIES {
        let _ = writeln!(
            text,
            r##"<line x1="{MARGIN}" x2="{:.0}" y1="{1:.1}" y2="{1:.1}" stroke="#dddddd"/><text x="{2:.0}" y="{3:.1}" text-anchor="end">{label}</text>"##,
            WIDTH - MARGIN,
            y(us),
            MARGIN - 8.0,
            y(us) + 5.0
        );
    }
    for (label, index) in PERCENTILES {
        let _ = writeln!(
            text,
            r#"<text x="{:.1}" y="{:.0}" text-anchor="middle">{label}</text>"#,
            x(index),
            HEIGHT - MARGIN + 22.0
        );
    }
    text
}

/// One curve and its legend.
fn one(number: usize, name: &str, curve: &[f64]) -> String {
    let colour = COLOURS[number % COLOURS.len()];
    let points: Vec<String> = curve
        .iter()
        .enumerate()
        .map(|(index, us)| format!("{:.1},{:.1}", x(index), y(*us)))
        .collect();
    let top = 42.0 + 18.0 * float(number);
    format!(
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" points=\"{}\"/>\n\
         <rect x=\"{MARGIN}\" y=\"{top}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
         <text x=\"{:.0}\" y=\"{:.0}\">{}</text>\n",
        points.join(" "),
        MARGIN + 18.0,
        top + 11.0,
        name.trim_matches(['*', '`'])
    )
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn a_slower_percentile_is_drawn_higher() {
        let picture = draw(&[("a", &[1000.0, 10_000.0])], "t").unwrap();
        let points = picture.split("points=\"").nth(1).unwrap();
        let ys: Vec<f64> = points
            .split('"')
            .next()
            .unwrap()
            .split(' ')
            .map(|point| point.split(',').nth(1).unwrap().parse().unwrap())
            .collect();
        assert!(ys[1] < ys[0], "{ys:?}");
        assert!(draw(&[], "t").is_none());
    }
}
