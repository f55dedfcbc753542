"""The directory's door: who somebody is, whether their password is right, which groups they are in.

Nobody else talks to LDAP. Each server is tried in turn, with an end to every wait: one that takes
the connection and then says nothing is passed over like one that is down. Passwords only travel
over TLS with the server's certificate checked, unless the cluster file allows otherwise.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from nap_compose.auth.people import Person, plain_dn
from nap_compose.cluster.cluster import Ldap
from nap_compose.cluster.private_files import read_secret
from nap_compose.errors import Away, BadFile, NotAllowed, Place

if TYPE_CHECKING:
    import ldap3

CONNECTING = 3
"""Seconds that a server may take to answer the connection."""
ANSWERING = 4
"""Seconds that it may take for each answer, the TLS handshake's included."""
DEEPEST = 10
"""How many groups may stand around each other."""
MOST_GROUPS = 1000
LONGEST = 256
"""The longest name and the longest password, in characters."""

T = TypeVar("T")


class WrongPassword(NotAllowed):
    """The name or the password is wrong; which of them isn't told."""


class DirectoryAway(Away):
    """No server of the directory answered."""


class Directory:
    """The directory that the cluster file names."""

    def __init__(self, ldap: Ldap) -> None:
        self._ldap = ldap

    def login(self, name: str, password: str) -> Person:
        """Who it is, once the password is known to be theirs.

        Raises WrongPassword, also for an empty password, which a server would take for nobody's
        and let in; DirectoryAway.
        """
        if not name or not password or max(len(name), len(password)) > LONGEST or "\0" in password:
            raise _wrong()
        wanted = _filled(self._ldap.user_filter, name=_escaped(name))
        return self._ask(lambda url: self._logged_in(url, wanted, password))

    def person(self, person_id: str) -> Person | None:
        """The person with this id as they are now; None where they are gone, or no longer
        somebody whom the user filter lets in. Raises DirectoryAway."""
        own = f"({self._ldap.id_attribute}={self._id_in_filter(person_id)})"
        allowed = _filled(self._ldap.user_filter, name="*")
        return self._ask(lambda url: self._found(url, f"(&{own}{allowed})"))

    def knock(self) -> None:
        """Raise DirectoryAway where no server lets nap's own account in."""

        def in_and_out(url: str) -> None:
            with self._as_service(url):
                pass

        self._ask(in_and_out)

    def _logged_in(self, url: str, wanted: str, password: str) -> Person:
        person = self._found(url, wanted)
        if person is None:
            raise _wrong()
        with self._bound(url, person.dn, password) as connection:
            if connection is None:
                raise _wrong()
        return person

    def _found(self, url: str, wanted: str) -> Person | None:
        """The one entry that the filter finds, with its groups; two at once are nobody."""
        with self._as_service(url) as connection:
            ldap = self._ldap
            entries = _search(
                connection, ldap.base, wanted, [ldap.name_attribute, ldap.id_attribute]
            )
            if len(entries) != 1:
                return None
            dn, attributes = entries[0]
            names, ids = attributes[ldap.name_attribute], attributes[ldap.id_attribute]
            if not names or not ids:
                raise BadFile(
                    f"the directory's entry {dn} has no {ldap.id_attribute} or no "
                    f"{ldap.name_attribute} that nap may read",
                    hint="look at ldap.id_attribute and ldap.name_attribute in the cluster file",
                )
            name = names[0].decode("utf-8", "replace")
            return Person(
                id=self._id_as_text(ids[0]),
                name=name,
                dn=dn,
                groups=self._groups(connection, dn, name),
            )

    def _groups(self, connection: ldap3.Connection, dn: str, name: str) -> tuple[str, ...]:
        """The groups somebody is in; with nested groups also those that these are in."""
        ldap = self._ldap
        base = ldap.group_base or ldap.base
        found: dict[str, str] = {}
        around = [(dn, name)]
        for _ in range(DEEPEST if ldap.nested_groups else 1):
            new: dict[str, str] = {}
            for inner_dn, inner_name in around:
                wanted = _filled(
                    ldap.group_filter,
                    dn=_escaped(inner_dn),
                    # A group has no name of a person: only its own place in other groups counts.
                    name=_escaped(inner_name or inner_dn),
                )
                new.update(
                    {plain_dn(each): each for each, _ in _search(connection, base, wanted, [])}
                )
            around = [(each, "") for key, each in new.items() if key not in found]
            found.update(new)
            if not around or len(found) > MOST_GROUPS:
                break
        return tuple(found.values())

    @contextmanager
    def _as_service(self, url: str) -> Iterator[ldap3.Connection]:
        """A connection with which nap searches. Raises BadFile where its own password is wrong."""
        ldap = self._ldap
        password = ""
        if ldap.bind_password_file is not None:
            password = read_secret(ldap.bind_password_file, "the directory's password for nap")
        with self._bound(url, ldap.bind_dn, password) as connection:
            if connection is None:
                raise BadFile(
                    f"{url} doesn't let nap search: it refuses {ldap.bind_dn or 'nobody'}",
                    place=Place(str(ldap.bind_password_file or "")) if password else None,
                    hint="look at ldap.bind_dn and ldap.bind_password_file in the cluster file",
                )
            yield connection

    @contextmanager
    def _bound(self, url: str, dn: str, password: str) -> Iterator[ldap3.Connection | None]:
        """A connection of that one, None where the server refuses them. Without a `dn` it is
        nobody's."""
        import ldap3
        from ldap3.core.results import RESULT_SUCCESS

        server = ldap3.Server(
            url,
            use_ssl=url.startswith("ldaps://"),
            tls=_checked_tls(self._ldap, url),
            connect_timeout=CONNECTING,
            get_info=ldap3.NONE,
        )
        connection = ldap3.Connection(
            server,
            user=dn or None,
            password=password or None,
            authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
            receive_timeout=ANSWERING,
            check_names=False,
            auto_referrals=False,
        )
        try:
            connection.open()
            if self._ldap.start_tls and not server.ssl and not connection.start_tls():
                raise ssl.SSLError("it doesn't turn TLS on")
            connection.bind()
            code = connection.result["result"]
            if code in _UNABLE:
                raise OSError(f"it can't answer now ({connection.result['description']})")
            yield connection if code == RESULT_SUCCESS else None
        finally:
            with contextlib.suppress(Exception):
                connection.unbind()

    def _ask(self, question: Callable[[str], T]) -> T:
        """The first answer that a server gives, tried in the cluster file's order."""
        from ldap3.core.exceptions import LDAPException

        silent: list[str] = []
        for url in self._ldap.urls:
            try:
                return question(url)
            except (LDAPException, OSError) as error:
                silent.append(f"{url}: {_short(error)}")
        raise DirectoryAway(
            f"the directory doesn't answer ({'; '.join(silent)})",
            hint="commands that only look go on for a while; see docs/people.md",
        )

    def _id_as_text(self, raw: bytes) -> str:
        if self._ldap.id_attribute.lower() == "objectguid" and len(raw) == 16:
            return str(uuid.UUID(bytes_le=raw))
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError:
            return raw.hex()

    def _id_in_filter(self, person_id: str) -> str:
        if self._ldap.id_attribute.lower() != "objectguid":
            return _escaped(person_id)
        try:
            return "".join(f"\\{byte:02x}" for byte in uuid.UUID(person_id).bytes_le)
        except ValueError:
            return _escaped(person_id)


_UNABLE = (51, 52, 53, 80, 1, 2, 3, 8, 13)
"""Results that say nothing of a password (RFC 4511): busy, unavailable, unwilling, other, errors
of operation, protocol or time, and "not without TLS"."""


def _search(
    connection: ldap3.Connection, base: str, wanted: str, attributes: Sequence[str]
) -> list[tuple[str, dict[str, list[bytes]]]]:
    """Entries as (dn, attribute → raw values); every attribute asked for is there, maybe empty."""
    import ldap3
    from ldap3.core.results import RESULT_NO_SUCH_OBJECT, RESULT_SIZE_LIMIT_EXCEEDED, RESULT_SUCCESS

    connection.search(
        base,
        wanted,
        search_scope=ldap3.SUBTREE,
        attributes=list(attributes) or ldap3.NO_ATTRIBUTES,
        size_limit=MOST_GROUPS,
        time_limit=ANSWERING,
    )
    if connection.result["result"] not in (
        RESULT_SUCCESS,
        RESULT_NO_SUCH_OBJECT,
        RESULT_SIZE_LIMIT_EXCEEDED,
    ):
        raise OSError(f"the search failed ({connection.result['description']})")
    found: list[tuple[str, dict[str, list[bytes]]]] = []
    for entry in connection.response or ():
        if entry.get("type") == "searchResEntry":  # a referral leads to a server nobody named
            raw: Any = {key.lower(): values for key, values in entry["raw_attributes"].items()}
            found.append((entry["dn"], {each: raw.get(each.lower()) or [] for each in attributes}))
    return found


def _checked_tls(ldap: Ldap, url: str) -> Any:
    """TLS that trusts the one CA (none given: the system's) and checks the server's name.

    ldap3's own way checks nothing unless it is told, and not every name on every Python.
    """
    import ldap3

    host = _host_of(url)

    class Tls(ldap3.Tls):
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            context = ssl.create_default_context(cafile=str(ldap.ca) if ldap.ca else None)
            connection.socket = context.wrap_socket(
                connection.socket, server_hostname=host, do_handshake_on_connect=do_handshake
            )

    return Tls(validate=ssl.CERT_REQUIRED)


def _host_of(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or ""


def _filled(template: str, **values: str) -> str:
    """The filter with its places filled at once: what one value says is no place of another."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)


def _escaped(text: str) -> str:
    """As a value in a filter (RFC 4515), so that nobody's name says more than a name."""
    from ldap3.utils.conv import escape_filter_chars

    return str(escape_filter_chars(text))


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."


def _wrong() -> WrongPassword:
    return WrongPassword(
        "the name or the password is wrong", hint="nap login asks for both once more"
    )
