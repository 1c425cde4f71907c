//! Whether the four hosts answer over HTTPS, asked from here as a user would.

use std::time::{Duration, Instant};

use anyhow::Result;

use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// What one host said when it was asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answered, over a valid certificate, with a status that is no server's error.
    Serves(u16),
    /// It did not, and why.
    Away(String),
}

/// Asks until all answer, or until the time is over; `report` is told of every round.
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
                "run it again: it goes on from here",
            )
            .into());
        }
        if begun.elapsed() >= limit {
            return Err(Failure::new(
                Kind::Unreachable,
                format!("{} of {} hosts do not answer", away.len(), hosts.len()),
                away.join("\n"),
                "a certificate takes up to an hour after the name servers are entered at the registrar; then run the same command again",
            )
            .into());
        }
        std::thread::sleep(pause);
    }
}

/// Asks one host for `/` over HTTPS, its certificate verified by the system's authorities.
pub(crate) fn ask(host: &str) -> Answer {
    let agent = http_client::agent(Duration::from_secs(10));
    match agent.get(format!("https://{host}/")).call() {
        Ok(response) => judged(response.status().as_u16()),
        Err(error) => Answer::Away(error.to_string()),
    }
}

/// The load balancer itself answers 404 for a host that no route has joined for, and 5xx without a healthy pod.
fn judged(status: u16) -> Answer {
    match status {
        404 => {
            Answer::Away("answers 404: no route of this host has joined the gateway yet".to_owned())
        }
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
