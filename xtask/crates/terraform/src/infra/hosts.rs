//! Whether the four hosts respond over HTTPS, as seen from here.

use std::time::{Duration, Instant};

use anyhow::Result;

use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// The last result of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It responded, with a valid certificate and without a server error.
    Serves(u16),
    /// It did not respond, and why.
    Away(String),
}

/// Polls until all respond or the time is over; calls `report` every round.
pub(crate) fn wait(
    hosts: &[(String, String)],
    limit: Duration,
    pause: Duration,
    ask: impl Fn(&str) -> Answer,
    mut report: impl FnMut(&[(String, Answer)]),
) -> Result<Vec<(String, Answer)>> {
    let begun = Instant::now();
    loop {
        let answers: Vec<_> = hosts
            .iter()
            .map(|(_, host)| (host.clone(), ask(host)))
            .collect();
        report(&answers);
        let away: Vec<_> = answers
            .iter()
            .filter_map(|(host, answer)| match answer {
                Answer::Serves(_) => None,
                Answer::Away(why) => Some(format!("{host}: {why}")),
            })
            .collect();
        if away.is_empty() {
            return Ok(answers);
        }
        if interrupt::requested() {
            return Err(Failure::new(
                Kind::Interrupted,
                "interrupted while waiting for the hosts",
                "",
                "run it again to continue from here",
            )
            .into());
        }
        if begun.elapsed() >= limit {
            return Err(Failure::new(
                Kind::Unreachable,
                format!("{} of {} hosts do not respond", away.len(), hosts.len()),
                away.join("\n"),
                "a certificate takes up to an hour after the name servers are set at the registrar; then run the same command again",
            )
            .into());
        }
        std::thread::sleep(pause);
    }
}

/// Requests `/` from one host over HTTPS, verified with the system's root certificates.
pub(crate) fn ask(host: &str) -> Answer {
    let agent = http_client::agent(Duration::from_secs(10));
    let url = format!("https://{host}/");
    match agent.get(&url).call() {
        Ok(response) => judged(response.status().as_u16()),
        Err(error) => Answer::Away(http_client::describe(&url, &error)),
    }
}

/// The load balancer itself responds 404 for a host without a route, and 5xx without a healthy pod.
fn judged(status: u16) -> Answer {
    match status {
        404 => Answer::Away(
            "responds 404: no route for this host is attached to the gateway yet".to_owned(),
        ),
        500.. => Answer::Away(format!("answers {status}")),
        _ => Answer::Serves(status),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, judged, wait};
    use std::cell::Cell;
    use std::time::Duration;
    use xtask::failure::exit_code;

    fn hosts() -> Vec<(String, String)> {
        vec![
            ("service".to_owned(), "service.example.com".to_owned()),
            ("concourse".to_owned(), "concourse.example.com".to_owned()),
        ]
    }

    #[test]
    fn it_waits_until_the_last_host_answers() {
        let asked = Cell::new(0);
        let ask = |_: &str| {
            asked.set(asked.get() + 1);
            if asked.get() > 3 {
                Answer::Serves(200)
            } else {
                Answer::Away("no certificate yet".to_owned())
            }
        };
        let answers = wait(
            &hosts(),
            Duration::from_secs(5),
            Duration::ZERO,
            ask,
            |_| {},
        )
        .expect("they answer");
        assert_eq!(asked.get(), 6, "two rounds fail, the third is whole");
        assert!(
            answers
                .iter()
                .all(|(_, answer)| *answer == Answer::Serves(200))
        );
    }

    #[test]
    fn a_login_serves_and_an_empty_gateway_does_not() {
        for status in [200, 302, 401, 403] {
            assert_eq!(judged(status), Answer::Serves(status));
        }
        for status in [404, 502, 503] {
            assert!(matches!(judged(status), Answer::Away(_)), "{status}");
        }
    }

    #[test]
    fn it_ends_with_the_name_of_who_is_away() {
        let ask = |host: &str| {
            if host.starts_with("service") {
                Answer::Serves(200)
            } else {
                Answer::Away("timed out".to_owned())
            }
        };
        let error =
            wait(&hosts(), Duration::ZERO, Duration::ZERO, ask, |_| {}).expect_err("one is away");
        assert_eq!(exit_code(&error), 4);
        assert!(
            error
                .downcast_ref::<xtask::failure::Failure>()
                .is_some_and(|failure| failure.why.contains("concourse.example.com: timed out"))
        );
    }
}
