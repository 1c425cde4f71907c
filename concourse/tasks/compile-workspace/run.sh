#!/usr/bin/env bash
# Every crate and test target compiles, from the committed lock file alone.
exec source/concourse/tasks/run-step compile-workspace cargo xtask compile
