"""HTTP: the page, WHEP and the API. Parses and answers; all else is the box's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from sse_starlette import EventSourceResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import touchline
from touchline.app import schema
from touchline.app.box import Box
from touchline.app.metrics import render
from touchline.deliver.factlog import LISTENERS, FactLog
from touchline.deliver.webrtc import FRAGMENT_TYPE, MAX_SDP, WhepRefused
from touchline.types import ALL_CAMERAS, InputError
from touchline.types.factjson import FactJson

WEB = Path(__file__).parent / "web"
MAX_BODY = 64 * 1024
BODY_S = 10.0
SSE_PING_S = 15
"""Seconds between comments that keep an event stream's connection open."""
MAX_FACTS = 1000
FACTS_A_PIECE = 32

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Asked for anew each time (and answered by 304), so that a page never mixes modules of two versions.
    "Cache-Control": "no-cache",
}


def make_app(box: Box) -> FastAPI:
    """The application that serves ``box``."""
    app = FastAPI(
        title="Touchline",
        version=touchline.__version__,
        description="Live cameras to tracked athletes in a browser.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
    )
    if not box.unguarded:
        # A page elsewhere whose name is re-pointed at loopback must not reach the box (DNS rebinding).
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])

    app.add_middleware(GuardHeaders)

    @app.exception_handler(WhepRefused)
    async def refused(_: Request, error: WhepRefused) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=error.status)

    @app.exception_handler(InputError)
    async def wrong_input(_: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(_: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(f"{wrong['loc'][-1]}: {wrong['msg']}" for wrong in error.errors()[:3])
        return JSONResponse({"detail": f"{said}; see /docs"}, status_code=422)

    def known(camera: str) -> str:
        if camera not in box.statuses:
            raise HTTPException(404, f"no camera {camera[:63]!r}; GET /api/v1/cameras lists them")
        return camera

    def known_or_all(camera: str | None) -> None:
        if camera not in (None, ALL_CAMERAS):
            known(camera)

    def found(session: bool) -> None:
        if not session:
            raise HTTPException(404, "no such session; it may have ended already")

    # The page

    @app.get("/", include_in_schema=False)
    async def console() -> FileResponse:
        return FileResponse(WEB / "index.html")

    @app.get("/watch/{camera}", include_in_schema=False)
    async def watch(camera: str) -> FileResponse:
        # The page itself says, in words, that there is no such camera.
        return FileResponse(WEB / "watch.html", 200 if camera in box.statuses else 404)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(WEB / "docs.html")

    # Swagger UI, as that package carries it: nothing is loaded from elsewhere.
    app.mount("/web/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
    app.mount("/web", StaticFiles(directory=WEB), name="web")

    # WHEP

    @app.post(
        "/whep/{camera}",
        status_code=201,
        tags=["video"],
        response_class=Response,
        openapi_extra=schema.body("application/sdp", f"The viewer's SDP offer, of at most {MAX_SDP // 1024} KiB."),
        responses={
            201: schema.text(
                "application/sdp",
                "The box's SDP answer.",
                headers={"Location": {"description": "The session's path", "schema": {"type": "string"}}},
            ),
            **schema.BAD_BODY,
            **schema.problems(
                _406="the offer asks for nothing that the box can send",
                _409="the camera's codec cannot be sent",
                _503="all viewers' places are taken",
            ),
        },
    )
    async def whep(camera: str, request: Request) -> Response:
        """Offer in, answer out (draft-ietf-wish-whep): the body is SDP, the session's URL is in Location."""
        known(camera)
        offer = await _body(request, "application/sdp")
        session, answer = await box.sessions.open(camera, offer)
        headers = {"Location": f"/whep/{camera}/{session}"}
        return Response(answer, 201, headers, media_type="application/sdp")

    @app.delete(
        "/whep/{camera}/{session}",
        status_code=200,
        tags=["video"],
        response_class=Response,
        responses=schema.problems(_404="no such camera or session"),
    )
    async def whep_end(camera: str, session: str) -> Response:
        """End a session."""
        known(camera)
        found(await box.sessions.close(session))
        return Response(status_code=200)

    @app.patch(
        "/whep/{camera}/{session}",
        status_code=204,
        tags=["video"],
        response_class=Response,
        openapi_extra=schema.body(FRAGMENT_TYPE, "An SDP fragment with a=candidate lines."),
        responses=schema.BAD_BODY
        | schema.problems(_404="no such camera or session", _422="ICE cannot be restarted"),
    )
    async def whep_trickle(camera: str, session: str, request: Request) -> Response:
        """Further ICE candidates of the viewer (RFC 8840)."""
        known(camera)
        found(await box.sessions.patch(session, await _body(request, FRAGMENT_TYPE)))
        return Response(status_code=204)

    @app.get("/api/v1/ice", tags=["video"], response_model_exclude_none=True)
    async def ice() -> schema.IceServers:
        """The ICE servers that a viewer's browser is to use."""
        return schema.IceServers.model_validate({"iceServers": box.sessions.ice.for_browser()})

    # The API

    @app.get("/api/v1/cameras", tags=["cameras"])
    async def cameras() -> schema.Cameras:
        """Every camera and its health."""
        return schema.Cameras(cameras=box.cameras(), unguarded=box.unguarded, media_time=box.media_time())

    @app.get(
        "/api/v1/facts",
        tags=["facts"],
        response_class=JSONResponse,
        responses={200: {"model": schema.Facts}}
        | schema.problems(_400="since is no cursor", _404=schema.NO_CAMERA, _422="limit is out of its range"),
    )
    async def facts(
        camera: str | None = None,
        since: Annotated[str | None, Query(description="a fact's id, or a media time in s")] = None,
        kind: Annotated[list[str] | None, Query(description="these kinds alone")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_FACTS)] = MAX_FACTS,
    ) -> Response:
        """The facts after ``since``, oldest first: ``{"facts": […]}``.

        To read all, ask again with the last one's id until fewer than ``limit`` come; to follow, go on asking. New
        facts only ever come at the end: none is missed that the box still holds (the last 20,000, or 64 MiB of
        them), and none comes twice. Where the id is no longer held, the answer begins with the oldest that is.
        """
        known_or_all(camera)
        return _facts_answer(box.facts.since(since, camera, kind or (), limit))

    @app.get(
        "/api/v1/facts/stream",
        tags=["facts"],
        response_class=Response,
        responses={200: schema.text("text/event-stream", "Events: the id and, as data, the JSON of one fact.")}
        | schema.problems(_400="the last event's id is no cursor", _404=schema.NO_CAMERA, _503="too many listen"),
    )
    async def facts_stream(
        camera: str | None = None,
        kind: Annotated[list[str] | None, Query()] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Facts as they become known (server-sent events; the event's id is the fact's).

        A browser that lost its connection names the last one it got, and is sent what it missed (the last 1,000).
        503 where too many listen already.
        """
        known_or_all(camera)
        return FactEvents(box.facts, camera, frozenset(kind or ()), last_event_id)

    @app.get("/api/v1/sensors", tags=["sensors"])
    async def sensors() -> schema.Sensors:
        """Every sensor node, and the links that nodes are heard by."""
        strangers = box.sensors.strangers
        return schema.Sensors(
            links=box.links, nodes=box.nodes(), unknown=strangers.count, unknown_last=strangers.last
        )

    @app.get(
        "/healthz",
        tags=["health"],
        responses={
            200: {"model": schema.Health},
            503: {"model": schema.Health, "description": "a camera is stale, failed, or started again and again"},
        },
    )
    async def healthz() -> JSONResponse:
        """200 while every camera is live or coming up for the first time, else 503."""
        states = {status.id: str(status.state) for status in box.cameras()}
        ill = box.ill()
        return JSONResponse({"ok": not ill, "cameras": states}, 503 if ill else 200)

    @app.get(
        "/metrics",
        tags=["health"],
        response_class=Response,
        responses={200: schema.text("text/plain", "In Prometheus' text format.")},
    )
    async def metrics() -> Response:
        """For Prometheus."""
        told = render(
            box.cameras(), box.nodes(), box.links, box.sensors.strangers.count, box.facts.lost_by_listeners
        )
        return Response(told, media_type=CONTENT_TYPE_LATEST)

    return app


class GuardHeaders:
    """Adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


async def _body(request: Request, content_type: str) -> str:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != content_type:
        raise HTTPException(415, f"Content-Type must be {content_type}, is {given or 'missing'}")
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BODY:
                    raise HTTPException(413, f"the body is larger than {MAX_BODY} bytes")
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {BODY_S:.0f} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None  # nobody is left to read it
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise HTTPException(400, "the body is not UTF-8") from None


def _facts_answer(facts: list[FactJson]) -> Response:
    """Joins what is serialised already, piece by piece: a slow reader holds the log's bytes, no copy of them."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"facts":['
        for at in range(0, len(facts), FACTS_A_PIECE):
            piece = b",".join(fact.data for fact in facts[at : at + FACTS_A_PIECE])
            yield b"," + piece if at else piece
        yield b"]}"

    size = len(b'{"facts":[]}') + sum(len(fact.data) for fact in facts) + max(0, len(facts) - 1)
    return StreamingResponse(pieces(), media_type="application/json", headers={"Content-Length": str(size)})


class FactEvents(Response):
    """An event stream that takes its place in the log when it begins, and leaves it whichever way it ends."""

    def __init__(self, log: FactLog, camera: str | None, kinds: frozenset[str], after: str | None) -> None:
        super().__init__()
        self._log = log
        self._camera = camera
        self._kinds = kinds
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._log.listening(self._after) as facts:
            if facts is None:
                detail = f"{LISTENERS} listen to facts already; try again later, or ask /api/v1/facts?since="
                await JSONResponse({"detail": detail}, 503)(scope, receive, send)
                return
            await EventSourceResponse(self._events(facts), ping=SSE_PING_S)(scope, receive, send)

    async def _events(self, facts: AsyncGenerator[FactJson]) -> AsyncGenerator[bytes]:
        async with aclosing(facts):
            async for fact in facts:
                if self._camera in (None, fact.camera) and (not self._kinds or fact.kind in self._kinds):
                    yield fact.event()
