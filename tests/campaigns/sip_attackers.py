"""Attackers by SIP and RTP: a stolen speaker account, a stolen phone account, a stranger, a forging trunk caller.

Each is a list of actions, of which `attack` runs one after another in a random order. An action sends something and
counts what came back.
"""

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from tests.campaigns.hostile_sound import TICK, RtpStream, inject
from tests.campaigns.malformed import malformed
from tests.campaigns.sip_attacker import Sender, SipAttacker, session_description
from tests.campaigns.targets import (
    HOTLINE,
    MARKUP,
    MISSED_CALL_LINE,
    NO_SUBSCRIBERS,
    NUMBERS,
    OFFICIALS,
    OFFICIALS_LINE,
    STOLEN_PHONE,
    STOLEN_SPEAKER,
    Targets,
    keys,
    wrong_pin,
)
from tests.station import district
from tests.station.bare_speaker import BareSpeaker
from tests.station.hostile_device import NAMED, Attempt, HostileDevice, hostile_requests

Action = Callable[[], Awaitable[None]]
METHODS = ("OPTIONS", "REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "INFO", "UPDATE", "NOTIFY")
SPEAKER, PHONE, STRANGER, CARRIER = "stolen speaker", "stolen phone", "stranger", "forging trunk caller"
SPEAKER_AT, PHONE_AT, STRANGER_AT = "127.0.0.21", "127.0.0.22", "127.0.0.23"
"""Addresses that no account is known by; the trunk is known by 127.0.0.1."""
CALLS_AT_ONCE = 8
DEVICE_SECONDS = (4.0, 10.0)
INJECTED_SECONDS = 1.0
_SERVER_PORT = re.compile(r"m=audio (\d+) ")


async def attack(actions: Sequence[Action], chance: random.Random, pause: float) -> None:
    """Run actions in a random order until cancelled."""
    while True:
        await chance.choice(actions)()
        await asyncio.sleep(chance.expovariate(1 / pause))


class SipActions:
    """What every attacker with a socket can do."""

    def __init__(self, name: str, targets: Targets, sip: SipAttacker, chance: random.Random) -> None:
        self.name, self.targets, self.sip, self.chance = name, targets, sip, chance

    def note(self, action: str, answer: str = "", times: int = 1) -> None:
        """Count an action."""
        self.targets.tally.add(self.name, action, answer, times)

    async def guess_pin(self, sender: Sender) -> None:
        """Guess PINs on the officials' line, with a staff code where it is asked for."""
        code = self.chance.choice(["", "1001#", "1002#", "1003#", "9999#"])
        typed = "".join(f"{code}{wrong_pin(self.chance)}#" for _ in range(self.chance.randint(1, 3)))
        answer = await self.sip.call(OFFICIALS_LINE, sender, self.forged_headers(), keys(typed), 0.5)
        self.note("PIN guesses, officials' line", answer)

    async def guess_emergency_pin(self, sender: Sender) -> None:
        """Guess PINs on the emergency line."""
        typed = "".join(f"{wrong_pin(self.chance)}#" for _ in range(3))
        answer = await self.sip.call(district.EMERGENCY, sender, (), keys(typed), 0.5)
        self.note("PIN guesses, emergency line", answer)

    async def guess_case(self, sender: Sender) -> None:
        """Guess case numbers on the hotline."""
        typed = "3" + "".join(f"{self.chance.randrange(10**7):07}#" for _ in range(2))
        self.note("case numbers", await self.sip.call(HOTLINE, sender, (), keys(typed), 0.5))

    async def flood_calls(self, sender: Callable[[], Sender]) -> None:
        """Place several calls at the same time, and speak in them."""
        lines = [self.chance.choice([OFFICIALS_LINE, HOTLINE, district.EMERGENCY]) for _ in range(CALLS_AT_ONCE)]
        calls = [self.sip.call(line, sender(), (), keys("2" if line == HOTLINE else ""), 1.0) for line in lines]
        for answer in await asyncio.gather(*calls):
            self.note("calls, several at once", answer)

    async def text(self, sender: Sender, to: str) -> None:
        """Send a text with markup."""
        kind = self.chance.choice(["text/plain", "text/plain;charset=utf-8", "text/html", "application/sdp"])
        answer = await self.sip.request("MESSAGE", to, sender, (f"Content-Type: {kind}",), self.chance.choice(MARKUP))
        self.note("texts", answer)

    async def scan(self, sender: Sender) -> None:
        """Send one request of any method to any number."""
        method, to = self.chance.choice(METHODS), self.chance.choice(NUMBERS)
        is_offer = method in ("INVITE", "UPDATE")
        body = session_description(self.sip.bind, 9) if is_offer else "1" if method == "MESSAGE" else ""
        more = ["Event: dialog", "Refer-To: <sip:0900123456@192.0.2.1>", "Replaces: a;to-tag=b;from-tag=c"]
        more = [*more, f"Content-Type: {'application/sdp' if is_offer else 'text/plain'}"]
        if method == "INVITE":
            # One that is answered is a call, which has to be ended.
            answer = await self.sip.call(to, sender, self.forged_headers())
        else:
            answer = await self.sip.request(method, to, sender, (*more, *self.forged_headers()), body)
        self.note(f"{method} to any number", answer)

    async def register_as_another(self, sender: Sender) -> None:
        """Try to register for another account, with this one's password or a guessed one."""
        of = self.chance.choice(["cb-1", "cp-1", "may-hai", "ban-truc", "carrier"])
        contact = (f"Contact: <sip:{of}@{self.sip.address}>", "Expires: 600")
        for name, password in ((sender.name or of, sender.password or "1234"), (of, "1234"), (of, of)):
            answer = await self.sip.request("REGISTER", of, Sender(of, name=name, password=password), contact)
            self.note("REGISTER for others", answer)

    async def inject(self) -> None:
        """Send loud sound into the ports of the calls in progress and of the honest speakers."""
        targets = self.targets.media_ports() + self.targets.speaker_ports()
        streams: dict[int, RtpStream] = {}
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((self.sip.bind, 0))
            sender.setblocking(False)
            for _ in range(int(INJECTED_SECONDS / TICK)):
                sent += inject(sender, targets, streams, self.chance)
                await asyncio.sleep(TICK)
        self.note("RTP into others' ports", times=sent)

    def forged_headers(self) -> tuple[str, ...]:
        """Return headers in which a caller claims to be someone else."""
        official = self.chance.choice(OFFICIALS)
        claims = (
            f"P-Asserted-Identity: <sip:{official}@{self.targets.server}>",
            f"Remote-Party-ID: <sip:{official}@{self.targets.server}>;party=calling;privacy=off",
            f"Diversion: <sip:{official}@{self.targets.server}>;reason=unconditional",
            "Privacy: id",
            "Priority: emergency",
            "Call-Info: <sip:x>;answer-after=0",
        )
        return tuple(self.chance.sample(claims, self.chance.randrange(len(claims))))


@asynccontextmanager
async def sip_actions(name: str, targets: Targets, chance: random.Random, at: str) -> AsyncIterator[SipActions]:
    """An attacker's own socket."""
    sip = await SipAttacker.opened(targets.server, chance, at)
    try:
        yield SipActions(name, targets, sip, chance)
    finally:
        sip.close()


async def stolen_speaker(targets: Targets, chance: random.Random) -> None:
    """A loudspeaker's password is known: it registers, answers its calls, and abuses them."""
    me = Sender(STOLEN_SPEAKER, name=STOLEN_SPEAKER, password=district.password(STOLEN_SPEAKER))
    async with sip_actions(SPEAKER, targets, chance, SPEAKER_AT) as sip:
        actions: list[Action] = [
            lambda: sip.scan(me),
            lambda: sip.scan(Sender(chance.choice(OFFICIALS), name=me.name, password=me.password)),
            lambda: sip.register_as_another(me),
            lambda: flood_of_registrations(sip, me),
            lambda: sip.text(me, chance.choice(NUMBERS)),
            sip.inject,
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(attack(actions, chance, 0.3))
            group.create_task(hostile_devices(sip))


async def hostile_devices(sip: SipActions) -> None:
    """Be one device after another: one that answers and attacks, or one that redirects."""
    chance, server = sip.chance, sip.targets.server
    password = district.password(STOLEN_SPEAKER)
    loop = asyncio.get_running_loop()
    while True:
        until = loop.time() + chance.uniform(*DEVICE_SECONDS)
        if chance.random() < 0.3:
            contact = chance.choice([*NAMED, "0900123456"])
            headers = (f"Contact: <sip:{contact}@{server}>",)
            redirecting = BareSpeaker(
                server, STOLEN_SPEAKER, password, "302 Moved Temporarily", headers, bind=SPEAKER_AT
            )
            await asyncio.to_thread(redirecting.__enter__)
            await asyncio.sleep(until - loop.time())
            await asyncio.to_thread(redirecting.__exit__, None, None, None)
            sip.note("calls answered with 302", times=len(redirecting.invites))
            continue
        device = HostileDevice(server, STOLEN_SPEAKER, password, bind=SPEAKER_AT)
        await asyncio.to_thread(device.__enter__)
        try:
            while loop.time() < until:
                await asyncio.sleep(0.3)
                if device.invites:
                    await abuse_call(sip, device)
        finally:
            await asyncio.to_thread(device.__exit__, None, None, None)
            for method, status in device.answers:
                sip.note(f"{method} by a device in a call", status)


async def abuse_call(sip: SipActions, device: HostileDevice) -> None:
    """Send requests of every kind in the call that the station placed, and sound into it."""
    every = hostile_requests(device, sip.targets.server, sip.targets.carrier.address)
    # The device acknowledges nothing: an INVITE that was answered would be a call for ever.
    some: list[Attempt] = sip.chance.sample(every, 6)
    device.attack(some)
    found = _SERVER_PORT.search(device.invites[-1])
    stream = RtpStream(sip.chance)
    if found is not None:
        for _ in range(25):
            device.send_sound(stream.tone(), int(found[1]))
            await asyncio.sleep(TICK)
        sip.note("RTP into its own call", times=25)


async def flood_of_registrations(sip: SipActions, sender: Sender) -> None:
    """Register many times, with the right password and with wrong ones."""
    for number in range(15):
        password = sender.password if number % 3 == 0 else f"wrong-{number}"
        who = Sender(sender.user, name=sender.name, password=password)
        contact = (f"Contact: <sip:{sender.user}@{sip.sip.address}>", f"Expires: {sip.chance.choice([0, 1, 60])}")
        sip.note("REGISTER flood", await sip.sip.request("REGISTER", sender.user, who, contact))


async def stolen_phone(targets: Targets, chance: random.Random) -> None:
    """A phone account's password is known: it calls the lines, as itself and as someone else."""
    secret = district.password(STOLEN_PHONE)

    def me() -> Sender:
        display = chance.choice(["", district.HAI, "Nông Văn Hải", "113"])
        return Sender(STOLEN_PHONE, display, name=STOLEN_PHONE, password=secret)

    def forged() -> Sender:
        return Sender(chance.choice([*OFFICIALS, "may-hai", "may-lan"]), name=STOLEN_PHONE, password=secret)

    async with sip_actions(PHONE, targets, chance, PHONE_AT) as sip:
        actions: list[Action] = [
            lambda: sip.guess_pin(me()),
            lambda: sip.guess_pin(forged()),
            lambda: sip.guess_emergency_pin(me()),
            lambda: sip.guess_case(me()),
            lambda: sip.flood_calls(me),
            lambda: sip.text(me(), chance.choice([HOTLINE, OFFICIALS_LINE, "cb-1", "0900123456"])),
            lambda: sip.scan(me()),
            lambda: sip.scan(forged()),
            lambda: sip.register_as_another(me()),
            sip.inject,
        ]
        await attack(actions, chance, 0.5)


async def stranger(targets: Targets, chance: random.Random) -> None:
    """Someone on the network without an account: scans, malformed messages, and sound into every port."""

    def anybody() -> Sender:
        user = chance.choice(["100", "admin", "cb-1", "carrier", "may-hai", district.HAI, "anonymous", ""])
        return Sender(user, name=user, password=chance.choice(["", "1234", user]))

    async with sip_actions(STRANGER, targets, chance, STRANGER_AT) as sip:

        async def garbage() -> None:
            for _ in range(20):
                sip.sip.raw(malformed(chance, sip.sip, targets.server))
                await asyncio.sleep(0.01)
            sip.note("malformed SIP", times=20)

        async def call_speakers() -> None:
            for port in targets.speaker_ports():
                uri = f"sip:{chance.choice(['cb-1', 'cp-1', 'x'])}@127.0.0.1:{port}"
                offer = session_description(STRANGER_AT, 9)
                more = ("Content-Type: application/sdp", "Call-Info: <sip:x>;answer-after=0", "Priority: emergency")
                branch, call_id = f"z9hG4bK{chance.getrandbits(64):x}", f"{chance.getrandbits(64):x}"
                message = sip.sip.message("INVITE", uri, f"<{uri}>", anybody(), call_id, 1, branch, more, offer)
                sip.sip.raw(message, ("127.0.0.1", port))
            sip.note("INVITE straight to speakers")

        actions: list[Action] = [
            lambda: sip.scan(anybody()),
            lambda: sip.register_as_another(Sender("")),
            lambda: sip.text(anybody(), HOTLINE),
            lambda: sip.guess_pin(anybody()),
            garbage,
            call_speakers,
            sip.inject,
        ]
        await attack(actions, chance, 0.3)


async def forging_caller(targets: Targets, chance: random.Random) -> None:
    """A caller whose From the carrier lets through as it is."""
    sip = SipActions(CARRIER, targets, targets.carrier, chance)

    def subscriber() -> str:
        return f"09{chance.randrange(10**8):08}"

    def anybody() -> Sender:
        kinds = [
            chance.choice(OFFICIALS),
            f"0{district.HAI[3:]}",
            chance.choice(NO_SUBSCRIBERS),
            "anonymous",
            subscriber(),
        ]
        return Sender(chance.choice(kinds), chance.choice(["", "Nông Văn Hải", 'a\\"b', "${EXTEN}"]))

    async def missed_call() -> None:
        # A subscriber would be called back: that is what the line is for.
        number = chance.choice(NO_SUBSCRIBERS)
        sip.note("missed calls", await sip.sip.missed_call(MISSED_CALL_LINE, Sender(number), chance.uniform(0.1, 1.5)))

    async def flood_of_texts() -> None:
        for _ in range(10):
            await sip.text(Sender(chance.choice([*NO_SUBSCRIBERS, subscriber()])), HOTLINE)

    actions: list[Action] = [
        lambda: sip.guess_pin(Sender(chance.choice(OFFICIALS))),
        lambda: sip.guess_pin(anybody()),
        lambda: sip.guess_emergency_pin(anybody()),
        lambda: sip.guess_case(anybody()),
        lambda: sip.flood_calls(anybody),
        lambda: sip.scan(anybody()),
        missed_call,
        flood_of_texts,
    ]
    await attack(actions, chance, 0.5)
