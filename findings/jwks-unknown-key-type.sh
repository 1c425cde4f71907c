#!/usr/bin/env bash
# A JSON Web Key Set holds one EC key and one key of a newer type ("kty": "AKP", for ML-DSA). RFC 7517,
# section 5: implementations should ignore keys of a type that they do not understand.
#
# Guess before the first run: joserfc, Authlib, jwcrypto and go-jose load the set; the EC key is usable.
# Seen: joserfc leaves the new key out and jwcrypto keeps it; Authlib and go-jose refuse the whole set, which
# they load without that key. An issuer that publishes its first post-quantum key logs such clients' users out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >keys.json <<'JSON'
{"keys": [
  {"kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "use": "sig", "pub": "AAAA"},
  {"kty": "EC", "kid": "ec", "alg": "ES256", "use": "sig", "crv": "P-256",
   "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}
JSON

python3 -m venv venv
./venv/bin/pip install --quiet joserfc==1.8.0 authlib==1.9.10 jwcrypto==1.6.1
cat >load.py <<'PYTHON'
import json
import warnings

warnings.simplefilter("ignore")
text = open("keys.json").read()


def joserfc():
    from joserfc.jwk import KeySet
    return [key.kid for key in KeySet.import_key_set(json.loads(text)).keys]


def authlib():
    from authlib.jose import JsonWebKey
    return [key.kid for key in JsonWebKey.import_key_set(json.loads(text)).keys]


def jwcrypto():
    from jwcrypto.jwk import JWKSet
    return sorted(key.get("kid") for key in JWKSet.from_json(text)["keys"])


for name, load in [("joserfc 1.8.0", joserfc), ("Authlib 1.9.10", authlib), ("jwcrypto 1.6.1", jwcrypto)]:
    try:
        print(f"{name}: loads {load()}")
    except Exception as error:
        print(f"{name}: {type(error).__name__} {error}")
PYTHON
./venv/bin/python -W ignore load.py 2>/dev/null | tee seen

mkdir go && cd go
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
)

func main() {
	text, _ := os.ReadFile("../keys.json")
	var set, known jose.JSONWebKeySet
	var both struct{ Keys []json.RawMessage }
	_ = json.Unmarshal(text, &both)
	alone, _ := json.Marshal(map[string]any{"keys": both.Keys[1:]})
	fmt.Println("go-jose v4.1.9, EC key alone:", json.Unmarshal(alone, &known), len(known.Keys))
	if err := json.Unmarshal(text, &set); err != nil {
		fmt.Println("go-jose v4.1.9:", err)
		return
	}
	for _, key := range set.Keys {
		fmt.Println("go-jose v4.1.9: loads", key.KeyID)
	}
}
GO
{ go mod init probe && go get github.com/go-jose/go-jose/v4@v4.1.9; } >/dev/null 2>&1
go run . | tee -a ../seen
cd ..

diff - seen <<'EXPECTED' && echo 'as recorded'
joserfc 1.8.0: loads ['ec']
Authlib 1.9.10: KeyError 'AKP'
jwcrypto 1.6.1: loads ['ec', 'new']
go-jose v4.1.9, EC key alone: <nil> 1
go-jose v4.1.9: go-jose/go-jose: unsupported key type, format, curve, or RSA modulus size
EXPECTED
