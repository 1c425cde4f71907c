"""The story of every generated client (see ../../README.md), by the client that openapi-generator generates for Python."""

import json
import os

from openapi_client import ApiClient, Configuration, NewUser, UserPatch, UsersApi, UserStatus
from openapi_client.exceptions import ApiException, ConflictException, NotFoundException, UnprocessableEntityException

client = ApiClient(Configuration(host=os.environ["ROSTER_URL"], access_token=os.environ["ROSTER_TOKEN"]))
api = UsersApi(client)


def refused(call, kind, status, slug):
    try:
        call()
    except kind as error:
        problem = json.loads(error.body)
        assert error.status == status and problem["type"] == f"/problems/{slug}", problem
        return error, problem
    raise AssertionError(f"{slug} was expected")


ada = NewUser(email="ada@og.example", name="Ada Lovelace", phone="+442071234567", department="og-python")
created = api.create_user_with_http_info(new_user=ada, idempotency_key="og-python-1")
assert created.status_code == 201, created
user, tag = created.data, created.headers["etag"]
assert user.phone == "+442071234567" and user.title is None and user.status == UserStatus.ACTIVE, user

refused(lambda: api.create_user(new_user=ada), ConflictException, 409, "email-taken")
wrong = lambda: api.create_user(new_user=NewUser(email="ada", name="Ada"))
_, problem = refused(wrong, UnprocessableEntityException, 422, "validation-failed")
assert [fault["pointer"] for fault in problem["errors"]] == ["/email"], problem

read = api.read_user_with_http_info(id=str(user.id))
assert read.data == user and read.headers["etag"] == tag, read
known = api.read_user_without_preload_content(id=str(user.id), if_none_match=tag)
assert known.status == 304, refused_as_known

patch = UserPatch(title="Analyst", phone=None)
patched = api.patch_user_with_http_info(id=str(user.id), user_patch=patch, if_match=tag)
assert patched.data.title == "Analyst" and patched.data.phone is None, patched
assert patched.headers["etag"] != tag, patched
again = lambda: api.patch_user(id=str(user.id), user_patch=patch, if_match=tag)
refused(again, ApiException, 412, "precondition-failed")

page = api.list_users(department="og-python", limit=1)
assert page.items == [patched.data] and page.next is None, page
assert any(change.id == user.id for change in api.read_changes().items)

assert api.delete_user_with_http_info(id=str(user.id)).status_code == 204
error, problem = refused(lambda: api.read_user(id=str(user.id)), NotFoundException, 404, "user-not-found")
assert problem["request_id"] == error.headers["X-Request-Id"], problem
print("the story is complete")
