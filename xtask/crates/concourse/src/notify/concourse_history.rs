//! A job's builds from Concourse's API.
//!
//! Roster's pipelines are exposed and their jobs public, so that no token is needed; one is used if set.

use std::time::Duration;

use serde::Deserialize;

use super::state::{Memory, State};
use xtask::secrets;

const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Number of builds to read: more than a job has in the days that a reminder needs.
const BUILDS: u32 = 100;

/// A job of a Concourse server.
pub(crate) struct ConcourseJob<'a> {
    /// The public URL.
    pub(crate) server: &'a str,
    /// The URL of its API: an internal address behind a proxy with a login.
    pub(crate) api: &'a str,
    pub(crate) team: &'a str,
    pub(crate) pipeline: &'a str,
    pub(crate) job: &'a str,
}

#[derive(Deserialize)]
struct Build {
    name: String,
    status: String,
    #[serde(default)]
    end_time: u64,
}

/// The history before the running build, and that build's page.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) memory: Memory,
    pub(crate) build_url: Option<String>,
}

impl ConcourseJob<'_> {
    /// The page of the job.
    pub(crate) fn url(&self) -> String {
        self.below(self.server)
    }

    fn below(&self, address: &str) -> String {
        let address = address.trim_end_matches('/');
        format!(
            "{address}/teams/{}/pipelines/{}/jobs/{}",
            self.team, self.pipeline, self.job
        )
    }

    /// Queries the server; the error is a sentence.
    pub(crate) fn history(&self) -> Result<History, String> {
        let api = format!("{}/api/v1", self.api.trim_end_matches('/'));
        let path = self.below(&api);
        let mut request =
            http_client::agent(CALL_TIMEOUT).get(format!("{path}/builds?limit={BUILDS}"));
        if let Some(token) = secrets::variable("CONCOURSE_TOKEN") {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request
            .call()
            .map_err(|error| format!("Concourse could not be queried: {error}"))?;
        if !response.status().is_success() {
            return Err(format!(
                "Concourse returned {} for the job's builds",
                response.status()
            ));
        }
        let builds: Vec<Build> = response
            .body_mut()
            .read_json()
            .map_err(|error| format!("Concourse's response could not be read: {error}"))?;
        Ok(self.read(&builds))
    }

    /// Replays the builds, oldest first; the newest running one is the current build.
    fn read(&self, builds: &[Build]) -> History {
        let mut history = History::default();
        for build in builds.iter().rev() {
            let state = match build.status.as_str() {
                "succeeded" => State::Succeeded,
                "failed" => State::Failed,
                "errored" => State::Errored,
                "aborted" => State::Aborted,
                "started" => {
                    history.build_url = Some(format!("{}/builds/{}", self.url(), build.name));
                    continue;
                }
                _ => continue,
            };
            history.memory.note(state, build.end_time);
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::{Build, ConcourseJob};
    use crate::notify::state::{News, State};

    const JOB: ConcourseJob<'_> = ConcourseJob {
        server: "https://concourse.test/",
        api: "http://concourse-web.test:8080",
        team: "main",
        pipeline: "develop",
        job: "test",
    };

    fn builds(text: &str) -> Vec<Build> {
        serde_json::from_str(text).expect("builds")
    }

    #[test]
    fn earlier_builds_decide_and_the_running_one_gives_the_link() {
        let newest_first = r#"[
            {"id": 9, "name": "4", "status": "started", "start_time": 400},
            {"id": 8, "name": "3", "status": "failed", "start_time": 290, "end_time": 300},
            {"id": 7, "name": "2", "status": "succeeded", "start_time": 190, "end_time": 200}]"#;
        let mut history = JOB.read(&builds(newest_first));
        assert_eq!(
            history.build_url.as_deref(),
            Some("https://concourse.test/teams/main/pipelines/develop/jobs/test/builds/4")
        );
        assert_eq!(history.memory.note(State::Failed, 400), None);
        assert_eq!(
            history.memory.note(State::Succeeded, 500),
            Some(News::Fixed)
        );
    }

    #[test]
    fn a_server_that_is_away_is_a_sentence_and_no_panic() {
        let job = ConcourseJob {
            api: "http://127.0.0.1:1",
            ..JOB
        };
        assert!(
            job.history()
                .expect_err("nobody listens")
                .starts_with("Concourse could not be queried")
        );
    }
}
