"""Logs in for schemathesis: operations behind a member's token are reached as a member who accepted the terms, those of
programs by clients with every scope, one after the other, for each may call so often a minute.

Log-out gets a session of its own for every request, because it ends the one it is called with. The examples of the
document name a public insurer code; here they are about the insurer of the run, whose roster holds their person.
"""

import itertools
import json
import os

import requests
import schemathesis

URL = os.environ["MADOGUCHI_API_URL"]
WHO = {
    "user_id": os.environ["MADOGUCHI_API_USER_ID"],
    "password": os.environ["MADOGUCHI_API_PASSWORD"],
}

CLIENTS = [client.split("=") for client in os.environ["MADOGUCHI_API_CLIENTS"].split()]


class Member:
    """A bearer token, by the API's own log-in."""

    def get(self, case, context):
        answer = requests.post(f"{URL}/sessions", json=WHO, timeout=20)
        answer.raise_for_status()
        return answer.json()["token"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


class Program:
    """A bearer token, by client credentials: the next client's with every call.

    Asked for before anything else: wrong secrets without end hold the network off that asks for tokens.
    """

    def __init__(self):
        self.tokens = itertools.cycle([self.token(*client) for client in CLIENTS])

    def get(self, case, context):
        return next(self.tokens)

    def token(self, client_id, secret):
        form = {"grant_type": "client_credentials"}
        answer = requests.post(f"{URL}/oauth/token", data=form, auth=(client_id, secret), timeout=20)
        answer.raise_for_status()
        return answer.json()["access_token"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


def is_of_programs(context):
    """True of an operation that a client's token opens, as the document says."""
    definition = context.operation.definition.raw
    return any("client" in way for way in definition.get("security", []))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Moves the examples to the insurer of the run, and the one of log-in to its member."""
    moved = json.dumps(raw_schema).replace("32290413", os.environ["MADOGUCHI_API_INSURER"])
    raw_schema.clear()
    raw_schema.update(json.loads(moved))
    log_in = raw_schema["paths"]["/sessions"]["post"]
    log_in["requestBody"]["content"]["application/json"]["example"] = WHO
    for path in ["/oauth/token", "/oauth/revoke"]:
        for content in raw_schema["paths"][path]["post"]["requestBody"]["content"].values():
            client_id, secret = CLIENTS[0]
            content["example"] |= {"client_id": client_id, "client_secret": secret}


LOG_OUT = {"method": "DELETE", "path": "/sessions/current"}
# A client says by its secret who it is.
OAUTH = {"path_regex": "^/oauth/"}

schemathesis.auth(refresh_interval=None).apply_to(**LOG_OUT)(Member)
schemathesis.auth(refresh_interval=600).skip_for(**LOG_OUT).skip_for(**OAUTH).skip_for(is_of_programs)(Member)
schemathesis.auth(refresh_interval=None).apply_to(is_of_programs)(Program)
