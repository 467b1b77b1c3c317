"""The OpenAPI 3.1 document, generated from the operations and their pydantic models."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from admin.api import idempotency
from admin.api.documents import Problem

if TYPE_CHECKING:
    from admin.api.api_operations import Operation

LARGEST_NUMBER = 2**31 - 1
_REFUSALS = {
    400: "The body is not JSON, or the idempotency key is invalid.",
    401: "No token, or an invalid one.",
    403: "The account's role does not allow it, or not in this unit.",
    404: "The object does not exist, or this account may not see it.",
    409: "The request is valid but not possible now.",
    415: "The body is not application/json.",
    422: "The request is invalid, or another one was sent with the same idempotency key.",
    429: "Too many requests; `Retry-After` says after how many seconds to send this one again.",
    503: "The machine lacks something, such as disk space.",
}


def document(operations: Sequence["Operation"]) -> dict[str, Any]:
    """Return the OpenAPI document."""
    models = {model for one in operations for model in (one.answer, one.body) if model is not None} | {Problem}
    modes = {one.body: "validation" for one in operations if one.body is not None}
    _, schemas = models_json_schema(
        [(model, modes.get(model, "serialization")) for model in sorted(models, key=lambda model: model.__name__)],  # type: ignore[misc]
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.address, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hai Chiều", "version": "1", "description": "Two-way village radio by telephone."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas.get("$defs", {}),
        },
    }


def _operation(one: "Operation") -> dict[str, Any]:
    refusals = {401, 403, 429, *one.refusals} | ({422} if one.query or one.body else set())
    refusals |= {400, 415} if one.body else set()
    described: dict[str, Any] = {
        "summary": one.summary,
        "operationId": f"{one.method.lower()}{''.join(part.title() for part in _words(one.path))}",
        "description": f"Needs the right `{one.action}`.",
        "parameters": [*_in_path(one), *_in_query(one.query), *_in_headers(one)],
        "responses": {
            str(one.status): _answer("Done.", one.answer),
            **{str(status): _refusal(status) for status in sorted(refusals)},
        },
    }
    if one.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(one.body)}}}
    return described


def _in_path(one: "Operation") -> Iterable[dict[str, Any]]:
    for kind, name in _arguments(one.path):
        schema: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{8}$"}
        if kind == "int":
            schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(model: type[BaseModel] | None) -> Iterable[dict[str, Any]]:
    whole = model.model_json_schema() if model else {"properties": {}}
    for name, schema in whole["properties"].items():
        # A query has no null: an optional field is left out.
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind.get("type") != "null"]
        kept = {key: value for key, value in schema.items() if key != "title" and value is not None}
        kept |= kinds[0] if kinds else {}
        if reference := kept.pop("$ref", ""):
            kept |= whole["$defs"][reference.rpartition("/")[2]]
        yield {"name": name, "in": "query", "required": False, "schema": kept}


def _in_headers(one: "Operation") -> Iterable[dict[str, Any]]:
    if one.show is not None:
        yield {
            "name": idempotency.HEADER,
            "in": "header",
            "required": False,
            "description": "A random name of the request. Sent again within a day, the request makes nothing twice.",
            "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[!-~]+$"},
        }


def _refusal(status: int) -> dict[str, Any]:
    described = _answer(_REFUSALS[status], Problem, "application/problem+json")
    if status == 429:
        described["headers"] = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
    return described


def _answer(description: str, model: type[BaseModel], kind: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": _ref(model)}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _arguments(path: str) -> Iterable[tuple[str, str]]:
    for part in path.split("/"):
        if part.startswith("<"):
            kind, _, name = part.strip("<>").rpartition(":")
            yield kind.partition("(")[0], name


def _words(path: str) -> Iterable[str]:
    return (word for part in path.split("/") for word in part.strip("<>").rpartition(":")[2].split("_") if word)
