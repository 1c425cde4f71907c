#!/usr/bin/env bash
# RFC 5424, section 6.3: a parameter's value escapes '"', '\' and ']' with a backslash, an element may have no
# parameters, and a parameter's name may occur twice. One message has all three.
#
# Guess before the first run: syslog-rfc5424-parser (PyPI), nsyslog-parser, glossy (npm) and go-syslog give
# the value with its escapes undone, both elements and the message "hello".
# Seen: only go-syslog does. syslog-rfc5424-parser leaves the backslashes in; nsyslog-parser gives no
# structured data at all and puts both elements into the message; glossy drops the element without parameters.
# All of them, go-syslog too, keep one of two parameters of the same name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >messages.json <<'JSON'
["<165>1 2026-01-02T03:04:05.678901+05:30 host.example app 42 access [a@32473 path=\"C:\\\\x \\]y\\\" z\"][b@32473] hello",
 "<165>1 2026-01-02T03:04:05Z host.example app 42 access [a@32473 ip=\"192.0.2.1\" ip=\"192.0.2.2\"] hello"]
JSON

python3 -m venv venv
./venv/bin/pip install --quiet syslog-rfc5424-parser==0.3.2
npm init --yes >/dev/null
npm install --silent nsyslog-parser@0.10.1 glossy@0.1.7 >/dev/null 2>&1
cat >parse.py <<'PYTHON'
import json
from syslog_rfc5424_parser import SyslogMessage

for text in json.load(open("messages.json")):
    message = SyslogMessage.parse(text).as_dict()
    print("syslog-rfc5424-parser 0.3.2", json.dumps([message["sd"], message["msg"]], separators=(",", ":")))
PYTHON
./venv/bin/python parse.py | tee seen
cat >parse.js <<'NODE'
const messages = JSON.parse(require("fs").readFileSync("messages.json"));
for (const text of messages) {
  const { structuredData, message } = require("nsyslog-parser")(text);
  console.log("nsyslog-parser 0.10.1", JSON.stringify([structuredData, message]));
}
for (const text of messages) {
  const { structuredData, message } = require("glossy").Parse.parse(text);
  console.log("glossy 0.1.7", JSON.stringify([structuredData, message]));
}
NODE
node parse.js | tee -a seen
mkdir go && cd go
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/leodido/go-syslog/v4/rfc5424"
)

func main() {
	text, _ := os.ReadFile("../messages.json")
	var messages []string
	_ = json.Unmarshal(text, &messages)
	for _, one := range messages {
		parsed, err := rfc5424.NewParser().Parse([]byte(one))
		if err != nil {
			fmt.Println("go-syslog v4.6.0", err)
			continue
		}
		message := parsed.(*rfc5424.SyslogMessage)
		line, _ := json.Marshal([]any{message.StructuredData, message.Message})
		fmt.Println("go-syslog v4.6.0", string(line))
	}
}
GO
{ go mod init probe && go get github.com/leodido/go-syslog/v4@v4.6.0; } >/dev/null 2>&1
go run . | tee -a ../seen
cd ..

diff - seen <<'EXPECTED' && echo 'as recorded'
syslog-rfc5424-parser 0.3.2 [{"a@32473":{"path":"C:\\\\x \\]y\\\" z"},"b@32473":{}},"hello"]
syslog-rfc5424-parser 0.3.2 [{"a@32473":{"ip":"192.0.2.2"}},"hello"]
nsyslog-parser 0.10.1 [[],"[a@32473 path=\"C:\\\\x \\]y\\\" z\"][b@32473] hello"]
nsyslog-parser 0.10.1 [[{"$id":"a@32473","ip":"192.0.2.2"}],"hello"]
glossy 0.1.7 [{"a@32473":{"path":"C:\\x ]y\" z"}},"hello"]
glossy 0.1.7 [{"a@32473":{"ip":"192.0.2.2"}},"hello"]
go-syslog v4.6.0 [{"a@32473":{"path":"C:\\x ]y\" z"},"b@32473":{}},"hello"]
go-syslog v4.6.0 [{"a@32473":{"ip":"192.0.2.2"}},"hello"]
EXPECTED
