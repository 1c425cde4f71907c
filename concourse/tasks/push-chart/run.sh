#!/usr/bin/env bash
# Pushes the chart of this commit, which installs the image that the step before pushed, and signs it as that was signed.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step push-chart cargo xtask chart push
