//! A job's builds from Concourse's API.
//!
//! Roster's pipelines are exposed and their jobs public, so that no token is needed; one is used if set.

use std::time::Duration;

use serde::Deserialize;

use super::state::{Memory, State};
use xtask::secrets;

const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Number of builds to read: more than a job has in the days that a reminder needs. A re-run of an older build is not among
/// them, since the list has it beside that build; the message then links to the job.
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

/// One build. Times are Unix seconds; Concourse omits those that have not come.
#[derive(Deserialize)]
struct Build {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    start_time: u64,
    #[serde(default)]
    end_time: u64,
}

impl Build {
    /// How it ended; `None` if it has not, or if it never started: then none of its hooks ran, and no message was sent.
    fn ended(&self) -> Option<State> {
        if self.start_time == 0 {
            return None;
        }
        match self.status.as_str() {
            "succeeded" => Some(State::Succeeded),
            "failed" => Some(State::Failed),
            "errored" => Some(State::Errored),
            "aborted" => Some(State::Aborted),
            _ => None,
        }
    }
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
        let url = format!("{path}/builds?limit={BUILDS}");
        let mut request = http_client::agent(CALL_TIMEOUT).get(&url);
        if let Some(token) = secrets::variable("CONCOURSE_TOKEN") {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request
            .call()
            .map_err(|error| http_client::describe(&url, &error))
            .map_err(|why| format!("Concourse could not be queried: {why}"))?;
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

    /// Replays the builds in the order in which they ended. The list's order is another: Concourse puts a re-run beside the
    /// build that it repeats. The build that started last and has not ended is the current one.
    fn read(&self, builds: &[Build]) -> History {
        let mut ended: Vec<_> = builds
            .iter()
            .filter_map(|build| Some((build.end_time, build.id, build.ended()?)))
            .collect();
        ended.sort_unstable_by_key(|(end_time, id, _)| (*end_time, *id));
        let mut memory = Memory::default();
        for (end_time, _, state) in ended {
            memory.note(state, end_time);
        }
        let running = builds.iter().filter(|build| build.status == "started");
        let current = running.max_by_key(|build| (build.start_time, build.id));
        History {
            memory,
            build_url: current.map(|build| format!("{}/builds/{}", self.url(), build.name)),
        }
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

    /// As Concourse 8 returns them: newest first, but a re-run stands beside the build that it repeats. Build 8 is pending,
    /// 4.2 is running, and 6 was aborted while it was pending.
    const BUILDS: &str = include_str!("concourse_history/builds.json");

    #[test]
    fn a_rerun_that_failed_after_a_newer_build_passed_is_the_last_state() {
        let mut history = JOB.read(&builds(BUILDS));
        assert_eq!(
            history.memory.note(State::Succeeded, 1_764_502_300),
            Some(News::Fixed)
        );
        let mut history = JOB.read(&builds(BUILDS));
        assert_eq!(history.memory.note(State::Failed, 1_764_502_300), None);
    }

    #[test]
    fn the_running_build_is_found_beside_the_one_that_it_repeats() {
        let history = JOB.read(&builds(BUILDS));
        let url = history.build_url.expect("one is running");
        assert!(url.ends_with("/jobs/test/builds/4.2"), "{url}");
    }

    #[test]
    fn a_build_aborted_while_pending_ran_no_hook_and_sent_no_message() {
        let mut history = JOB.read(&builds(BUILDS));
        assert_eq!(
            history.memory.note(State::Aborted, 1_764_502_900),
            Some(News::Aborted)
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
