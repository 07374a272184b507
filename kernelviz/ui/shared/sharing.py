"""What people who open the dashboard may do: only look, or train too; and which folders of this machine they may read.

Who listens at an address of this machine alone trains, and reads the home folder. On any other host, and for a browser
elsewhere whose requests a proxy passes on, both are off unless data roots are given. Read-only turns off training and
every change of the folders of runs and data; what lives in the session of a visitor, such as uploads, stays.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kernelviz.disk import data_folder, scratch
from kernelviz.errors import UserError

FOLDERS = re.compile(  # in a text, the folder of a file: quoted, or up to a space
    r"""(?<=['"])[/\\][^'"\n]*[/\\]|(?<![\w.:/…])(?:[A-Za-z]:)?[/\\](?=\S)(?:[^\s/\\'",;:]+[/\\])*"""
)
PASSED_ON = {"x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via"}  # headers that a proxy adds


@dataclass(frozen=True)
class _Settings:
    read_only: bool = False
    data_roots: tuple[Path, ...] = ()


_settings = _Settings()
_open = ExitStack()  # as long as this process lives


def set_up(read_only: bool = False, data_roots: Iterable[Path] = ()) -> None:
    """Set for this process what visitors may do; a UserError where a data root is no folder."""
    global _settings
    roots = [Path(root).expanduser() for root in data_roots]
    for root in roots:
        if not root.is_dir():
            raise UserError(f"--data-root {root} is no folder; give one that is there")
    _settings = _Settings(read_only, tuple(root.resolve() for root in roots))


def read_only() -> bool:
    """Whether nothing may be changed: no training, and no file written for others to see."""
    return _settings.read_only


def may_train() -> bool:
    """Whether the visitor who asks may train: never where read-only, and elsewhere only where data roots are given."""
    return not read_only() and (bool(_settings.data_roots) or _is_for_this_machine())


def data_roots() -> tuple[Path, ...]:
    """The folders, resolved, whose content may be listed and read as data to train on; none where one may not train."""
    if not may_train():
        return ()
    return _settings.data_roots or (Path.home().resolve(),)


def cache_folder() -> Path:
    """Where files that take long to make are kept: the data folder; where read-only, one that ends with the server."""
    return temporary() if read_only() else data_folder()


@cache
def temporary() -> Path:
    """A folder that ends with the server."""
    return _open.enter_context(scratch())


def is_here(headers: Mapping[str, str], client: str | None) -> bool:
    """Whether a browser on this machine asks, under a name of this machine, and no proxy passes its request on.

    Args:
        headers: of the request, their names in any case.
        client: the address that it came from.
    """
    passed_on = PASSED_ON & {name.lower() for name in headers}
    return not passed_on and is_loopback(client or "") and is_loopback(name_in(headers.get("host", "")))


def is_loopback(host: str) -> bool:
    """Whether a host name or an address is this machine's own, which no other machine can reach."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def name_in(host: str) -> str:
    """The name in a Host header, in lower case and without its port; empty where it is none."""
    found = parted(f"//{host}")
    plain = found and not (found.path or found.query or found.fragment or "@" in found.netloc)
    return (found.hostname or "").rstrip(".") if plain else ""


def parted(address: str) -> SplitResult | None:
    """The parts of an address; None where it is none."""
    try:
        found = urlsplit(address)
        found.port  # noqa: B018, raises where it is no port
    except ValueError:
        return None
    return found


def without_folders(text: str) -> str:
    """A text without the folders in which the files that it names lie."""
    return FOLDERS.sub("…/", text)


def for_the_visitor(text: str) -> str:
    """A text as the visitor of this session may read it: elsewhere, without the folders of this machine."""
    return text if _is_for_this_machine() else without_folders(text)


def _is_for_this_machine() -> bool:
    """Whether the server listens for this machine alone, and the session that asks, if one does, is on it."""
    asked = get_script_run_ctx(suppress_warning=True)
    headers = {name.lower(): value for name, value in st.context.headers.items()} if asked else {}
    return is_loopback(st.get_option("server.address") or "") and (not headers or is_here(headers, "localhost"))
