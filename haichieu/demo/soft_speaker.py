"""Holding a loudspeaker from a script: `async with SoftSpeaker(…) as speaker: await speaker.registered()`."""

from pathlib import Path

from haichieu.demo.event_process import Event, EventProcess


class SoftSpeaker(EventProcess):
    """One software loudspeaker in a separate process, recording to `record` or playing to `output`.

    With the `fingerprint` of the server's certificate it uses TLS and SRTP.
    """

    def __init__(
        self,
        *,
        server: str,
        id: str,
        password: str,
        record: Path | None = None,
        output: str | None = None,
        bind: str = "",
        expires: int = 30,
        fingerprint: str = "",
    ) -> None:
        arguments = ["--server", server, "--id", id, "--password", "-", "--expires", str(expires)]
        for name, value in (("--record", record), ("--output", output), ("--bind", bind)):
            arguments += [name, str(value)] if value else []
        arguments += ["--tls", "--fingerprint", fingerprint] if fingerprint else []
        super().__init__("broadcast_bridge.loudspeaker", arguments, secret=password)

    async def registered(self, timeout: float = 10.0) -> Event:
        """Wait until the station knows it."""
        return await self.take("registered", timeout=timeout)

    async def call_started(self, timeout: float = 30.0) -> Event:
        """Wait for a call that it has answered."""
        return await self.take("call_started", timeout=timeout)

    async def sound(self, timeout: float = 30.0) -> Event:
        """Wait for the first frame of a call that is not silence; `at` is when it arrived."""
        return await self.take("sound", timeout=timeout)

    async def call_ended(self, timeout: float = 30.0) -> Event:
        """Wait for the end of a call; the event tells `seconds`, `sound_seconds` and `level_db`."""
        return await self.take("call_ended", timeout=timeout)
