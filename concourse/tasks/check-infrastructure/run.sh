#!/usr/bin/env bash
# Module tests, controls, refused inputs, lint and policies: all that needs no account.
exec source/concourse/tasks/run-step check-infrastructure cargo xtask check terraform
