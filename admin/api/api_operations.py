"""Declaration of API routes: permission, request and response in one place, also used for the OpenAPI document."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ValidationError

from admin.access.permissions import Where, needs, open_to_all
from admin.api.idempotency import once
from admin.api.openapi import document
from admin.api.request_mistakes import message_of
from admin.layout.language import sentence
from admin.layout.refusals import problem
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.errors import UsageError
from haichieu.locale import message

ROOT = "/api/v1"
Handler = TypeVar("Handler", bound=Callable[..., BaseModel])


class NotJson(UsageError):
    """The body of the request has another media type than JSON."""

    http_status = 415


@dataclass(frozen=True)
class Operation:
    """A route of the API. `path` is in Flask's notation, below `ROOT`."""

    method: str
    path: str
    summary: str
    action: Action
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    refusals: tuple[int, ...] = ()
    show: Callable[[int], BaseModel] | None = None
    """Returns the answer for the id of what an earlier request made; the operation then honours Idempotency-Key."""

    @property
    def address(self) -> str:
        """The path in OpenAPI's notation."""
        return ROOT + re.sub(r"<(?:[^>]+:)?(\w+)>", r"{\1}", self.path)


@dataclass
class Api:
    """The operations of an application."""

    app: Flask
    panel: Panel
    operations: list[Operation] = field(default_factory=list)

    def serves(
        self, operation: Operation, where: Where | None = None, *, checks_units: bool = False
    ) -> Callable[[Handler], Handler]:
        """Make the decorated function a route. It receives `query` and `body` where the operation declares them."""

        def register(handler: Handler) -> Handler:
            @needs(operation.action, where, checks_units=checks_units)
            def view(**arguments: object) -> Response:
                if operation.query is not None:
                    arguments["query"] = operation.query.model_validate(_query())
                if operation.body is not None:
                    arguments["body"] = operation.body.model_validate_json(_json())
                act = partial(handler, **arguments)
                show = operation.show
                answer = act() if show is None else once(self.panel, _body(arguments), act, show)
                response = Response(answer.model_dump_json(), operation.status, content_type="application/json")
                if operation.status == 201 and (number := getattr(answer, "id", None)) is not None:
                    response.headers["Location"] = f"{request.path}/{number}"
                return response

            endpoint = f"api_{handler.__name__}"
            self.app.add_url_rule(ROOT + operation.path, endpoint, view, methods=[operation.method])
            self.operations.append(operation)
            return handler

        return register


def register_document(api: Api) -> None:
    """Serve the OpenAPI document, and answer invalid requests with a problem document."""

    @api.app.get(f"{ROOT}/openapi.json")
    @open_to_all
    def openapi() -> Response:
        """Return the OpenAPI 3.1 document of the API."""
        return jsonify(document(api.operations))

    @api.app.errorhandler(ValidationError)
    def wrong_shape(error: ValidationError) -> Response:
        found = error.errors(include_url=False, include_input=False)
        if any(one["type"] == "json_invalid" for one in found):
            return problem(400, "Bad Request", message("api.not_json"))
        errors = [
            {"where": ".".join(str(part) for part in one["loc"]), "problem": sentence(message_of(one))} for one in found
        ]
        return problem(422, "Unprocessable Content", message("api.wrong_shape"), errors=errors)


def _body(arguments: Mapping[str, object]) -> BaseModel | None:
    body = arguments.get("body")
    return body if isinstance(body, BaseModel) else None


def _query() -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in request.args.lists()}


def _json() -> bytes:
    if request.mimetype != "application/json":
        raise NotJson("api.needs_json")
    return request.get_data()
