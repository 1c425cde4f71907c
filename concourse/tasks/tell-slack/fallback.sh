#!/usr/bin/env bash
# fallback.sh: reports a failure to Slack with nothing but curl, where the notifier cannot run: the toolchain image has none and
# the commit breaks what it is built from, or the image's does not know a parameter of this commit. It does not know the
# earlier builds, so it repeats itself with each build that fails; a success it leaves to the notifier.
set -euo pipefail
if [ "$STATE" = succeeded ]; then exit 0; fi

job="$CONCOURSE_URL/teams/$CONCOURSE_TEAM/pipelines/$FLOW/jobs/$JOB"
text="*$FLOW/$JOB $STATE* (<$job|builds>). The notifier could not run: no details, and one message for each build."
if [ -z "$SLACK_WEBHOOK_URL" ]; then
  echo "not sent, since SLACK_WEBHOOK_URL is not set: $text"
  exit 0
fi
# The webhook's URL is a secret: curl reads it from a file descriptor, not from its arguments.
curl --silent --show-error --fail --max-time 20 --retry 3 \
  --header 'Content-Type: application/json' --data "{\"text\": \"$text\"}" \
  --config <(printf 'url = "%s"\n' "$SLACK_WEBHOOK_URL")
