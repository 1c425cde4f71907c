#!/usr/bin/env bash
# Notifies Slack when a job changes its state; a message that cannot be sent never fails the build. The notifier is the
# program in the toolchain image, which no commit can break. Where there is none (a laptop, an older image) it is built from
# the commit; where that fails too, a message without details is sent.
notifier=${ROSTER_NOTIFIER:-/usr/local/lib/roster/notifier}
if [ -x "$notifier" ]; then
  if [ "$(cat "$notifier.sources")" != "$(source/concourse/tasks/tell-slack/notifier-sources)" ]; then
    export NOTIFY_NOTE="Sent by the notifier of the toolchain image, which is older than the one of this commit."
    echo "note: $NOTIFY_NOTE Raise concourse/images/toolchain/tag to renew it."
  fi
  if source/concourse/tasks/in-source "$notifier" notify --step-log "$PWD/step-log"; then exit 0; fi
elif source/concourse/tasks/in-source cargo xtask notify --step-log "$PWD/step-log"; then
  exit 0
fi
exec source/concourse/tasks/tell-slack/fallback.sh
