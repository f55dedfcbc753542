"""How a notice reaches a recipient: a webhook, mail, a command. Each has an end to its waiting."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING

from nap_compose.cluster.notify import Mail, Recipient, Webhook
from nap_compose.cluster.private_files import read_secret
from nap_compose.errors import NapError
from nap_compose.health.notices import Notice
from nap_compose.text import plain

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

PATIENCE = 10.0
"""Seconds that a server may take for each answer, and a command altogether."""


def send(recipient: Recipient, notice: Notice, cluster: str) -> None:
    """Tell them. Raises NapError with the reason where it didn't get there."""
    try:
        if recipient.webhook is not None:
            _post(recipient.webhook, _payload(notice, cluster))
        elif recipient.mail is not None:
            _mail(recipient.mail, notice, cluster)
        else:
            _run(recipient.command, _payload(notice, cluster))
    except NapError:
        raise
    except (OSError, ValueError) as error:
        raise NapError(_reason(error)) from None


def headline(notice: Notice, cluster: str) -> str:
    """The notice in one line."""
    name = f"[{cluster}] " if cluster else "[nap] "
    return plain(f"{name}{notice.kind} {notice.subject}: {notice.text}")


def _payload(notice: Notice, cluster: str) -> bytes:
    # `text` is what chat servers show; the rest is for programs.
    told = {**notice.as_json(), "cluster": cluster, "what": notice.text}
    lines = [headline(notice, cluster), *([plain(notice.remedy)] if notice.remedy else [])]
    return json.dumps({**told, "text": "\n".join(lines)}).encode()


def _post(webhook: Webhook, body: bytes) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    url = webhook.url or (read_secret(webhook.url_file, "the URL") if webhook.url_file else "")
    if not url.startswith(("https://", "http://")):
        raise NapError("the webhook's URL begins with neither https:// nor http://")
    headers = {"Content-Type": "application/json", "User-Agent": "nap"}
    if webhook.token_file:
        headers["Authorization"] = f"Bearer {read_secret(webhook.token_file, 'the token')}"
    request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - looked at above
    try:
        with urlopen(request, timeout=PATIENCE):  # noqa: S310
            return
    except HTTPError as error:
        error.close()
        raise NapError(f"the webhook answered {error.code} {error.reason}") from None


def _mail(mail: Mail, notice: Notice, cluster: str) -> None:
    import smtplib
    from email.message import EmailMessage
    from email.utils import formatdate

    to = [each.replace("{owner}", notice.owner) for each in mail.to]
    to = [each for each in to if not each.startswith("@")]  # nobody owns it
    if not to:
        return
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, ", ".join(to)
    message["Subject"] = headline(notice, cluster)
    message["Date"], message["Message-ID"] = formatdate(), f"<{notice.id}@nap.{cluster or 'local'}>"
    body = f"{notice.at}\n{plain(notice.text)}\n"
    message.set_content(
        body + (f"\nWhat to type: {plain(notice.remedy)}\n" if notice.remedy else "")
    )
    host, _, port = mail.smtp.rpartition(":")
    host = host.strip("[]")
    try:
        with (
            smtplib.SMTP_SSL(host, int(port), timeout=PATIENCE, context=_tls(mail.ca))
            if mail.tls == "tls"
            else smtplib.SMTP(host, int(port), timeout=PATIENCE)
        ) as server:
            if mail.tls == "starttls":
                server.starttls(context=_tls(mail.ca))
            if mail.user and mail.password_file:
                server.login(mail.user, read_secret(mail.password_file, "the mail's password"))
            server.send_message(message)
    except smtplib.SMTPException as error:
        raise NapError(f"{mail.smtp} takes no mail: {_reason(error)}") from None


def _tls(ca: Path | None) -> ssl.SSLContext:
    import ssl

    return ssl.create_default_context(cafile=str(ca) if ca else None)


def _run(command: tuple[str, ...], body: bytes) -> None:
    """Run it with JSON on its standard input; its process group goes when the time is up."""
    import os
    import signal

    with subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        late = threading.Timer(PATIENCE, lambda: os.killpg(process.pid, signal.SIGKILL))
        late.start()
        try:
            process.communicate(body)
        finally:
            late.cancel()
    if process.returncode == -signal.SIGKILL:
        raise NapError(f"{command[0]} was ended after {PATIENCE:g} s")
    if process.returncode:
        raise NapError(f"{command[0]} ended with code {process.returncode}")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return plain(str(reason)) or type(error).__name__
