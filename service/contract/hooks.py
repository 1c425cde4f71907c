"""What schemathesis cannot know from the document: names of attempts are used once, cursors are the service's to give."""

import uuid

import schemathesis

OF_THE_SERVICE = ("cursor", "after")
MAX_EMAIL_BYTES = 254


def is_meant_to_be_taken(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def lines_as_they_are(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    query = case.query or {}
    # A reader that waits half a minute in every case would prove nothing more.
    if str(query.get("wait", "")).isdigit() and 1 < int(query["wait"]) <= 30:
        query["wait"] = 1
    if not is_meant_to_be_taken(case):
        return
    # Two parameters of imports belong to one of the modes, which needs one of them.
    if query.get("mode") == "sync":
        query.setdefault("max_deletes", 0)
    else:
        query.pop("max_deletes", None)
        query.pop("absent", None)
    # A key that was used for another body is refused, as it has to be.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    for values in (query, case.body):
        if not isinstance(values, dict):
            continue
        # Anything that looks like a cursor fits the document; only what `next` said is one.
        for name in OF_THE_SERVICE:
            values.pop(name, None)
        # The limit is one of bytes, and JSON Schema counts characters.
        if len(str(values.get("email") or "").encode()) > MAX_EMAIL_BYTES:
            values["email"] = f"{uuid.uuid4()}@example.com"


@schemathesis.check
def a_merge_patch_that_fits_is_taken(ctx, response, case):
    if not is_meant_to_be_taken(case) or case.operation.method.upper() != "PATCH":
        return
    if "merge-patch" in str(case.media_type) and response.status_code in (400, 422):
        raise AssertionError(f"a merge patch that fits the document was refused: {response.text}")
