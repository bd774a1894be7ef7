"""What an insurer's core system does, by the client that openapi-python-client makes of openapi/v1.json."""

import json
import os
import queue
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

from madoguchi_client import AuthenticatedClient, Client
from madoguchi_client.api.clients import create_token
from madoguchi_client.api.members import list_members
from madoguchi_client.api.notices import draft_notice, publish_notice
from madoguchi_client.api.roster_imports import get_roster_import, import_roster
from madoguchi_client.api.webhooks import create_webhook
from madoguchi_client.models import ImportRosterFormat, ImportRosterMode, NoticeDraft, TokenForm, WebhookWish
from madoguchi_client.types import File
from standardwebhooks.webhooks import Webhook

BASE = os.environ["BASE"]
messages = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        messages.put((body, dict(self.headers.items())))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def done(response, status=200):
    assert response.status_code == status, (response.status_code, response.content)
    return response.parsed


form = TokenForm(
    grant_type="client_credentials", client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"]
)
token = done(create_token.sync_detailed(client=Client(BASE), body=form)).access_token
client = AuthenticatedClient(BASE, token)

receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
wish = WebhookWish(url=f"http://127.0.0.1:{receiver.server_port}/", events=["import.finished", "notice.published"])
webhook = Webhook(done(create_webhook.sync_detailed(client=client, body=wish), 201).secret)

roster = File(BytesIO(os.environ["ROSTER"].encode()))
begun = done(
    import_roster.sync_detailed(
        client=client,
        body=roster,
        format_=ImportRosterFormat.CSV,
        mode=ImportRosterMode.DELTA,
        idempotency_key=str(uuid.uuid4()),
    ),
    202,
)
while (at := done(get_roster_import.sync_detailed(begun.id, client=client))).state != "finished":
    assert at.state in ("comparing", "running"), at
    time.sleep(0.2)

people, cursor = set(), None
while True:
    more = {"cursor": cursor} if cursor else {}
    page = done(list_members.sync_detailed(client=client, limit=5, **more))
    people.update(member.id for member in page.members)
    if not (cursor := page.next_):
        break

notice = NoticeDraft(title="連携のお知らせ", body="本文です。")
draft = done(draft_notice.sync_detailed(client=client, body=notice, idempotency_key=str(uuid.uuid4())), 201)
done(publish_notice.sync_detailed(draft.id, client=client, if_match="*"))

told = {}
while len(told) < 2:
    body, headers = messages.get(timeout=60)
    event = webhook.verify(body, headers)
    told[event["type"]] = event["data"]["subject"]["id"]
    try:
        webhook.verify(body + b" ", headers)
    except Exception:
        continue
    raise AssertionError("a body that was changed is taken")

print(json.dumps({"people": len(people), "notice": str(draft.id), "new": at.difference.new, "told": told}))
