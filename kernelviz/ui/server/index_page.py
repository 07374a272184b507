"""The page that a browser gets first: Streamlit's own, with our title and icon, and a map-shaped space while it loads.

Streamlit's index.html is read from the installed package and changed in memory. What is added to its head:

- the name of the page as the title, and what the dashboard is;
- the address of the server, which Streamlit otherwise looks for below every page (/probe/_stcore/health, a 404);
- the style of the frame, so that nothing moves when the page comes;
- the scripts of the canvas, which the browser fetches while the server makes the page;
- a way past the menu for those who use the keyboard;
- what is shown until the first element is there, and what is said when the server has stopped;
- on a phone, the end of the menu of pages when one is chosen.

Its content security policy lets nothing in from elsewhere, and runs no script but Streamlit's, ours and those written
here, which it knows by their hashes. The canvas is loaded by a script that Streamlit makes: a blob.
"""

import base64
import hashlib
import re
import secrets
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit.file_util import get_static_dir

from kernelviz.disk import own_file
from kernelviz.ui.canvas import SCRIPTS, STAMP
from kernelviz.ui.shared.browser_state import COOKIE
from kernelviz.ui.shared.page_frame import CSS, PAGES, title_of

USUAL_PORT = 8501
ABOUT = "Maps of images made by networks with a 2-D kernel layer: any position on a map decodes into an image."
MARKUP = Path(__file__).with_name("index_page.html")
PRELOADED = "".join(
    f'<link rel="modulepreload" fetchpriority="low" href="./kernelviz/canvas/{STAMP}/{name}">\n' for name in SCRIPTS
)


def index(request: Request) -> Response:
    """The index page of one of our pages."""
    page = request.url.path.rsplit("/", 1)[-1]
    port = request.url.port or USUAL_PORT
    command = "kernelviz app" + (f" --port {port}" if port != USUAL_PORT else "")
    changed = rewritten(_of_streamlit(), page, command)
    response = Response(changed, media_type="text/html", headers={"Cache-Control": "no-cache"})
    if COOKIE not in request.cookies:
        at, safe = request.scope.get("root_path") or "/", request.url.scheme == "https"
        response.set_cookie(COOKIE, secrets.token_urlsafe(16), path=at, secure=safe, httponly=True, samesite="strict")
    return response


@lru_cache(maxsize=32)
def policy(host: str) -> str:
    """The content security policy of the index page of a host; it is the same for all pages."""
    scripts = re.findall(r"<script>(.*?)</script>", rewritten(_of_streamlit(), "", ""), flags=re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    known = " ".join(f"'sha256-{one}'" for one in hashes)
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' blob: {known}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            f"connect-src 'self' blob: data: ws://{host} wss://{host}",  # some browsers do not count these as 'self'
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def rewritten(html: str, page: str, command: str) -> str:
    """Streamlit's index page for one of our pages, with the command that starts the server again."""
    head, body = _parts(MARKUP.read_text(encoding="utf-8"))
    html = re.sub(r"<title>.*?</title>", f"<title>{escape(title_of(page))}</title>", html, count=1, flags=re.DOTALL)
    for name, value in (
        ("ABOUT", ABOUT),
        ("PAGES", "|".join(filter(None, PAGES))),
        ("/* STYLE */", CSS.read_text(encoding="utf-8")),
    ):
        head = head.replace(name, value)
    html = html.replace("<script", f"{head}<script", 1).replace("</head>", f"{PRELOADED}</head>")
    return html.replace("<body>", f"<body>\n{body.replace('COMMAND', escape(command))}", 1)


def explore(request: Request) -> Response:
    """Explore is the page without a name; its name leads there."""
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


def icon(_: Request) -> Response:
    """The icon of the tab, by the name that the index page asks for."""
    return FileResponse(own_file("assets", "icon.png"), headers={"Cache-Control": "no-cache"})


def _parts(markup: str) -> tuple[str, str]:
    """What goes into the head and what goes into the body of the index page."""
    head, body = markup.split("<!-- body -->")
    return head.strip(), body.strip()


@lru_cache(maxsize=1)
def _of_streamlit() -> str:
    return (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")


ROUTES = [
    *(Route(f"/{page}", index) for page in PAGES),
    Route("/explore", explore),
    Route("/favicon.png", icon),
]
