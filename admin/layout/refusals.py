"""Every error as a page or as a problem document (RFC 9457), in one place: who asked decides which."""

import uuid

import structlog
from flask import Flask, Response, jsonify, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from admin.access.errors import LockedOut, TokenRefused
from admin.access.gate import API
from admin.broadcasts.scope import NoSuchBroadcast
from admin.layout.language import page_language
from admin.layout.pages import page
from admin.layout.words import half
from admin.sounds.listening import NoSuchSound
from admin.sounds.receiving import UploadTooLarge
from broadcast_bridge.schedule.errors import PlanningNotAllowed
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.cases.lifecycle import NoSuchCase
from haichieu.account_rights import NoSuchAccount, NotAllowed
from haichieu.alarms import NoSuchAlarm
from haichieu.errors import EnvironmentProblem, HaiChieuError
from ivr.custom_flows.errors import NoSuchFlow, NoSuchVersion

log = structlog.get_logger()

# 422 is kept for a request of the wrong shape; what the station refuses, as things are with it, is 409.
STATUS: tuple[tuple[type[HaiChieuError], int], ...] = (
    (TokenRefused, 401),
    (NotAllowed, 403),
    (PlanningNotAllowed, 403),
    (UploadTooLarge, 413),
    (NoSuchCase, 404),
    (NoSuchBroadcast, 404),
    (WrongCheckDigit, 404),
    (NoSuchSound, 404),
    (NoSuchAlarm, 404),
    (NoSuchAccount, 404),
    (NoSuchFlow, 404),
    (NoSuchVersion, 404),
    (LockedOut, 429),
    (EnvironmentProblem, 503),
)
_TITLES = {
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 413: "Content Too Large",
    429: "Too Many Requests", 503: "Service Unavailable",
}  # fmt: skip


def register_refusals(app: Flask) -> None:
    """Answer every error with a page or a problem document."""

    @app.errorhandler(HaiChieuError)
    def refused(error: HaiChieuError) -> AnyResponse:
        status = status_of(error)
        return _answer(status, _TITLES[status], str(error))

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> AnyResponse:
        return _answer(
            400,
            "Bad Request",
            "Biểu mẫu đã hết hạn: xin mở lại trang rồi gửi lại. / This form is out of date: open the page anew.",
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> AnyResponse:
        if error.code is not None and error.code < 400:
            return error.get_response()
        detail = error.description or ""
        if isinstance(error, RequestEntityTooLarge):
            detail = "Nội dung gửi lên quá lớn. / What was sent is too large."
        answer = _answer(error.code or 500, error.name, detail)
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after", "www-authenticate"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def failed(error: Exception) -> AnyResponse:
        reference = uuid.uuid4().hex[:8]
        log.error("web.failed", reference=reference, endpoint=request.endpoint, exc_info=error)
        return _answer(
            500,
            "Internal Server Error",
            f"Lỗi bên trong đài, mã {reference}. / An error inside the station, reference {reference}.",
        )


def status_of(error: HaiChieuError) -> int:
    """The HTTP status that says what kind of refusal it is."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 409)


def problem(status: int, title: str, detail: str, **more: object) -> Response:
    """A problem document (RFC 9457)."""
    response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _answer(status: int, title: str, detail: str) -> AnyResponse:
    offered = ["application/problem+json", "text/html"]
    if request.path.startswith(API) or request.accept_mimetypes.best_match(offered) != "text/html":
        return problem(status, title, detail)
    known = status if status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503) else 500
    return page("error.html", status, shown=status, known=known, detail=half(detail, page_language()))
