"""A real SMTP server for the mail tests. It tells what it received, one JSON object a line, and misbehaves for certain
recipients, by the first word of their local part:

refused…  RCPT is answered with 550, for good      busy…  RCPT is answered with 451, for now
denied…   RCPT is answered with 554                drop…  the first time, the connection drops after DATA, unanswered
hang…     the first time, DATA is never answered

A sender refused… is answered with 550 5.1.8 to MAIL FROM, denied… with 550 5.7.1. With --tls it speaks STARTTLS and takes
no mail before it, or TLS from the start (smtps).

The first line it prints is {"listening": PORT}.
"""

import argparse
import asyncio
import json
import logging
import ssl
import warnings
from email import policy
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

ANSWERS = {
    "refused": "550 5.1.1 <{}>: no such user",
    "busy": "451 4.3.0 try again later",
    "denied": "554 5.7.1 <{}>: access denied",
}


SENDERS = {
    "refused": "550 5.1.8 <{}>: sender's domain does not exist",
    "denied": "550 5.7.1 <{}>: sender rejected by policy",
}


def say(line: dict) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


class Handler:
    """Takes every mail, but for the recipients named above."""

    def __init__(self) -> None:
        self.misbehaved: set[str] = set()

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list) -> str:
        for word, answer in SENDERS.items():
            if address.startswith(word):
                return answer.format(address)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list) -> str:
        for word, answer in ANSWERS.items():
            if address.startswith(word):
                return answer.format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        say(received(session, envelope) | {"encrypted": server.transport.get_extra_info("sslcontext") is not None})
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
    parser.add_argument("--tls", choices=["starttls", "smtps"])
    parser.add_argument("--certificate", help="a file of PEM")
    parser.add_argument("--key", help="a file of PEM")
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate, options.key)
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
            tls_context=tls if options.tls == "starttls" else None,
            require_starttls=options.tls == "starttls",
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", options.port, ssl=tls if options.tls == "smtps" else None
    )
    say({"listening": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
