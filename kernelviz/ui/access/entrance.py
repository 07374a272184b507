"""By which names and paths the server is asked, and the token that it wants."""

import hashlib
import hmac
import re
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import TypedDict, Unpack
from urllib.parse import quote

from kernelviz.errors import UserError
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.sharing import name_in

SHORTEST_TOKEN = 16  # letters
TOKEN_VARIABLE = "KERNELVIZ_TOKEN"  # of the environment
BASE_PATH = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")
EVERYWHERE = ("0.0.0.0", "::", "")  # what listens at all addresses of the machine


@dataclass(frozen=True)
class Entrance:
    """Which names and paths the server answers at, and the token that it wants.

    Args:
        host: the address that it listens at.
        names: host names by which it can be reached besides, as through a proxy.
        token: None where none is wanted.
        base_path: below which all addresses are, as /maps; empty for none.
        port: tells apart the cookies of several servers of a machine.
    """

    host: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    token: str | None = field(default=None, repr=False)
    base_path: str = ""
    port: int = 0

    def is_ours(self, name: str) -> bool:
        """Whether a host name is one of this server. Where it listens at all addresses, each address is."""
        if self.host in EVERYWHERE and _is_address(name):
            return True
        names = self.names | {host.lower() for host in _machine(self.host)}
        return bool(name) and (sharing.is_loopback(name) or name in names)

    def addresses(self, query: str = "") -> list[str]:
        """Where the dashboard can be opened: at addresses that others can use, too, and behind a proxy."""
        asked = "&".join(filter(None, [self.token and f"token={quote(self.token)}", query]))
        hosts = [f"[{host}]" if ":" in host else host for host in _machine(self.host)]
        starts = [f"http://{host}:{self.port}" for host in hosts] + [f"https://{name}" for name in sorted(self.names)]
        end = f"{self.base_path}/?{asked}" if asked else self.base_path and f"{self.base_path}/"
        return [start + end for start in starts]

    @property
    def cookie(self) -> str:
        return f"kernelviz_token_{self.port}"

    @property
    def proof(self) -> str:
        """What the cookie says of a browser that knows the token."""
        return hmac.new((self.token or "").encode(), b"kernelviz", hashlib.sha256).hexdigest()


class Asked(TypedDict, total=False):
    """What a user says of who may ask: see the options of `kernelviz app`."""

    allowed_hosts: Sequence[str]
    token: str | None
    no_token: bool
    base_path: str


def entrance(host: str, port: int, **asked: Unpack[Asked]) -> Entrance:
    """The entrance of a server: with a token, unless `no_token` or only this machine can reach it.

    A UserError says what is wrong with a name, a token or a path.
    """
    names, token = {name_in(name) for name in asked.get("allowed_hosts", ())}, asked.get("token")
    base_path = asked.get("base_path", "").strip("/")
    if base_path and (not BASE_PATH.fullmatch(base_path) or ".." in base_path):
        raise UserError(f"--base-path {base_path} is no path; give one like /maps, of letters, digits and . _ ~ -")
    if token is not None and (len(token) < SHORTEST_TOKEN or asked.get("no_token")):
        raise UserError(f"--token takes at least {SHORTEST_TOKEN} letters, and does not go with --no-token")
    if "" in names:
        raise UserError("--allowed-host takes the name or address of a host, without protocol and path")
    if token is None and not asked.get("no_token") and (names or not sharing.is_loopback(host)):
        token = secrets.token_urlsafe(24)
    return Entrance(host, frozenset(names), token, base_path and f"/{base_path}", port)


def said(way_in: Entrance) -> str:
    """What is printed as the server starts: where the dashboard is, and who can use it."""
    first, *others = way_in.addresses()
    text = f"The dashboard is at {first} until Ctrl-C."
    if others:
        text += "\nFrom elsewhere it is at\n" + "".join(f"  {one}\n" for one in others)
    if way_in.token:
        return text.rstrip() + "\nWhoever has an address with its token can use it."
    if way_in.names or not sharing.is_loopback(way_in.host):
        return text.rstrip() + "\nIt needs no token: whoever can reach it can use it, unless a proxy asks who they are."
    return text


@lru_cache(maxsize=8)
def _machine(host: str) -> tuple[str, ...]:
    """The names by which a server that listens at a host can be asked, the first on this machine."""
    if host not in EVERYWHERE:
        return (host,)
    name, found = socket.gethostname(), ["localhost"]
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
        looking.connect(("192.0.2.1", 9))  # sends nothing, but chooses the address that others see
        found.append(looking.getsockname()[0])
    return (*found, name, *([] if "." in name else [f"{name}.local"]))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
