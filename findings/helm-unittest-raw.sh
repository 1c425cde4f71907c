#!/usr/bin/env bash
# helm-unittest's matchRegexRaw and notMatchRegexRaw look at a template's text. The chart below renders a ConfigMap with
# a value, and a NOTES.txt with the same one; each is asked whether the value is there, and whether it is not.
#
# Guess, as a test of this repository's own chart had it: the text is there in both, so that matchRegexRaw passes and
# notMatchRegexRaw fails.
# Seen: so it is for NOTES.txt. A YAML template has no raw text: matchRegexRaw never passes and notMatchRegexRaw cannot
# fail, without a word about it.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

GOBIN=$work GOFLAGS=-modcacherw go install github.com/helm-unittest/helm-unittest/cmd/helm-unittest@v1.1.2 2>/dev/null
mkdir -p chart/templates chart/tests
printf 'apiVersion: v2\nname: probe\nversion: 1.0.0\n' >chart/Chart.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {user: ada}\n' >chart/templates/a.yaml
printf 'The user is ada.\n' >chart/templates/NOTES.txt
for template in a.yaml NOTES.txt; do
    for assertion in matchRegexRaw notMatchRegexRaw; do
        printf 'suite: probe\ntemplates: [%s]\ntests:\n  - it: looks\n    asserts:\n      - %s: {pattern: ada}\n' \
            "$template" "$assertion" >chart/tests/probe_test.yaml
        outcome=fails
        ./helm-unittest chart >output 2>&1 && outcome=passes
        printf 'helm-unittest 1.1.2: %s of %s, which has the text, %s\n' "$assertion" "$template" "$outcome"
    done
done | tee seen

diff - seen <<'EXPECTED' && echo 'as recorded'
helm-unittest 1.1.2: matchRegexRaw of a.yaml, which has the text, fails
helm-unittest 1.1.2: notMatchRegexRaw of a.yaml, which has the text, passes
helm-unittest 1.1.2: matchRegexRaw of NOTES.txt, which has the text, passes
helm-unittest 1.1.2: notMatchRegexRaw of NOTES.txt, which has the text, fails
EXPECTED
