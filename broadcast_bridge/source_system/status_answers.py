"""Common parts of vendors' protocols: sign-in, answers with `TrangThaiGui` (0 is success), and volumes."""

from broadcast_bridge.source_system.errors import AnswerNotUnderstood, LoginRefused, RequestRefused
from broadcast_bridge.source_system.exchange import Json, Token, Wire


async def log_in(wire: Wire) -> Token:
    """Return a new token; these protocols do not tell how long it is valid."""
    body = {"Username": wire.access.username, "Password": wire.access.password}
    answer = await wire.post("Login", body, signed=False)
    if answer.get("TrangThaiGui") != 0:
        raise LoginRefused("source.login_refused", source=wire.access.name)
    content = answer.get("NoiDung")
    token = content.get("Token") if isinstance(content, dict) else None
    if not isinstance(token, str) or not token:
        raise AnswerNotUnderstood("source.missing_field", field="NoiDung.Token")
    return Token(token)


def require_success(answer: Json) -> None:
    """Raise RequestRefused unless the answer says that the request was taken."""
    if answer.get("TrangThaiGui") != 0:
        status = str(answer.get("TrangThaiGui"))[:40]
        said = str(answer.get("MoTa") or answer.get("ThongBao") or "")[:200]
        raise RequestRefused("source.status", status=status, said=said)


def percent(decibels: float) -> int:
    """Return the volume from 0 to 100; 0 dB, the device's own setting, is reported as 100."""
    return max(0, min(100, round(100 * 10 ** (decibels / 20))))
