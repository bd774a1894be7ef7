"""Logs in for schemathesis: operations behind a token are reached as a member who accepted the terms.

Log-out gets a session of its own for every request, because it ends the one it is called with. The examples of the
document name a public insurer code; here they are about the insurer of the run, whose roster holds their person.
"""

import json
import os

import requests
import schemathesis

URL = os.environ["MADOGUCHI_API_URL"]
WHO = {
    "user_id": os.environ["MADOGUCHI_API_USER_ID"],
    "password": os.environ["MADOGUCHI_API_PASSWORD"],
}


class Member:
    """A bearer token, by the API's own log-in."""

    def get(self, case, context):
        answer = requests.post(f"{URL}/sessions", json=WHO, timeout=20)
        answer.raise_for_status()
        return answer.json()["token"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Moves the examples to the insurer of the run, and the one of log-in to its member."""
    moved = json.dumps(raw_schema).replace("32290413", os.environ["MADOGUCHI_API_INSURER"])
    raw_schema.clear()
    raw_schema.update(json.loads(moved))
    log_in = raw_schema["paths"]["/sessions"]["post"]
    log_in["requestBody"]["content"]["application/json"]["example"] = WHO


LOG_OUT = {"method": "DELETE", "path": "/sessions/current"}

schemathesis.auth(refresh_interval=None).apply_to(**LOG_OUT)(Member)
schemathesis.auth(refresh_interval=600).skip_for(**LOG_OUT)(Member)
