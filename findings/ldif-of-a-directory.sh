#!/usr/bin/env bash
# LDIF (RFC 2849) as a directory server exports it: a comment that is folded over two lines, and an attribute with
# an empty value. Each stands in a file of its own, so that one refusal does not hide another.
#
# Guess before the first run: ldif (PyPI), ldif (npm) and go-ldap/ldif read both files.
# Seen: the npm package refuses both, go-ldap/ldif the empty value, which the grammar allows (FILL alone after the
# colon). A comment may be folded like any other line, and readers ignore it whole.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

printf '%s\n' 'version: 1' '# exported by a server with a name that is' '  longer than one line' \
    'dn: uid=ada,dc=example,dc=com' 'uid: ada' >folded-comment
printf '%s\n' 'version: 1' 'dn: uid=ada,dc=example,dc=com' 'uid: ada' 'title:' >empty-value

python3 -m venv venv
./venv/bin/pip install --quiet ldif==4.3.0
npm init --yes >/dev/null
npm install --silent ldif@0.5.1 >/dev/null 2>&1
cat >read.py <<'PYTHON'
import ldif

for name in ["folded-comment", "empty-value"]:
    try:
        entries = len(list(ldif.LDIFParser(open(name, "rb")).parse()))
        print("PyPI ldif 4.3.0:", name, entries)
    except Exception:
        print("PyPI ldif 4.3.0:", name, "refused")
PYTHON
./venv/bin/python read.py | tee seen
cat >read.js <<'NODE'
for (const name of ["folded-comment", "empty-value"]) {
  let entries = "refused";
  try {
    entries = require("ldif").parseFile(name).entries.length;
  } catch {}
  console.log("npm ldif 0.5.1:", name, entries);
}
NODE
node read.js | tee -a seen
mkdir go && cd go
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/go-ldap/ldif"
)

func main() {
	for _, name := range []string{"folded-comment", "empty-value"} {
		text, _ := os.ReadFile("../" + name)
		parsed, err := ldif.Parse(string(text))
		if err != nil {
			fmt.Println("go-ldap/ldif:", name, "refused")
			continue
		}
		fmt.Println("go-ldap/ldif:", name, len(parsed.AllEntries()))
	}
}
GO
{ go mod init probe && go get github.com/go-ldap/ldif@v0.0.0-20250910174327-aa3bc3095c92; } >/dev/null 2>&1
go run . | tee -a ../seen
cd ..

diff - seen <<'EXPECTED' && echo 'as recorded'
PyPI ldif 4.3.0: folded-comment 1
PyPI ldif 4.3.0: empty-value 1
npm ldif 0.5.1: folded-comment refused
npm ldif 0.5.1: empty-value refused
go-ldap/ldif: folded-comment 1
go-ldap/ldif: empty-value refused
EXPECTED
