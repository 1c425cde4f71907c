"""Flask under gunicorn, as its documentation shows it. STORE=postgres or STORE=memory names where the users are."""

import os

from flask import Flask, jsonify, request
from uuid6 import uuid7

if os.environ.get("STORE", "postgres") == "memory":
    import store_memory as store
else:
    import store_postgres as store

app = Flask(__name__)
app.json.sort_keys = False
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

OPTIONAL = ("phone", "title", "department")


def read_profile():
    body = request.get_json()
    if "@" not in body.get("email", "") or not body.get("name", "").strip():
        return None
    profile = {"email": body["email"], "name": body["name"], "status": body.get("status", "active")}
    return profile | {field: body.get(field) for field in OPTIONAL}


@app.get("/v1/users/<uuid:user_id>")
def read(user_id):
    user = store.read(user_id)
    return (jsonify(user), 200) if user else ("", 404)


@app.get("/v1/users")
def list_users():
    limit = min(max(request.args.get("limit", 50, type=int), 1), 200)
    return jsonify({"items": store.list_users(limit)})


@app.post("/v1/users")
def create():
    profile = read_profile()
    if profile is None:
        return "", 422
    user = store.create(uuid7(), profile)
    return (jsonify(user), 201) if user else ("", 409)


@app.put("/v1/users/<uuid:user_id>")
def replace(user_id):
    profile = read_profile()
    if profile is None:
        return "", 422
    user = store.replace(user_id, profile)
    return (jsonify(user), 200) if user else ("", 404)
