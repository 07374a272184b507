"""Who may ask the server: attacks by name, origin, token and path, and what one visitor may take."""

import asyncio
import re
import socket
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import net_util
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed

from kernelviz.disk import own_file
from kernelviz.errors import UserError
from kernelviz.ui.access import bounds, chosen_files
from kernelviz.ui.access import entrance as entrances
from kernelviz.ui.access.bounds import Bounds, ImpatientProtocol
from kernelviz.ui.access.chosen_files import ChosenFiles
from kernelviz.ui.access.entrance import entrance, said
from kernelviz.ui.access.guard import HEADERS, Guard
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared.sharing import without_folders

OWN = {"host": "localhost:8501"}
TOKEN = "a token of some length"


async def echo(websocket):
    """Open a session only as Streamlit does, which must never have to look for its own address."""
    assert _is_origin_allowed(websocket.headers.get("origin"), websocket.headers.get("host"))
    await websocket.accept()
    await websocket.send_text(websocket.headers["host"])
    await websocket.close()


def in_a_thread(coroutine):
    """What a coroutine gives; here itself a loop may run, that of the browser tests."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, coroutine).result()


def failing(_):
    return PlainTextResponse("/home/me/runs/tiny/run.json cannot be read", 500)


def told(request):
    return JSONResponse({"path": request.url.path, "base": str(request.base_url), "way": request.scope["root_path"]})


STUBS = [
    WebSocketRoute("/_stcore/stream", echo),
    Route("/_stcore/health", lambda _: PlainTextResponse("ok")),
    Route("/_stcore/metrics", lambda _: PlainTextResponse("secret")),
    Route("/failing", failing),
    Route("/told", told, methods=["GET", "POST"]),
    Route("/page", lambda _: HTMLResponse("<p>")),
]


def client_of(routes=(*STUBS, *ROUTES), host="127.0.0.1", client="127.0.0.1", **asked):
    middleware = [Middleware(Guard, entrance=entrance(host, 8501, **asked)), Middleware(Bounds)]
    app = Starlette(routes=routes, middleware=middleware)
    return TestClient(app, base_url="http://localhost:8501", client=(client, 5000), follow_redirects=False)


@pytest.fixture(autouse=True)
def never_asked(monkeypatch):
    """Streamlit never asks an outside address for its own."""

    def asked():
        raise AssertionError("an outside address is asked")

    monkeypatch.setattr(net_util, "get_external_ip", asked)
    monkeypatch.setattr(net_util, "get_internal_ip", asked)


async def together(coroutines):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in coroutines]
    return [task.result() for task in tasks]


def opens(client, **headers):
    """The Host by which the WebSocket of a page is opened; None where it is refused."""
    try:
        with client.websocket_connect("/_stcore/stream", headers=OWN | headers) as session:
            return session.receive_text()
    except WebSocketDisconnect:
        return None


OTHER_NAMES = ["evil.com", "evil.com:8501", "localhost.evil.com", "localhost@evil.com", "192.168.1.5", "", "a b", "["]


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_another_name_of_the_server_is_refused_on_every_route(name):
    client = client_of()
    for path in ("/", "/probe", "/told", "/_stcore/health", "/kernelviz/runs/tiny/1/large/test/counts", "/nothing"):
        assert client.get(path, headers={"host": name}).status_code == 421, path
    assert opens(client, host=name) is None
    assert client.get("/told", headers={"x-forwarded-host": name or "?"}).status_code == 421


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST:9", "127.0.0.1:8501", "127.8.8.8", "[::1]:8501", "localhost."]
)
def test_the_names_of_this_machine_are_answered(name):
    assert client_of().get("/told", headers={"host": name}).status_code == 200


OTHER_PAGES = [
    "https://evil.com",
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:8501.evil.com",
    "null",
]


@pytest.mark.parametrize(
    "origin", [*OTHER_PAGES, "null", "", "http://evil.com@localhost:8501x", "file://localhost:8501"]
)
def test_a_page_of_another_origin_opens_no_session_and_asks_for_nothing(origin):
    client = client_of()
    assert opens(client, origin=origin) is None
    for method in ("GET", "POST", "OPTIONS"):
        assert client.request(method, "/told", headers=OWN | {"origin": origin}).status_code == 403


def test_sessions_of_other_pages_are_refused_at_once_and_an_own_one_is_opened():
    client = client_of(allowed_hosts=["maps.example.org"], no_token=True)
    assert not any(opens(client, origin="https://evil.com") for _ in range(10))
    assert opens(client, origin="http://localhost:8501") == opens(client) == "localhost:8501"
    through_a_proxy = {"host": "127.0.0.1:8501", "x-forwarded-host": "maps.example.org"}
    assert opens(client, origin="https://maps.example.org", **through_a_proxy) == "maps.example.org"
    assert opens(client, origin="https://maps.example.org:444", **through_a_proxy) is None


@pytest.mark.parametrize(
    "site, mode, target, method, status",
    [
        ("same-origin", "cors", "empty", "POST", 200),
        ("none", "navigate", "document", "GET", 200),
        ("cross-site", "navigate", "document", "GET", 200),  # a link in a mail
        ("cross-site", "navigate", "document", "POST", 403),  # a form
        ("cross-site", "navigate", "iframe", "GET", 403),
        ("cross-site", "no-cors", "image", "GET", 403),  # a picture in a page elsewhere
        ("same-site", "no-cors", "script", "GET", 403),  # another server of this machine
    ],
)
def test_a_page_elsewhere_may_link_here_and_no_more(site, mode, target, method, status):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": target}
    assert client_of().request(method, "/told", headers=OWN | headers).status_code == status


def test_where_others_can_reach_it_the_token_is_wanted_on_every_route():
    client = client_of(host="0.0.0.0", token=TOKEN)
    for wrong in ({}, {"token": ""}, {"token": "another"}, {"token": "ä" * 30}):
        for path in (
            "/told",
            "/",
            "/kernelviz/canvas/x/main.mjs",
            "/kernelviz/runs/tiny/1/large/test/tiles/0/0/0",
            "/media/x",
        ):
            answer = client.get(path, params=wrong)
            assert answer.status_code == 401 and TOKEN not in answer.text, path
    assert client.post("/told", params={"token": TOKEN}, headers={"origin": "https://evil.com"}).status_code == 403
    assert opens(client) is None and client.get("/_stcore/health").status_code == 200
    page = client.get("/", headers={"accept": "text/html"})
    assert page.status_code == 401 and "<form>" in page.text and page.headers["cache-control"] == "no-store"


def test_the_token_in_the_first_address_becomes_a_cookie():
    client = client_of(host="0.0.0.0", token=TOKEN)
    answer = client.get("/told", params={"run": "a b", "token": TOKEN})
    assert answer.status_code == 303 and answer.headers["location"] == "/told?run=a+b"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and TOKEN not in cookie
    assert "Secure" not in cookie
    assert client.get("/told").status_code == 200
    assert opens(client, origin="http://localhost:8501", cookie=cookie.split(";")[0])
    assert client_of(host="0.0.0.0").get("/told", headers={"cookie": cookie}).status_code == 401  # a later token
    safe = client_of(host="0.0.0.0", token=TOKEN).get("https://localhost/told", params={"token": TOKEN})
    assert "Secure" in safe.headers["set-cookie"]


def test_the_token_leads_nowhere_else():
    answer = client_of(token=TOKEN).get("http://localhost:8501//evil.com/x", params={"token": TOKEN})
    assert answer.status_code == 303 and answer.headers["location"] == "/evil.com/x"


def test_a_path_with_a_number_too_long_to_be_read_is_refused():
    for path in ("/large/test/tiles/{}/0/0", "/thumbnail/test/{}", "/sheets/test/images/{}/0"):
        assert client_of().get("/kernelviz/runs/tiny/1" + path.format("9" * 5000)).status_code == 414


def test_the_cookie_of_a_browser_is_for_this_path_and_with_https_for_nothing_else():
    assert "Secure" not in client_of().get("/probe").headers["set-cookie"]
    cookie = client_of(base_path="/viz").get("https://localhost:8501/viz/probe").headers["set-cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/viz;" in cookie


def test_pages_elsewhere_may_not_command_ours_by_messages():
    st.get_option("client.allowedOrigins")  # raises where Streamlit has no such option
    assert tomllib.loads(own_file(".streamlit", "config.toml").read_text())["client"]["allowedOrigins"] == []


def test_metrics_are_closed():
    for path in ("/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/script-health-check"):
        assert client_of().get(path).status_code == 404


def test_every_answer_has_the_headers(add, autoencoder):
    add(autoencoder)
    client = client_of(host="0.0.0.0", no_token=True)
    for path in (
        "/",
        "/page",
        "/told",
        "/nothing",
        "/failing",
        "/favicon.png",
        "/_stcore/metrics",
        "/kernelviz/jobs/x/film",
    ):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in HEADERS if name != "Cache-Control"}.items() <= HEADERS.items()
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "public" not in headers["cache-control"]
    rules = client.get("/").headers["content-security-policy"]
    assert "ws://localhost:8501" in rules and "sha256-" in rules
    assert "unsafe-inline" not in re.search("script-src[^;]*", rules)[0] and not re.search(r"https?:", rules)


def test_errors_name_the_folders_of_this_machine_only_on_it(add, autoencoder):
    add(autoencoder)
    here, elsewhere = client_of(), client_of(host="0.0.0.0", no_token=True, client="10.1.1.1")
    assert here.get("/failing").text == "/home/me/runs/tiny/run.json cannot be read"
    answer = elsewhere.get("/failing")
    assert answer.text == "…/run.json cannot be read" and answer.headers["content-length"] == "27"
    for path in ("runs/nothing/1/points/test", "runs/%2e%2e/1/points/test", "library/map/nothing/1"):
        answer = elsewhere.get(f"/kernelviz/{path}")
        assert answer.status_code == 404 and "tiny" not in answer.text and "/" not in answer.text


@pytest.mark.parametrize(
    "text, left",
    [
        ("File '/home/my dir/a b/c.png' is gone", "File '…/c.png' is gone"),
        (r"C:\Users\me\x.png is gone", "…/x.png is gone"),
        ("1/2, and/or, https://example.org/a/b, a / b", "1/2, and/or, https://example.org/a/b, a / b"),
    ],
)
def test_what_is_a_folder_in_a_text(text, left):
    assert without_folders(text) == left


@pytest.mark.parametrize("path", ["/viz/told", "/told"], ids=["passed on whole", "taken off by the proxy"])
def test_below_a_path(path):
    client = client_of(base_path="/viz/", token=TOKEN)
    assert client.get("/viz", params={"a": "1"}).headers["location"] == "/viz/?a=1"
    answer = client.get(path, params={"token": TOKEN})
    assert answer.headers["location"] == "/viz/told" and "Path=/viz;" in answer.headers["set-cookie"]
    cookie = {"cookie": answer.headers["set-cookie"].split(";")[0]}
    assert client.get(path, headers=cookie).json() == {
        "path": "/viz/told",
        "base": "http://localhost:8501/viz/",
        "way": "/viz",
    }
    assert client.get("/viz/probe", headers=cookie).status_code == 200 and opens(client, **cookie)
    assert client.get("/viz/_stcore/metrics", headers=cookie).status_code == 404
    assert client.get("/vizier", headers=cookie).status_code == 404


def test_what_the_pages_ask_for_lies_below_the_page():
    from kernelviz.ui.canvas.mounting import SCRIPT

    assert SCRIPT.startswith("kernelviz/")  # others are looked at by the tests of the pages


def test_printed_addresses_can_be_used(monkeypatch):
    monkeypatch.setattr(entrances.socket, "gethostname", lambda: "bench")
    entrances._machine.cache_clear()
    everywhere = entrance("0.0.0.0", 8501, base_path="viz", allowed_hosts=["maps.example.org"])
    assert len(everywhere.token) >= 32 and everywhere.token not in repr(everywhere)
    addresses = everywhere.addresses("run=x")
    assert addresses[0] == f"http://localhost:8501/viz/?token={everywhere.token}&run=x"
    assert any(one.startswith("http://bench:8501/viz/") for one in addresses)
    assert addresses[-1].startswith("https://maps.example.org/viz/?token=") and "0.0.0.0" not in str(addresses)
    assert all(everywhere.is_ours(name) for name in ("bench", "bench.local", "192.168.1.5", "fe80::1"))
    assert not everywhere.is_ours("other")
    assert said(entrance("127.0.0.1", 8501)) == "The dashboard is at http://127.0.0.1:8501 until Ctrl-C."
    assert entrance("::1", 9).addresses() == ["http://[::1]:9"]
    assert "no token" in said(entrance("0.0.0.0", 8501, no_token=True))
    entrances._machine.cache_clear()


@pytest.mark.parametrize(
    "asked, why",
    [
        ({"token": "short"}, "at least 16"),
        ({"token": TOKEN, "no_token": True}, "does not go with"),
        ({"allowed_hosts": ["https://x"]}, "without protocol"),
        ({"base_path": "a/../b"}, "is no path"),
        ({"base_path": "/a?b"}, "is no path"),
    ],
)
def test_what_is_wrong_with_the_options_is_said(asked, why):
    with pytest.raises(UserError, match=why):
        entrance("127.0.0.1", 8501, **asked)


@pytest.mark.parametrize("options", [["--port", "99999"], ["--port", "-1"], ["--host", "no.such.host.invalid"]])
def test_a_port_or_host_that_cannot_be_is_one_line(kernelviz, options):
    code, _, err = kernelviz("app", *options)
    assert code == 2 and len(err.strip().splitlines()) == 1 and options[0] in err


@pytest.mark.parametrize("kind", ["charset=punycode", "charset*0=puny; charset*1=code", "charset=utf-8; charset=idna"])
def test_a_form_in_an_encoding_that_costs_the_square_of_its_length_is_not_read(kind):
    """A megabyte in punycode would hold up the whole server for a minute and more."""
    asked = {"Content-Type": f"multipart/form-data; boundary=x; {kind}"}
    assert client_of().post("/told", content=b"--x", headers=asked).status_code == 415


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x; charset=utf-8", 'application/json;charset="UTF-8"'])
def test_a_form_in_utf_8_is_read(kind):
    assert client_of().post("/told", content=b"--x", headers={"Content-Type": kind}).status_code == 200


def test_files_in_the_choosers_of_streamlit_have_a_bound(monkeypatch):
    """Streamlit holds them in memory; a session may put as many as it likes there."""
    monkeypatch.setattr(chosen_files, "OF_A_SESSION", 1000)
    monkeypatch.setattr(chosen_files, "OF_ALL", 1500)
    routes = [Route("/_stcore/upload_file/{session}/{file}", stored, methods=["PUT", "DELETE"])]
    asked = TestClient(Starlette(routes=routes, middleware=[Middleware(ChosenFiles)]))

    def put(where, size):
        return asked.put(f"/_stcore/upload_file/{where}", content=b"x" * size).status_code

    assert [put("a/1", 600), put("a/2", 600), put("a/1", 900), put("a/2", 100)] == [204, 413, 204, 204]
    assert [put("b/1", 600), put("b/full", 500), put("b/1", 500), put("c/1", 1)] == [413, 400, 204, 413]
    assert asked.delete("/_stcore/upload_file/a/1").status_code == 204 and put("c/1", 900) == 204
    assert asked.put("/_stcore/upload_file/d/1", content=iter([b"x"])).status_code == 411
    monkeypatch.setattr(chosen_files.runtime, "exists", lambda: True)
    monkeypatch.setattr(
        chosen_files.runtime, "get_instance", lambda: SimpleNamespace(is_active_session=lambda _: False)
    )
    assert put("d/1", 1000) == 204  # the others have ended


async def stored(request):
    await request.body()
    return PlainTextResponse(status_code=400 if request.path_params["file"] == "full" else 204)


def test_streamlit_tells_which_sessions_are_open():
    assert chosen_files.runtime.exists() in (True, False)
    assert callable(chosen_files.runtime.get_instance) and callable(chosen_files.runtime.Runtime.is_active_session)


def test_what_takes_long_leaves_the_others_a_thread():
    """A hundred answers that block do not hold up another one; those who have left get none."""
    free, done = threading.Event(), []

    def slow(request):
        free.wait(20)
        done.append(request.url.path)
        return PlainTextResponse("slow")

    app = Starlette(routes=[Route("/slow/{n}", in_turn(slow, asyncio.Semaphore(2))), Route("/", lambda _: told(_))])

    async def ask(path, left=False):
        statuses, came = [], iter([{"type": "http.request", "body": b""}])

        async def receive():
            if message := next(came, None):
                return message
            if not left:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message):
            statuses.append(message.get("status"))

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}
        await app(scope, receive, send)
        return statuses[0]

    async def all_at_once():
        asked = [asyncio.create_task(ask(f"/slow/{n}", left=n > 9)) for n in range(100)]
        await asyncio.sleep(0.1)
        quick = await asyncio.wait_for(ask("/"), 10)
        free.set()
        return quick, [await one for one in asked]

    quick, statuses = in_a_thread(all_at_once())
    assert quick == 200 and statuses == [200] * 10 + [499] * 90 and len(done) == 10


def test_a_visitor_has_some_requests_at_a_time_and_the_others_wait_or_are_refused(monkeypatch):
    monkeypatch.setattr(bounds, "WAITING", 3)
    running = most = 0

    async def slow(scope, receive, send):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        await PlainTextResponse("done")(scope, receive, send)

    async def ask(app, browser):
        statuses = []

        async def send(message):
            statuses.append(message.get("status"))

        headers = [(b"cookie", f"kernelviz_browser={browser}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": ("10.0.0.1", 1)}
        await app(scope, None, send)
        return statuses[0]

    async def all_at_once(browsers):
        app = Bounds(slow)
        statuses = await together(ask(app, browser) for browser in browsers)
        assert not app._visitors
        return statuses

    statuses = in_a_thread(all_at_once(["one"] * 20))
    assert most == bounds.AT_ONCE and statuses.count(200) == bounds.AT_ONCE + 3 and statuses.count(429) == 9
    assert in_a_thread(all_at_once(range(20))) == [200] * 20 and most == 20


def test_a_visitor_has_some_pages_at_a_time(monkeypatch):
    monkeypatch.setattr(bounds, "PAGES", 1)

    async def stays(websocket):
        await websocket.accept()
        await websocket.receive_text()

    client = TestClient(Starlette(routes=[WebSocketRoute("/", stays)], middleware=[Middleware(Bounds)]))
    with client.websocket_connect("/") as first:
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/"):
            pass
        assert refused.value.code == 1013
        first.send_text("bye")
    with client.websocket_connect("/") as second:
        second.send_text("bye")


async def _body(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("x" * (1 if scope["path"] == "/" else 30_000_000))(scope, receive, send)


def test_connections_that_get_nowhere_are_ended(monkeypatch):
    """Half-sent headers, half-sent bodies, an answer that nobody reads; what goes on is left alone."""
    monkeypatch.setattr(bounds, "PATIENCE", 0.3)
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"

    async def heard(port, sent):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b"ended"
        finally:
            writer.close()

    async def attacks():
        with socket.create_server(("127.0.0.1", 0)) as listening:
            settings = uvicorn.Config(Bounds(_body), http=ImpatientProtocol, log_level="critical", lifespan="off")
            server = uvicorn.Server(settings)
            running = asyncio.create_task(server.serve([listening]))
            port = listening.getsockname()[1]
            unread, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            half = [heard(port, b"GET / HTTP/1.1\r\nHost: loc") for _ in range(50)]
            bodies = [heard(port, post + b"x" * 500) for _ in range(20)]
            again = heard(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
            answers = await together([*half, *bodies, again])
            monkeypatch.setattr(bounds, "PATIENCE", 60)
            endless = await heard(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 10**6)
            assert endless == b"ended" or b" 400 " in endless
            monkeypatch.setattr(bounds, "is_loopback", lambda _: False)
            monkeypatch.setattr(bounds, "OF_AN_ADDRESS", 3)
            many = await together([heard(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(6)])
            assert sum(b" 200 " in one for one in many) == 3, many
            async with asyncio.timeout(20):
                while server.server_state.connections:
                    await asyncio.sleep(0.05)
            server.should_exit = True
            await running
            writer.close()
        return answers

    answers = in_a_thread(attacks())
    assert all(one in (b"", b"ended") for one in answers[:50])
    assert all(one == b"ended" or b" 408 " in one for one in answers[50:70]) and b" 200 " in answers[70]


def test_streamlit_run_finds_the_application_with_what_guards_it():
    assert "app = st.App(__file__, routes=ROUTES, middleware=middleware(" in own_file("app.py").read_text("utf-8")
