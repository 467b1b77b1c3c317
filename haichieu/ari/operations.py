"""Every ARI operation that the station uses, as data.

A test checks each against the API description that the running Asterisk itself ships, so an upgrade that
renames a parameter is found before a call is lost.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Operation:
    """One ARI operation: method, path with `{parameters}`, and the query parameters we may send."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    query: frozenset[str] = frozenset()
    sends_body: bool = False
    once: bool = False
    """Performed twice, it has two effects, though HTTP counts its method as idempotent (RFC 9110 §9.2.2)."""
    makes: bool = False
    """It makes something that has to be ended: a caller that is cancelled waits for the answer, and then ends it."""


def _op(
    method: Literal["GET", "POST", "PUT", "DELETE"],
    path: str,
    *query: str,
    sends_body: bool = False,
    once: bool = False,
    makes: bool = False,
) -> Operation:
    return Operation(method, path, frozenset(query), sends_body, once, makes)


GET_INFO = _op("GET", "/asterisk/info")
GET_VARIABLE = _op("GET", "/asterisk/variable", "variable")
SET_VARIABLE = _op("POST", "/asterisk/variable", "variable", "value")
PUT_OBJECT = _op("PUT", "/asterisk/config/dynamic/{configClass}/{objectType}/{id}", sends_body=True)
GET_OBJECT = _op("GET", "/asterisk/config/dynamic/{configClass}/{objectType}/{id}")
DELETE_OBJECT = _op("DELETE", "/asterisk/config/dynamic/{configClass}/{objectType}/{id}")
RELOAD_MODULE = _op("PUT", "/asterisk/modules/{moduleName}")

SUBSCRIBE = _op("POST", "/applications/{applicationName}/subscription", "eventSource")

FILTER_EVENTS = _op("PUT", "/applications/{applicationName}/eventFilter", sends_body=True)

SEND_MESSAGE = _op("PUT", "/endpoints/sendMessage", sends_body=True, once=True)
"""Its parameters are taken from the body as well, and a text is too long for a request line."""
LIST_ENDPOINTS = _op("GET", "/endpoints/{tech}")

LIST_CHANNELS = _op("GET", "/channels")
CREATE_CHANNEL = _op(
    "POST",
    "/channels/create",
    "endpoint",
    "app",
    "appArgs",
    "channelId",
    "otherChannelId",
    "formats",
    sends_body=True,
    makes=True,
)
DIAL = _op("POST", "/channels/{channelId}/dial", "timeout")
"""Never ORIGINATE: its dialler obeys a 302 of the other side (RFC 3261 §8.1.3.4), which may name a trunk or a Local
channel into any part of the dialplan."""
ANSWER = _op("POST", "/channels/{channelId}/answer")
RING = _op("POST", "/channels/{channelId}/ring")
STOP_RINGING = _op("DELETE", "/channels/{channelId}/ring")
CHANNEL_VARIABLE = _op("GET", "/channels/{channelId}/variable", "variable")
SET_CHANNEL_VARIABLE = _op("POST", "/channels/{channelId}/variable", "variable", "value")
SEND_SILENCE = _op("POST", "/channels/{channelId}/silence")
STOP_SILENCE = _op("DELETE", "/channels/{channelId}/silence")
MUTE = _op("POST", "/channels/{channelId}/mute", "direction")
CONTINUE = _op("POST", "/channels/{channelId}/continue", "context", "extension", "label", once=True)
HANG_UP = _op("DELETE", "/channels/{channelId}", "reason")
PLAY = _op("POST", "/channels/{channelId}/play/{playbackId}", "media", "offsetms")
RTP_STATISTICS = _op("GET", "/channels/{channelId}/rtp_statistics")
SNOOP = _op("POST", "/channels/{channelId}/snoop/{snoopId}", "spy", "app", "appArgs", makes=True)
RECORD = _op(
    "POST",
    "/channels/{channelId}/record",
    "name",
    "format",
    "ifExists",
    "maxDurationSeconds",
    "maxSilenceSeconds",
    "terminateOn",
    "beep",
)

GET_PLAYBACK = _op("GET", "/playbacks/{playbackId}")
STOP_PLAYBACK = _op("DELETE", "/playbacks/{playbackId}")
GET_RUNNING_RECORDING = _op("GET", "/recordings/live/{recordingName}")
GET_STORED_RECORDING = _op("GET", "/recordings/stored/{recordingName}")
STOP_RECORDING = _op("POST", "/recordings/live/{recordingName}/stop")

LIST_BRIDGES = _op("GET", "/bridges")
CREATE_BRIDGE = _op("POST", "/bridges/{bridgeId}", "type", "name", makes=True)
ADD_TO_BRIDGE = _op("POST", "/bridges/{bridgeId}/addChannel", "channel", "role")
REMOVE_FROM_BRIDGE = _op("POST", "/bridges/{bridgeId}/removeChannel", "channel")
DESTROY_BRIDGE = _op("DELETE", "/bridges/{bridgeId}")
RECORD_BRIDGE = _op("POST", "/bridges/{bridgeId}/record", "name", "format", "ifExists", "maxDurationSeconds")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
