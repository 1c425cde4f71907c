#!/usr/bin/env bash
# A merge patch (RFC 7396) whose array holds an object with a null member. The RFC removes members of objects that a patch
# merges; an array is not merged but replaced as a whole, so that what is in it stays as it was sent (section 1, and the
# function MergePatch in section 2).
#
# Guess before the first run: json-merge-patch of npm and of PyPI and github.com/evanphx/json-patch (Go) agree on it, as
# they do on nested nulls, on arrays in place of objects, and on patches that are not objects.
# Seen: the first two keep {"until": null}; the Go library removes the member inside the array and keeps a null that is an
# element itself.
# A value whose absence and null differ does not go into an array of a document that is patched that way.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOPATH=$work/go GOFLAGS=-modcacherw

document='{"roles":[{"name":"reader","until":"2027-01-01"}]}'
patch='{"roles":[null,{"name":"editor","until":null}]}'

npm init --yes >/dev/null
npm install --silent json-merge-patch@1.0.2 >/dev/null 2>&1
node -e 'const [document, patch] = process.argv.slice(1).map(JSON.parse);
console.log("json-merge-patch 1.0.2 (npm):", JSON.stringify(require("json-merge-patch").apply(document, patch)));' \
    "$document" "$patch" | tee seen

python3 -m venv venv
./venv/bin/pip install --quiet json-merge-patch==0.3.0
./venv/bin/python -c 'import json, sys, json_merge_patch
document, patch = map(json.loads, sys.argv[1:])
print("json-merge-patch 0.3.0 (PyPI):", json.dumps(json_merge_patch.merge(document, patch), separators=(",", ":")))' \
    "$document" "$patch" | tee -a seen

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

func main() {
	patched, err := jsonpatch.MergePatch([]byte(os.Args[1]), []byte(os.Args[2]))
	if err != nil {
		panic(err)
	}
	fmt.Printf("evanphx/json-patch 5.9.11 (Go): %s\n", patched)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/evanphx/json-patch/v5@v5.9.11 >/dev/null 2>&1
go run . "$document" "$patch" | tee -a seen

diff seen - <<'EXPECTED'
json-merge-patch 1.0.2 (npm): {"roles":[null,{"name":"editor","until":null}]}
json-merge-patch 0.3.0 (PyPI): {"roles":[null,{"name":"editor","until":null}]}
evanphx/json-patch 5.9.11 (Go): {"roles":[null,{"name":"editor"}]}
EXPECTED
