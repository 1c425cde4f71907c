//! Divides every duration in rules and Alertmanager's configuration, so that an hour's sequence takes minutes.
//! Expressions, thresholds, labels and templates are unchanged. Must not know how the result is used.

use crate::slo::Window;
use std::fmt::Write as _;

/// Keys of YAML whose values are durations.
const KEYS: [&str; 5] = [
    "for",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolve_timeout",
];

/// The text with its durations divided by `speed`.
pub(crate) fn faster(text: &str, speed: u32) -> String {
    if speed == 1 {
        return text.to_owned();
    }
    text.split_inclusive('\n')
        .map(|line| faster_line(line, speed))
        .collect()
}

fn faster_line(line: &str, speed: u32) -> String {
    if let Some((key, value)) = line.split_once(": ")
        && KEYS.contains(&key.trim())
    {
        return format!("{key}: {}\n", divided(value.trim(), speed));
    }
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((range, behind)) = after.split_once(']') else {
            break;
        };
        let range: Vec<String> = range.split(':').map(|part| divided(part, speed)).collect();
        let _ = write!(result, "{before}[{}]", range.join(":"));
        rest = behind;
    }
    result + rest
}

/// What is not a duration (a list, a character class) is unchanged.
fn divided(duration: &str, speed: u32) -> String {
    match Window::try_from(duration.to_owned()) {
        Ok(window) => format!("{}ms", window.seconds() * 1000 / u64::from(speed)),
        Err(_) => duration.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::faster;

    #[test]
    fn ranges_waits_and_intervals_are_divided_and_nothing_else_is() {
        let text = "        for: 5m\n  group_by: [alertname, slo]\n  x: sum_over_time((a:rate5m{r=~\"/u(/[{]id[}])?\"} > bool 0)[1d:5m]) / 288\n  group_wait: 30s\n  summary: 'in 5m'\n";
        let expected = "        for: 30000ms\n  group_by: [alertname, slo]\n  x: sum_over_time((a:rate5m{r=~\"/u(/[{]id[}])?\"} > bool 0)[8640000ms:30000ms]) / 288\n  group_wait: 3000ms\n  summary: 'in 5m'\n";
        assert_eq!(faster(text, 10), expected);
        assert_eq!(faster(text, 1), text);
    }
}
