"""The page and what its script asks for, as a Starlette app. Every answer is free of keys."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from segcli.core.redaction import Redactor
from segcli.core.visible_text import visible
from segcli.errors import SegcliError, UsageError
from segcli.ui.access import MAX_POST_BYTES, TooLarge
from segcli.ui.pages import page, static_file
from segcli.ui.sandbox_panel import FAULT_KINDS
from segcli.ui.search import EventQuery
from segcli.ui.workbench import Workbench

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SCRIPTS = ("app.js", "dom.js", "editor.js", "mapping.js", "run.js", "sandbox.js")
_STATIC = frozenset({"base.css", "app.css", *_SCRIPTS})
# Seconds between two looks at what has changed, and between two signs of life.
_LOOK, _SIGN = 0.2, 10.0

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Visitors:
    """The pages that are open.

    open: how many are open now.
    last: when one was opened or closed last, in seconds of a monotonic clock.
    """

    open: int = 0
    last: float = 0.0

    def came(self) -> None:
        """Count a page that is opened."""
        self.open += 1
        self.last = time.monotonic()

    def left(self) -> None:
        """Count a page that is closed."""
        self.open -= 1
        self.last = time.monotonic()


def page_app(bench: Workbench, visitors: Visitors) -> Starlette:
    """Return the app that shows a workbench."""
    redactor = bench.setup.redactor

    async def index(_: Request) -> Response:
        return Response(page("app.html", **FAULT_KINDS), media_type="text/html")

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return Response("no such file", 404)
        return Response(static_file(name), media_type=_TYPES[name.rpartition(".")[2]])

    async def live(request: Request) -> Response:
        return StreamingResponse(_changes(request, bench, visitors), media_type="text/event-stream")

    answers = {**_reading(bench), **_writing(bench)}
    return Starlette(
        routes=[
            Route("/", index),
            Route("/static/{name}", static),
            Route("/api/live", live),
            *(
                Route(f"/api/{name}", _answering(make, redactor), methods=[method])
                for (method, name), make in answers.items()
            ),
        ]
    )


_Make = Callable[[dict[str, Any]], Any]


def _reading(bench: Workbench) -> dict[tuple[str, str], _Make]:
    """Return what a page may ask for, by method and name; the functions take its parameters."""
    log = bench.sandbox.log
    return {
        ("GET", "state"): lambda _: bench.state(),
        ("GET", "events"): lambda of: bench.page(_whole(of, "first"), _whole(of, "count", 100)),
        ("GET", "event"): lambda of: bench.event(_whole(of, "at")),
        ("GET", "command"): lambda _: bench.command(),
        ("GET", "text"): lambda _: {"text": bench.text()},
        ("GET", "review"): lambda _: bench.review(),
        ("GET", "arrivals"): lambda of: {
            "rows": log.since(_whole(of, "since"), 1000, _text(of, "user"))
        },
        ("GET", "arrival"): lambda of: log.details(_whole(of, "number")) or {"gone": True},
        ("GET", "run"): lambda _: {"html": bench.run.html()},
    }


def _writing(bench: Workbench) -> dict[tuple[str, str], _Make]:
    """Return what a page may change."""
    return {
        ("POST", "search"): lambda of: bench.search(
            EventQuery(_text(of, "text"), _text(of, "where"), _text(of, "state"))
        ),
        ("POST", "destination"): lambda of: bench.choose(_text(of, "dest")),
        ("POST", "edit"): lambda of: bench.edit(_text(of, "text")),
        ("POST", "save"): lambda _: bench.save(),
        ("POST", "reload"): lambda _: bench.reload(),
        ("POST", "review"): lambda of: bench.review_all(is_wanted=of.get("all") is True),
        ("POST", "reset"): lambda _: bench.sandbox.log.clear(),
        ("POST", "send"): lambda of: _send(bench, of),
        ("POST", "stop"): lambda _: bench.sandbox.stop(),
        ("POST", "report"): lambda of: _open_report(bench, of),
    }


def _answering(make: _Make, redactor: Redactor) -> Answer:
    """Return an endpoint: it answers with JSON, or says what is wrong with the request."""

    async def answer(request: Request) -> Response:
        try:
            of = await _parameters(request)
            value = await run_in_threadpool(make, of)
        except SegcliError as error:
            problem = ". ".join(filter(None, (error.message, error.hint)))
            return _json({"problem": visible(problem)}, redactor, status=400)
        except TooLarge:
            return _json({"problem": f"more than {MAX_POST_BYTES:,} bytes"}, redactor, status=413)
        except (OSError, ValueError) as error:
            return _json({"problem": visible(str(error))}, redactor, status=400)
        return _json(value if value is not None else {}, redactor)

    return answer


async def _parameters(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    body = await request.body()
    value = orjson.loads(body) if body else {}
    if not isinstance(value, dict):
        raise UsageError("the request must be an object")
    return value


def _json(value: Any, redactor: Redactor, status: int = 200) -> Response:
    body = redactor.redact_body(orjson.dumps(value))
    return Response(body, status, media_type="application/json")


async def _changes(request: Request, bench: Workbench, visitors: Visitors) -> AsyncIterator[bytes]:
    """Yield what has changed, as server-sent events, until the page is closed."""
    visitors.came()
    before, signed = None, time.monotonic()
    try:
        while not await request.is_disconnected():
            now = bench.versions()
            if now != before:
                before = now
                yield b"data: " + bench.setup.redactor.redact_body(orjson.dumps(now)) + b"\n\n"
            elif time.monotonic() - signed > _SIGN:
                signed = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(_LOOK)
    finally:
        visitors.left()


def _send(bench: Workbench, of: dict[str, Any]) -> None:
    faults = of.get("faults", [])
    if not isinstance(faults, list):
        raise UsageError("faults must be a list")
    options = {
        "faults": [str(fault) for fault in faults],
        "latency": max(0, min(_whole(of, "latency"), 60_000)) / 1000,
        "concurrency": max(1, min(_whole(of, "concurrency", 4), 64)),
    }
    at = _whole(of, "at") if of.get("at") is not None else None
    bench.send(at, _whole(of, "first", 1), options)


def _open_report(bench: Workbench, of: dict[str, Any]) -> None:
    report = of.get("report")
    if not isinstance(report, dict):
        raise UsageError("this is not a report of segcli: those are written with --report PATH")
    bench.run.open_report(report)


def _whole(of: dict[str, Any], name: str, default: int = 0) -> int:
    try:
        return max(0, int(of.get(name, default)))
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} must be a whole number") from None


def _text(of: dict[str, Any], name: str) -> str:
    value = of.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a text")
    return value
