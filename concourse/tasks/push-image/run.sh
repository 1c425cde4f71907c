#!/usr/bin/env bash
# Pushes the image that the step before built, and signs its digest.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step push-image cargo xtask image push --branch master
