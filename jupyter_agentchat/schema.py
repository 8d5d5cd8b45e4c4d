"""The wire format for other languages, generated from ``protocol.py``: an OpenAPI document and TypeScript types.

::

    python -m jupyter_agentchat.schema typescript > labextension/src/protocol.ts
    python -m jupyter_agentchat.schema openapi > openapi.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

import msgspec

from . import __version__, errors, protocol
from .protocol import OPERATIONS, ErrorReply, Operation, PanelData

Schema = dict[str, Any]

FRAMES = {"ClientFrame": protocol.ClientFrame, "ServerFrame": protocol.ServerFrame}
REF = "#/components/schemas/"
_NEVER_SENT = (errors.ChatError, errors.NoAnswer, errors.NoHuman, errors.HubUnreachable, errors.BlockingInLoop)
ERROR_CODES = tuple(code for code, error in errors.tree().items() if error not in _NEVER_SENT)

# ---------------------------------------------------------------------------------------------- the definitions


def _frames() -> list[type[msgspec.Struct]]:
    return [frame for union in FRAMES.values() for frame in get_args(union)]


def components() -> dict[str, Schema]:
    """JSON Schema of every struct that crosses the wire, by name, in the order of ``protocol.py``."""
    structs = {struct for operation in OPERATIONS for struct in (operation.request, operation.reply)}
    crossing = [*structs, protocol.FollowChannel, ErrorReply, PanelData, *_frames()]
    _, schemas = msgspec.json.schema_components(crossing, ref_template=f"{REF}{{name}}")
    for body in ("ErrorBody", "ErrorFrame"):
        schemas[body]["properties"]["code"]["enum"] = list(ERROR_CODES)
    order = {name: place for place, name in enumerate(vars(protocol))}
    return {name: schemas[name] for name in sorted(schemas, key=order.__getitem__)}


# ---------------------------------------------------------------------------------------------- OpenAPI

SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "An agent's `au_…` key, or a human's `se_…` session."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "agentchat-session-{host}",
        "description": "A human's session, by host and path. A call that changes something also needs `X-XSRFToken`.",
    },
    "jupyter": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "In Jupyter only: its own identity, `token …`, or its login cookie.",
    },
}
_ANYONE: list[Schema] = []
_PARTICIPANT: list[Schema] = [{name: []} for name in SECURITY]
_PATH_FIELD = re.compile(r"{(\w+)}")


def openapi() -> Schema:
    """The OpenAPI 3.1 document that a hub serves at ``api/v1/openapi.json``; paths are relative to ``api/v1``."""
    schemas = components()
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/{operation.path}", {})[operation.method.lower()] = _operation(operation, schemas)
    paths["/channels/{channel_id}/events"] = {"get": _events(schemas)}
    for name, union in FRAMES.items():
        schemas[name] = _frame_union(union)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_agentchat", "version": __version__},
        "servers": [{"url": "."}],
        "security": _PARTICIPANT,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


def _operation(operation: Operation, schemas: dict[str, Schema]) -> Schema:
    request = schemas[operation.request.__name__]
    in_path = _PATH_FIELD.findall(operation.path)
    others = [name for name in request["properties"] if name not in in_path]
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.name.replace("_", " ").capitalize(),
        "description": f"Who may: {operation.who}.",
        "responses": {
            str(operation.status): _json_content(operation.reply.__name__, "Done."),
            "default": _json_content(ErrorReply.__name__, "Refused; `error.code` says why."),
        },
    }
    parameters = [_parameter("path", name, request) for name in in_path]
    if operation.method in ("GET", "DELETE"):
        parameters += [_parameter("query", name, request) for name in others]
    elif others:
        body = {"application/json": {"schema": _part(request, others)}}
        described["requestBody"] = {"required": True, "content": body}
    if parameters:
        described["parameters"] = parameters
    if operation.who in ("anyone", "bootstrapper"):
        described["security"] = _ANYONE
    return described


def _events(schemas: dict[str, Schema]) -> Schema:
    """The one call that answers with a stream."""
    request = schemas[protocol.FollowChannel.__name__]
    last_seen = {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}
    events = {"schema": {"type": "string"}, "x-event-data": {"$ref": f"{REF}ServerFrame"}}
    return {
        "operationId": "follow_channel",
        "summary": "Follow channel",
        "description": "Server-Sent Events: `id` is the seq, `data` a frame as on the WebSocket (`new_message`, "
        "`message_updated`, `message_deleted`, `reset`). `Last-Event-ID` wins over `after`. Who may: participant.",
        "parameters": [
            _parameter("path", "channel_id", request),
            *(_parameter("query", name, request) for name in ("after", "epoch")),
            last_seen,
        ],
        "responses": {
            "200": {"description": "The channel, replayed and then live.", "content": {"text/event-stream": events}},
            "default": _json_content(ErrorReply.__name__, "Refused; `error.code` says why."),
        },
    }


def _json_content(struct: str, description: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": f"{REF}{struct}"}}}}


def _parameter(place: str, name: str, request: Schema) -> Schema:
    required = place == "path" or name in request.get("required", [])
    return {"name": name, "in": place, "required": required, "schema": request["properties"][name]}


def _part(request: Schema, names: list[str]) -> Schema:
    """What is left for the body when the path has taken its fields."""
    return {
        "type": "object",
        "properties": {name: request["properties"][name] for name in names},
        "required": [name for name in request.get("required", []) if name in names],
        "additionalProperties": False,
    }


def _frame_union(union: Any) -> Schema:
    refs = {str(frame.__struct_config__.tag): f"{REF}{frame.__name__}" for frame in get_args(union)}
    return {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }


# ---------------------------------------------------------------------------------------------- TypeScript

_HEADER = """\
// GENERATED from jupyter_agentchat/protocol.py. Do not edit; write it anew with `make protocol`, that is
//     python -m jupyter_agentchat.schema typescript > labextension/src/protocol.ts
//
// A field without a default is always there. One with a default is optional: it is left out while it has it.
"""
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript() -> str:
    """The same definitions as TypeScript types, one interface a struct; frames are unions told apart by ``type``."""
    literals = {name: get_args(value) for name, value in vars(protocol).items() if get_origin(value) is Literal}
    del literals["Who"]  # a column of OPERATIONS, not of the wire
    literals["ErrorCode"] = ERROR_CODES
    names = {frozenset(values): name for name, values in literals.items()}
    constants = ("PROTOCOL", "MAX_MESSAGE_BYTES", "PANEL_MIME")
    blocks = [
        _HEADER,
        "\n".join(f"export const {name} = {json.dumps(getattr(protocol, name))};" for name in constants) + "\n",
        "".join(f"export type {name} = {_choice(values)};\n" for name, values in literals.items()),
        *(_interface(name, schema, names) for name, schema in components().items()),
        *(_union(name, union) for name, union in FRAMES.items()),
    ]
    return "\n".join(blocks)


def _choice(values: Iterable[object]) -> str:
    return " | ".join(json.dumps(value) for value in values)


def _union(name: str, union: Any) -> str:
    members = "".join(f"\n  | {frame.__name__}" for frame in get_args(union))
    return f"export type {name} ={members};\n"


def _interface(name: str, schema: Schema, names: dict[frozenset[Any], str]) -> str:
    required = schema.get("required", [])
    lines = [
        f"  {field}{'' if field in required else '?'}: {_type(kind, names, absent=field not in required)};"
        for field, kind in schema["properties"].items()
    ]
    text = " ".join(schema.get("description", "").split())
    comment = f"/** {text} */\n" if text else ""
    if not lines:
        return f"{comment}export type {name} = Record<string, never>;\n"
    return "\n".join([f"{comment}export interface {name} {{", *lines, "}\n"])


def _type(schema: Schema, names: dict[frozenset[Any], str], absent: bool = False) -> str:
    """One JSON Schema as a TypeScript type; ``absent``: its default null is left out of the JSON, so it is no value."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "enum" in schema:
        return names.get(frozenset(schema["enum"])) or _choice(schema["enum"])
    if "anyOf" in schema:
        kinds = [kind for kind in schema["anyOf"] if not (absent and kind.get("type") == "null")]
        return " | ".join(_type(kind, names) for kind in kinds)
    if schema.get("type") == "array":
        item = _type(schema["items"], names)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if schema.get("type") == "object":
        return f"Record<string, {_type(schema.get('additionalProperties', {}), names)}>"
    return _SCALARS[schema["type"]] if "type" in schema else "unknown"


# ---------------------------------------------------------------------------------------------- command


def main(arguments: list[str]) -> int:
    match arguments:
        case ["typescript"]:
            sys.stdout.write(typescript())
        case ["openapi"]:
            sys.stdout.write(json.dumps(openapi(), indent=2) + "\n")
        case _:
            sys.stderr.write("usage: python -m jupyter_agentchat.schema typescript|openapi\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
