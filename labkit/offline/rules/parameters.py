"""The API's rules on headers and parameters. Each names its evidence."""

import re

from labkit.offline.catalog import Model
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, HttpRequest, Json

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
DEFAULTS = {"temperature": 1, "top_p": 1}
"""Default values of sampling, which every model takes. Source: Anthropic docs, Messages, read August 2026."""
OLD_VERSION = "2023-06-01"
TOOL_NAME = re.compile("[a-zA-Z0-9_-]{1,128}")


@rule
def key_is_sent(request: HttpRequest) -> None:
    """A request without a key is a 401.

    Evidence: body quoted with its request id in GitHub n8n#37930, September 2026.
    """
    if not _key(request):
        raise ApiError(401, "x-api-key header is required")


def _key(request: HttpRequest) -> str:
    bearer = request.header("authorization")
    return request.header("x-api-key").strip() or bearer.removeprefix("Bearer").strip()


@rule
def key_is_right(request: HttpRequest) -> None:
    """A wrong key is a 401, in either of two wordings; offline, a key is wrong when it starts with `wrong-`, or with
    `sk-ant-wrong-`, which has the second one.

    Evidence: body quoted in GitHub free-claude-api#14, February 2026, and recorded on 19 August 2026; four recorded
    answers of 2026 with the second wording and a request id of null, seen for a key of the API's own form in a public
    log of 2026. What decides between the two was not found.
    """
    if _key(request).startswith("wrong-"):
        raise ApiError(401, "invalid x-api-key")
    if _key(request).startswith("sk-ant-wrong-"):
        raise ApiError(401, "API key is invalid.", named=False)


@rule
def one_key_is_sent(request: HttpRequest) -> None:
    """Both `x-api-key` and a bearer key are a 401, since July 2026. The words are not verified.

    Evidence: status reported for the live API in GitHub Podden/openwebui-modules#39, July 2026.
    """
    if request.header("x-api-key") and request.header("authorization"):
        raise ApiError(401, "invalid x-api-key")


@rule
def version_is_sent(request: HttpRequest) -> None:
    """The anthropic-version header is required.

    Evidence: body quoted with its request id in GitHub Marinara-Engine#120, April 2026.
    """
    if not request.header("anthropic-version"):
        raise ApiError(400, "anthropic-version: header is required")


@rule
def sampling_by_version(request: HttpRequest, body: Json) -> Json:
    """temperature, top_p and top_k: taken by version 2023-06-01 before Claude 4.7, unknown keys from version
    2026-10-21.

    Evidence: SDK changelog 2.0.0 (October 2026) and Anthropic docs, API versions, read November 2026; the
    words for 4.7 in GitHub inspect_ai#3721; the words of the newer version are not verified. Returns the body
    that the field check sees.
    """
    given = SAMPLING & body.keys()
    if not given or request.header("anthropic-version") != OLD_VERSION:
        return body
    return {name: value for name, value in body.items() if name not in given}


@rule
def sampling_by_model(call: Call) -> None:
    """Sampling parameters other than the default are refused from Claude 4.7 on, in whatever version.

    Evidence: body quoted in GitHub inspect_ai#3721, 2026; Anthropic docs, Thinking (Limits), read August 2026, for the
    defaults.
    """
    for name in ("temperature", "top_p", "top_k"):
        if call.body.get(name, DEFAULTS.get(name)) != DEFAULTS.get(name) and call.model.version >= (4, 7):
            raise ApiError(400, f"`{name}` is deprecated for this model.")


@rule
def sampling_is_in_range(call: Call) -> None:
    """temperature and top_p are numbers from 0 to 1. The words for a value that is no number are not verified.

    Evidence: a recorded 400 for temperature 5 on Claude Sonnet 4.6, 2026.
    """
    for name in ("temperature", "top_p"):
        value = call.body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ApiError(400, f"{name}: Input should be a valid number")
        if not 0 <= value <= 1:
            raise ApiError(400, f"{name}: range: 0..1")


@rule
def stop_sequences_are_not_blank(call: Call) -> None:
    """A stop sequence is more than whitespace.

    Evidence: body quoted in several public repositories, one of them live on 4 October 2026.
    """
    if any(not sequence.strip() for sequence in call.body.get("stop_sequences") or ()):
        raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")


@rule
def tool_input_is_an_object(call: Call) -> None:
    """The input_schema of a custom tool has the type `object`.

    Evidence: recorded 400s with and without a type, 2026.
    """
    for place, tool in enumerate(call.body.get("tools") or ()):
        schema = tool.get("input_schema")
        if isinstance(schema, dict) and schema.get("type") != "object":
            words = "Input should be 'object'" if "type" in schema else "Field required"
            raise ApiError(400, f"tools.{place}.custom.input_schema.type: {words}")


@rule
def max_tokens_within_model(call: Call) -> None:
    """max_tokens is at least 0 and at most what the model can write.

    Evidence: body quoted in GitHub claude-code#11302 (2025); 0 pre-warms the cache: SDK 2.12.0, max_tokens docstring.
    """
    asked = call.body.get("max_tokens", 0)
    if asked < 0:
        raise ApiError(400, "max_tokens: Input should be greater than or equal to 0")
    most = call.model.max_output
    if asked > most:
        words = f"which is the maximum allowed number of output tokens for {call.model.api_id}"
        raise ApiError(400, f"max_tokens: {asked} > {most}, {words}")


@rule
def forced_tool_by_model(call: Call) -> None:
    """Some models do not let a tool be forced.

    Evidence: Anthropic docs, What's new in Claude Opus 5.5, read September 2026.
    """
    choice = (call.body.get("tool_choice") or {}).get("type")
    if choice in ("any", "tool") and not call.model.forced_tool_choice:
        raise ApiError(400, 'tool_choice: type "tool" and "any" are not supported for this model.')


@rule
def tool_names_are_unique(call: Call) -> None:
    """No two tools share a name.

    Evidence: live body quoted in a public repository, 10 August 2026.
    """
    names = [tool.get("name") for tool in call.body.get("tools") or ()]
    if len(set(names)) < len(names):
        raise ApiError(400, "tools: Tool names must be unique.")


@rule
def tool_names_are_plain(call: Call) -> None:
    """The name of a custom tool has 1 to 128 letters, digits, underscores and hyphens.

    Evidence: live body of 14 August 2026 quoted in a public repository.
    """
    for place, tool in enumerate(call.body.get("tools") or ()):
        if tool.get("type") in (None, "custom") and not TOOL_NAME.fullmatch(tool["name"]):
            raise ApiError(400, f"tools.{place}.custom.name: String should match pattern '^{TOOL_NAME.pattern}$'")


@rule
def tool_choice_needs_tools(call: Call) -> None:
    """tool_choice comes with tools.

    Evidence: body quoted in several public repositories, 2026.
    """
    if call.body.get("tool_choice") and not call.body.get("tools"):
        raise ApiError(400, "tool_choice may only be specified while providing tools")


@rule
def chosen_tool_is_provided(call: Call) -> None:
    """The tool that is forced is among the tools.

    Evidence: body quoted in several public repositories, 2026.
    """
    choice = call.body.get("tool_choice") or {}
    names = [tool.get("name") for tool in call.body.get("tools") or ()]
    if choice.get("type") == "tool" and choice["name"] not in names:
        raise ApiError(400, f"Tool '{choice['name']}' not found in provided tools")


@rule
def input_fits_the_window(tokens: int, model: Model) -> None:
    """Input longer than the window is a 400 with both numbers; max_tokens does not count towards it from Claude 4.5.

    Evidence: bodies quoted in GitHub continue#11371, March 2026, and pi#102; Anthropic docs, Context windows,
    read August 2026.
    """
    if tokens > model.window:
        raise ApiError(400, f"prompt is too long: {tokens} tokens > {model.window} maximum")


ON_HEADERS = (key_is_sent, one_key_is_sent, key_is_right, version_is_sent)
ON_PARAMETERS = (
    sampling_is_in_range,
    sampling_by_model,
    stop_sequences_are_not_blank,
    max_tokens_within_model,
    tool_input_is_an_object,
    tool_names_are_plain,
    tool_names_are_unique,
    tool_choice_needs_tools,
    forced_tool_by_model,
    chosen_tool_is_provided,
)


def check_headers(request: HttpRequest) -> None:
    """Apply the rules on headers, in order."""
    for check in ON_HEADERS:
        check(request)


def check_parameters(call: Call) -> None:
    """Apply the rules on parameters, in order."""
    for check in ON_PARAMETERS:
        check(call)
