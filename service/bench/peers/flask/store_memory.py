"""The users in memory: in a list, in the order of their creation, with a dictionary beside it to find one by id."""

import os
from datetime import UTC, datetime

users = []
by_id = {}
emails = set()


def now():
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def create(user_id, profile):
    if profile["email"].lower() in emails:
        return None
    time = now()
    user = {"id": str(user_id), **profile, "created_at": time, "updated_at": time}
    users.append(user)
    by_id[user["id"]] = user
    emails.add(profile["email"].lower())
    return user


def read(user_id):
    return by_id.get(str(user_id))


def list_users(limit):
    return users[:limit]


def replace(user_id, profile):
    user = by_id.get(str(user_id))
    if user is not None:
        emails.discard(user["email"].lower())
        emails.add(profile["email"].lower())
        user.update(profile, updated_at=now())
    return user


# The same users as the databases of the other contestants are seeded with.
for number in range(int(os.environ.get("USERS", "0"))):
    create(
        f"01936f5e-0000-7000-8100-{number:012d}",
        {
            "email": f"user{number}@example.com",
            "name": f"Ada Lovelace {number:08x}",
            "status": "active",
            "phone": "+442071234567",
            "title": "Analyst",
            "department": "Engines",
        },
    )
