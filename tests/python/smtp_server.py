"""A real SMTP server for the mail tests. It tells what it received, one JSON object a line, and misbehaves for certain
recipients, by the first word of their local part:

refused…  RCPT is answered with 550, for good      busy…  RCPT is answered with 451, for now
denied…   RCPT is answered with 554                drop…  the first time, the connection drops after DATA, unanswered
hang…     the first time, DATA is never answered

The first line it prints is {"listening": PORT}.
"""

import argparse
import asyncio
import json
import logging
import warnings
from email import policy
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

ANSWERS = {
    "refused": "550 5.1.1 <{}>: no such user",
    "busy": "451 4.3.0 try again later",
    "denied": "554 5.7.1 <{}>: access denied",
}


def say(line: dict) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


class Handler:
    """Takes every mail, but for the recipients named above."""

    def __init__(self) -> None:
        self.misbehaved: set[str] = set()

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list) -> str:
        for word, answer in ANSWERS.items():
            if address.startswith(word):
                return answer.format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        say(received(session, envelope))
        first = envelope.rcpt_tos[0]
        if first.startswith(("drop", "hang")) and first not in self.misbehaved:
            self.misbehaved.add(first)
            if first.startswith("hang"):
                await asyncio.sleep(3600)
            server.transport.abort()
        return "250 OK"


def received(session: Session, envelope: Envelope) -> dict:
    """The mail as a reader's program sees it; `defects` are what a strict parser finds wrong with it."""
    mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    return {
        "envelope_from": envelope.mail_from,
        "envelope_to": envelope.rcpt_tos,
        "login": session.authenticated,
        "headers": {name: str(value) for name, value in mail.items()},
        "content_type": mail.get_content_type(),
        "text": parts.get("text/plain", ""),
        "html": parts.get("text/html", ""),
        "defects": [type(d).__name__ for part in mail.walk() for d in part.defects],
        "ascii": envelope.content.isascii(),
    }


def authenticator(expected: str | None):
    def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        typed = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=typed == expected, handled=False)

    return check


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--login", help="USER:PASSWORD that every client must give")
    options = parser.parse_args()
    # It warns of log-ins without TLS and logs what it refuses; here both are meant.
    warnings.simplefilter("ignore")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    handler = Handler()

    def session() -> SMTP:
        return SMTP(
            handler,
            hostname="smtp.test",
            auth_required=options.login is not None,
            auth_require_tls=False,
            authenticator=authenticator(options.login),
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", options.port)
    say({"listening": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
