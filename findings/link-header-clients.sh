#!/usr/bin/env bash
# A list's next page stands in a Link field (RFC 8288). Three valid spellings: a comma in the target, the
# parameter's name in capitals (names are case-insensitive), and two relation types in one rel.
#
# Guess before the first run: six parsers find the next page in all of them.
# Seen: only http-link-header does. The others miss one or two, and peterhellberg/link returns a target that was not
# sent (the comma is gone). A service whose cursors contain no comma, and that writes `rel="next"` in lower case
# and alone, is read by all of them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >links.json <<'JSON'
{"plain": "</u?c=1>; rel=\"next\"",
 "comma": "</u?c=a,b>; rel=\"next\"",
 "capitals": "</u?c=1>; REL=\"next\"",
 "two relations": "</u?c=1>; rel=\"last next\""}
JSON

python3 -m venv venv
./venv/bin/pip install --quiet LinkHeader==0.4.3
npm init --yes >/dev/null
npm install --silent parse-link-header@2.0.0 http-link-header@1.1.4 li@1.3.0 >/dev/null 2>&1
cat >next.py <<'PYTHON'
import json
import link_header

for name, field in json.load(open("links.json")).items():
    found = [link.href for link in link_header.parse(field).links_by_attr_pairs([("rel", "next")])]
    print(f"LinkHeader 0.4.3, {name}: {found[0] if found else 'none'}")
PYTHON
./venv/bin/python next.py | tee seen
cat >next.js <<'NODE'
const parsers = {
  "parse-link-header 2.0.0": (field) => require("parse-link-header")(field)?.next?.url,
  "http-link-header 1.1.4": (field) => require("http-link-header").parse(field).rel("next")[0]?.uri,
  "li 1.3.0": (field) => require("li").parse(field).next,
};
for (const [parser, next] of Object.entries(parsers)) {
  for (const [name, field] of Object.entries(JSON.parse(require("fs").readFileSync("links.json")))) {
    console.log(`${parser}, ${name}: ${next(field) ?? "none"}`);
  }
}
NODE
node next.js | tee -a seen
mkdir go && cd go
cat >main.go <<'GO'
package main

import (
	"fmt"

	peterhellberg "github.com/peterhellberg/link"
	tomnomnom "github.com/tomnomnom/linkheader"
)

func main() {
	links := [][2]string{
		{"plain", `</u?c=1>; rel="next"`}, {"comma", `</u?c=a,b>; rel="next"`}, {"capitals", `</u?c=1>; REL="next"`},
		{"two relations", `</u?c=1>; rel="last next"`},
	}
	for _, link := range links {
		found := "none"
		if next := peterhellberg.Parse(link[1])["next"]; next != nil {
			found = next.URI
		}
		fmt.Printf("peterhellberg/link v1.2.0, %s: %s\n", link[0], found)
	}
	for _, link := range links {
		found := "none"
		if next := tomnomnom.Parse(link[1]).FilterByRel("next"); len(next) > 0 {
			found = next[0].URL
		}
		fmt.Printf("tomnomnom/linkheader, %s: %s\n", link[0], found)
	}
}
GO
{ go mod init probe && go get github.com/peterhellberg/link@v1.2.0 github.com/tomnomnom/linkheader@v0.0.0-20250811210735-e5fe3b51442e; } >/dev/null 2>&1
go run . | tee -a ../seen
cd ..

diff - <(grep -v ': /u?c=1$' seen) <<'EXPECTED' && echo 'as recorded'
LinkHeader 0.4.3, comma: /u?c=a,b
LinkHeader 0.4.3, capitals: none
LinkHeader 0.4.3, two relations: none
parse-link-header 2.0.0, comma: /u?c=a,b
parse-link-header 2.0.0, capitals: none
http-link-header 1.1.4, comma: /u?c=a,b
li 1.3.0, comma: /u?c=a,b
li 1.3.0, capitals: none
peterhellberg/link v1.2.0, comma: /u?c=ab
peterhellberg/link v1.2.0, capitals: none
peterhellberg/link v1.2.0, two relations: none
tomnomnom/linkheader, comma: none
tomnomnom/linkheader, two relations: none
EXPECTED
