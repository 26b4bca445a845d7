"""The pure core: one HTTP request in, one HTTP response out, exactly as the Messages API would answer it."""

import json
from collections.abc import Callable
from hashlib import sha256

from labkit.offline import respond
from labkit.offline.billing.usage import headers
from labkit.offline.events import stream
from labkit.offline.faults import break_stream, strike
from labkit.offline.platform import threads
from labkit.offline.platform.compaction import check_blocks
from labkit.offline.rules import parameters as rules
from labkit.offline.rules.betas import check_betas
from labkit.offline.rules.beyond import PATHS, feature_is_simulated, words
from labkit.offline.rules.body import body_is_json, body_is_not_too_large
from labkit.offline.rules.fields import check
from labkit.offline.rules.output import check_output
from labkit.offline.rules.thinking import check_thinking_messages, check_thinking_parameters
from labkit.offline.rules.tools import check_pairs
from labkit.offline.rules.turns import check_turns
from labkit.offline.service import Call, Service
from labkit.offline.wire import ApiError, HttpRequest, HttpResponse, Json, dumps

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def handle(request: HttpRequest, service: Service) -> HttpResponse:
    """Answer one request: every error is the body that the API would send.

    The same request to a service in the same state gives the same bytes, ids included. Raises only Broken,
    when a queued fault breaks the connection.
    """
    request_id = identifier("req_", request.method.encode(), request.path.encode(), request.body)
    fault = service.faults.next()
    try:
        if fault:
            strike(fault, _named_model(request))
        response = _route(request)(request, service)
        if fault:
            response = break_stream(response, fault)
    except ApiError as error:
        response = HttpResponse(error.status, error.headers, dumps(error.body(request_id)))
    kind = "application/json" if isinstance(response.body, bytes) else "text/event-stream; charset=utf-8"
    response.headers = {"content-type": kind, "request-id": request_id, **response.headers}
    return response


def _named_model(request: HttpRequest) -> str:
    """The model that a request names, for the words of an error; nothing else of the body is looked at."""
    try:
        return str(json.loads(request.body)["model"])
    except (ValueError, KeyError, TypeError):
        return "unknown"


def identifier(prefix: str, *parts: bytes) -> str:
    """An id in the API's form, made of a hash of `parts`: the same parts always give the same id."""
    digest = int.from_bytes(sha256(b"\0".join(parts)).digest()[:16])
    letters = []
    for _ in range(22):
        digest, place = divmod(digest, len(ALPHABET))
        letters.append(ALPHABET[place])
    return f"{prefix}01{''.join(letters)}"


type Endpoint = Callable[[HttpRequest, Service], HttpResponse]


def _route(request: HttpRequest) -> Endpoint:
    """The endpoint of a path. Evidence: SDK 2.12.0, resources messages and models."""
    path = request.path.rstrip("/")
    routes: dict[str, tuple[str, Endpoint]] = {
        "/v1/messages": ("POST", _create),
        "/v1/messages/count_tokens": ("POST", _count),
        "/v1/models": ("GET", _list_models),
    }
    method, endpoint = routes.get(path, ("GET", _retrieve_model))
    if path.startswith(PATHS):
        raise ApiError(404, words(path))
    if path not in routes and not (path.startswith("/v1/models/") and path.count("/") == 3):
        raise ApiError(404, "Not found")
    if request.method != method:
        raise ApiError(405, "Method Not Allowed")
    return endpoint


def _create(request: HttpRequest, service: Service) -> HttpResponse:
    call = _admit(request, service, counting=False)
    own = call.body
    threads.resume(call)
    try:
        _check(call)
        view = respond.look(call)
        given = respond.answer(call, view)
    except ApiError:
        threads.release(call)
        raise
    message_id = identifier("msg_", request.body, threads.serial(request, own, service.state))
    message = respond.message_of(call, view, given, message_id)
    threads.hold(call, message)
    body = stream(message, respond.begun_usage(message, view)) if call.body.get("stream") else dumps(message)
    return HttpResponse(200, headers(message["usage"]), body, given.ending.grounds)


def _count(request: HttpRequest, service: Service) -> HttpResponse:
    call = _admit(request, service, counting=True)
    _check(call)
    return HttpResponse(200, {}, dumps(respond.count_of(call, respond.look(call))))


def _list_models(request: HttpRequest, service: Service) -> HttpResponse:
    rules.check_headers(request)
    return HttpResponse(200, {}, dumps(service.catalog.page(request.parameters(), _is_beta(request))))


def _retrieve_model(request: HttpRequest, service: Service) -> HttpResponse:
    rules.check_headers(request)
    return HttpResponse(200, {}, dumps(service.catalog.describe(request.path.split("/")[3], _is_beta(request))))


def _is_beta(request: HttpRequest) -> bool:
    """Say whether a request names a beta: the stable and the beta client ask for models in the same words otherwise.

    Evidence: answers of the Models API to requests without a beta, recorded until 2 October 2026, have no `compaction`
    among the capabilities; which beta brings it is not verified.
    """
    return "beta" in request.query or bool(request.header("anthropic-beta"))


def _admit(request: HttpRequest, service: Service, *, counting: bool) -> Call:
    """The request as a call, once headers, fields and model have let it in."""
    body_is_not_too_large(request)
    rules.check_headers(request)
    body = _parse(request)
    betas = frozenset(name.strip() for name in request.header("anthropic-beta").split(",") if name.strip())
    beta = "beta" in request.query or bool(betas)
    endpoint = "count_tokens" if counting else "create"
    check(f"beta_{endpoint}" if beta else endpoint, rules.sampling_by_version(request, body))
    return Call(request, service, body, service.catalog.find(body["model"]), betas, counting, beta)


def _check(call: Call) -> None:
    """Apply the API's rules to the whole conversation, which a thread may have completed."""
    rules.check_parameters(call)
    check_thinking_parameters(call)
    check_output(call)
    feature_is_simulated(call)
    check_betas(call)
    check_blocks(call)
    check_turns(call)
    check_pairs(call)
    check_thinking_messages(call)


def _parse(request: HttpRequest) -> Json:
    body = body_is_json(request)
    if not isinstance(body, dict):
        raise ApiError(400, "Input should be a valid dictionary or object to extract fields from")
    return body
