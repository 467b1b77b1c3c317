"""Error handlers: every error becomes a page or a problem document (RFC 9457) in the reader's language."""

import uuid

import structlog
from flask import Flask, Response, jsonify, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from admin.access.gate import API
from admin.access.rate_limits import TooManyRequests
from admin.layout.language import has_text, sentence
from admin.layout.pages import page
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.state_machine import IllegalTransition

log = structlog.get_logger()

_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
    413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests",
    503: "Service Unavailable",
}  # fmt: skip
_WITH_TITLE = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
_API_DETAILS = {404: "api.not_found", 405: "api.method_not_allowed"}
_DETAILS = {404: "panel.error.lost", 405: "panel.error.lost", 413: "panel.error.too_large"}


def register_refusals(app: Flask) -> None:
    """Answer every error with a page or a problem document."""

    @app.errorhandler(HaiChieuError)
    def refused(error: HaiChieuError) -> AnyResponse:
        answer = _answer(error.http_status, _TITLES[error.http_status], refusal_message(error))
        if isinstance(error, TooManyRequests):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> AnyResponse:
        return _answer(400, _TITLES[400], message("panel.error.form_expired"))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> AnyResponse:
        status = error.code or 500
        if status < 400:
            return error.get_response()
        own = _API_DETAILS if request.path.startswith(API) else {}
        detail = message(own.get(status) or _DETAILS.get(status) or f"panel.error.title_{_known(status)}")
        answer = _answer(status, error.name, detail)
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after", "www-authenticate"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def failed(error: Exception) -> AnyResponse:
        reference = uuid.uuid4().hex[:8]
        log.error("web.failed", reference=reference, endpoint=request.endpoint, exc_info=error)
        return _answer(500, "Internal Server Error", message("panel.error.internal", reference=reference))


def refusal_message(refusal: HaiChieuError) -> Message:
    """Return the message of a refusal; an illegal transition names the state in words, not by its code."""
    if isinstance(refusal, IllegalTransition) and has_text(f"not_now.{refusal.machine}"):
        state = message(f"panel.{refusal.machine}_state.{refusal.state}")
        return message(f"panel.not_now.{refusal.machine}", state=state)
    return refusal.message


def problem(status: int, title: str, detail: Message, **more: object) -> Response:
    """Return a problem document (RFC 9457) in the reader's language."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": sentence(detail), **more}
    response = jsonify(document)
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _answer(status: int, title: str, detail: Message) -> AnyResponse:
    offered = ["application/problem+json", "text/html"]
    if request.path.startswith(API) or request.accept_mimetypes.best_match(offered) != "text/html":
        return problem(status, title, detail)
    return page("layout/error.html", status, shown=status, known=_known(status), detail=detail)


def _known(status: int) -> int:
    """Return the status whose title in the catalogue fits."""
    if status in _WITH_TITLE:
        return status
    return 400 if status < 500 else 500
