//! What a person sees after the pipelines are set: which jobs start at once, and where webhooks go.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::PipelinesSetArgs;
use crate::concourse::Pipeline;

/// The jobs that a new resource version starts, and that wait for no other job.
fn starting(pipeline: &Pipeline) -> Vec<&str> {
    let jobs = pipeline.jobs.iter().filter(|job| {
        let steps = job.all_steps();
        steps
            .iter()
            .any(|step| step.trigger == Some(true) && step.passed.is_none())
    });
    jobs.map(|job| job.name.as_str()).collect()
}

/// The jobs that follow this one by themselves, in the order of the file.
fn following<'a>(pipeline: &'a Pipeline, first: &'a str) -> Vec<&'a str> {
    let mut reached = vec![first];
    loop {
        let next = pipeline.jobs.iter().find(|job| {
            let follows = job.all_steps().iter().any(|step| {
                let passed = step.passed.iter().flatten();
                step.trigger == Some(true)
                    && passed
                        .into_iter()
                        .any(|job| reached.contains(&job.as_str()))
            });
            follows && !reached.contains(&job.name.as_str())
        });
        let Some(job) = next else { break };
        reached.push(&job.name);
    }
    reached.split_off(1)
}

/// The address that checks a resource at once, without its token.
fn webhook(variables: &BTreeMap<String, Value>, pipeline: &str, resource: &str) -> String {
    let text = |name: &str| variables.get(name).and_then(Value::as_str);
    format!(
        "{}/api/v1/teams/{}/pipelines/{pipeline}/resources/{resource}/check/webhook?webhook_token=TOKEN",
        text("concourse_url")
            .unwrap_or_default()
            .trim_end_matches('/'),
        text("concourse_team").unwrap_or("main"),
    )
}

/// The text for all pipelines.
pub(super) fn text(
    pipelines: &[(String, Pipeline)],
    variables: &BTreeMap<String, Value>,
    args: &PipelinesSetArgs,
) -> String {
    let mut text = if args.paused {
        format!(
            "nothing starts in a new pipeline before: fly --target {} unpause-pipeline --pipeline NAME; then at once:\n",
            args.target
        )
    } else {
        "these jobs start at once, and again whenever their resource changes:\n".to_owned()
    };
    for (name, pipeline) in pipelines {
        for job in starting(pipeline) {
            let then = following(pipeline, job).join(", ");
            let then = if then.is_empty() {
                then
            } else {
                format!(", then {then}")
            };
            let _ = writeln!(text, "  {name}/{job}{then}");
        }
    }
    text.push_str("webhooks, each with the value of webhook.token as TOKEN:\n");
    for (name, pipeline) in pipelines {
        let resources = pipeline.resources.iter();
        for resource in resources.filter(|resource| resource.webhook_token.is_some()) {
            let _ = writeln!(text, "  {}", webhook(variables, name, &resource.name));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::cli::PipelinesSetArgs;

    fn arguments(paused: bool) -> PipelinesSetArgs {
        PipelinesSetArgs {
            target: "roster".into(),
            yes: false,
            paused,
            dry_run: false,
        }
    }

    #[test]
    fn a_person_who_leaves_pipelines_paused_reads_how_to_start_them() {
        let text = text(&[], &super::BTreeMap::default(), &arguments(true));
        assert!(
            text.contains("fly --target roster unpause-pipeline --pipeline NAME"),
            "{text}"
        );
    }

    #[test]
    fn jobs_that_start_and_addresses_of_webhooks_are_those_of_the_files() {
        xtask::run_tool::enter_repository_root().expect("is there");
        let (pipelines, variables) = super::super::read().expect("are read");
        let text = text(&pipelines, &variables, &arguments(false));
        for line in [
            "  develop/verify, then analyse\n",
            "  develop/check-pull-request\n",
            "  master/verify, then analyse, image, deploy\n",
            "  infrastructure/check, then plan-dev, plan-production\n",
            "  set-pipelines/set-pipelines, then build-toolchain\n",
            "  https://concourse.roster.example/api/v1/teams/main/pipelines/develop/resources/source/check/webhook?webhook_token=TOKEN\n",
            "/pipelines/develop/resources/pull-request/check/webhook?",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(
            !text.contains("master/deploy") && !text.contains("apply-dev"),
            "{text}"
        );
    }
}
