"""An Asterisk in memory: channels that answer, sounds that end, and a connection that loses its events."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import NoSuchThing
from haichieu.ari.events import RECONNECTED, Event, EventRouter
from haichieu.ari.operations import Operation
from haichieu.ari.outgoing_lines import ANY_NUMBER, Lines


class FakeAsterisk:
    """Answers what is asked of an `AriClient`. A sound ends when `finish` is called.

    Every endpoint `answers_at_once`, or when `answer` is called. While it is `deaf`, no event reaches the application.
    """

    def __init__(self) -> None:
        self.events = EventRouter(lambda event: None)
        self.lines = Lines(ANY_NUMBER)
        self.connected = asyncio.Event()
        self.connected.set()
        self.channels: dict[str, str] = {}
        self.playbacks: dict[str, str] = {}
        """The channel of each sound that is playing."""
        self.sounds: list[str] = []
        """Every sound that was begun."""
        self.recordings: dict[str, str] = {}
        """What each running recording is of."""
        self.stored: set[str] = set()
        self.packets = 0
        """Sent so far, to all."""
        self.bridge_of: dict[str, str] = {}
        """The bridge that each channel was added to last."""
        self.dialled: list[str] = []
        """Every channel that was dialled."""
        self.left_to_dialplan: list[tuple[str, str, str]] = []
        """Each channel that was given back, with context and label."""
        self.answers_at_once = True
        self.plays_at_once = True
        self.deaf = False
        self.mute: tuple[str, ...] = ()
        """How the ids of channels without media begin."""

    @property
    def client(self) -> AriClient:
        """This Asterisk, as the code under test sees it."""
        return cast(AriClient, self)

    async def until_prompt(self) -> None:
        """Return at once: it is never late."""

    async def request(
        self, operation: Operation, *, body: Mapping[str, Any] | None = None, **given: str | int | None
    ) -> Any:
        await asyncio.sleep(0)
        answer = getattr(self, "_" + operation.path.strip("/").split("/")[0])
        return answer(operation, {name: str(value) for name, value in given.items()})

    def channels_of(self, prefix: str) -> list[str]:
        """Return the channels whose ids begin so."""
        return [channel for channel in self.channels if channel.startswith(prefix)]

    def finish(self) -> None:
        """Let everything end that is playing."""
        for playback, channel in list(self.playbacks.items()):
            del self.playbacks[playback]
            self._tell(
                "PlaybackFinished", playback={"id": playback, "state": "done", "target_uri": f"channel:{channel}"}
            )

    def record_to_end(self) -> None:
        """Let every recording end, and store it."""
        for name in list(self.recordings):
            self._stop_recording(name)

    def arrive(self, channel: str) -> None:
        """Let a call be in the application."""
        self.channels[channel] = "Up"

    def answer(self, channel: str) -> None:
        """Let the other side of a dialled channel answer."""
        self.channels[channel] = "Up"
        self._tell("ChannelStateChange", channel={"id": channel, "state": "Up"})

    def reconnect(self) -> None:
        """Connect again after events were lost, as the client does."""
        self.deaf = False
        for subject in self.events.claimed & self.channels.keys():
            self._tell(RECONNECTED, channel={"id": subject, "state": self.channels[subject]})

    def hang_up(self, channel: str) -> None:
        """Let a channel go."""
        if self.channels.pop(channel, None):
            self._tell("ChannelDestroyed", channel={"id": channel}, cause=16, cause_txt="Normal Clearing")

    def _tell(self, kind: str, **body: Any) -> None:
        if not self.deaf:
            self.events.dispatch(Event(kind, body))

    def _channels(self, operation: Operation, given: Mapping[str, str]) -> Any:
        channel = given.get("channelId", "")
        if operation is operations.LIST_CHANNELS:
            return [{"id": one} for one in self.channels]
        if operation is operations.CREATE_CHANNEL:
            for created in filter(None, (channel, given.get("otherChannelId", "None").replace("None", ""))):
                self.channels[created] = "Down"
                self._tell("StasisStart", channel={"id": created}, args=[])
            return None
        if channel not in self.channels:
            raise NoSuchThing(404, operation.path, "Channel not found")
        if operation is operations.DIAL:
            self.dialled.append(channel)
            if self.answers_at_once or not channel.startswith("speaker-"):
                self.answer(channel)
        elif operation is operations.HANG_UP:
            self.hang_up(channel)
        elif operation is operations.CONTINUE:
            self.left_to_dialplan.append((channel, given["context"], given["label"]))
        elif operation is operations.PLAY:
            self.sounds.append(given["media"])
            self.playbacks[given["playbackId"]] = channel
            if self.plays_at_once:
                self.finish()
        elif operation is operations.RECORD:
            self.recordings[given["name"]] = f"channel:{channel}"
        elif operation is operations.RTP_STATISTICS:
            if channel.startswith(self.mute):
                raise NoSuchThing(404, operation.path, '{"message":"RTP info not found"}')
            self.packets += 100
            return {"txcount": self.packets, "remote_maxmes": 88.0}
        return {"id": channel, "state": self.channels.get(channel)}

    def _playbacks(self, operation: Operation, given: Mapping[str, str]) -> Any:
        if given["playbackId"] not in self.playbacks:
            raise NoSuchThing(404, operation.path, "Playback not found")
        if operation is operations.STOP_PLAYBACK:
            del self.playbacks[given["playbackId"]]
        return {"id": given["playbackId"], "state": "playing"}

    def _recordings(self, operation: Operation, given: Mapping[str, str]) -> Any:
        name = given["recordingName"]
        known = self.stored if operation.path.startswith("/recordings/stored") else self.recordings
        if name not in known:
            raise NoSuchThing(404, operation.path, "Recording not found")
        if operation is operations.STOP_RECORDING:
            self._stop_recording(name)
        return {"name": name, "state": "recording"}

    def _bridges(self, operation: Operation, given: Mapping[str, str]) -> Any:
        if operation is operations.RECORD_BRIDGE:
            self.recordings[given["name"]] = f"bridge:{given['bridgeId']}"
        elif operation is operations.ADD_TO_BRIDGE:
            self.bridge_of |= dict.fromkeys(given["channel"].split(","), given["bridgeId"])
        return []

    def _stop_recording(self, name: str) -> None:
        target = self.recordings.pop(name)
        self.stored.add(name)
        self._tell("RecordingFinished", recording={"name": name, "target_uri": target})
