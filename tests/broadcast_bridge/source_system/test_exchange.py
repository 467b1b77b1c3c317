"""The exchange with a province: nothing is lost and nothing is doubled, whatever fails in between."""

import datetime
import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system import bulletin_intake, http_wire, offered, report_queue, source_links
from broadcast_bridge.source_system.exchange import Ordered, Withdrawn
from broadcast_bridge.source_system.models import Bulletin, SourceReport
from broadcast_bridge.source_system.province import PAGE, Fault, Province
from broadcast_bridge.source_system.states import DeviceAction
from haichieu.database import Database, now
from haichieu.locale import render
from tests.broadcast_bridge.source_system.link import AREA, DAY, DEVICE, HOUR, Link, audio, link_to, text

PATHS = {
    "neutral": ("token", "messages", "devices", "reports"),
    "device": ("Login", "LenhDieuKhien", "Ping", "AddPlaylist"),
    "portal": ("Login", "YeuCau", "api8", "api9"),
}
both_dialects = pytest.mark.parametrize("dialect", ["neutral", "device"])


def reported(link: Link) -> set[str]:
    return {str(one["id"]) for one in link.province.book.receipts.values()}


async def aired(link: Link, external_id: str = "b1") -> None:
    """Have a priority bulletin broadcast, and heard by the first speaker."""
    link.give_sound(external_id)
    await link.work()
    link.end_broadcast(link.broadcasts()[-1].id)


@both_dialects
async def test_bulletin_comes_down_once_and_its_log_goes_up_once(link: Link, dialect: str) -> None:
    link.province.issue(text(priority=Priority.PRIORITY))
    assert (await link.exchange()).last_problem is None
    await aired(link, "b1" if dialect == "neutral" else "b1/b1")
    for _ in range(2):
        assert (await link.exchange()).last_problem is None
    book = link.province.book
    assert (list(link.states().values()), reported(link)) == (["aired"], {"b1"})
    assert len(link.broadcasts()) == 1
    (heard, *others) = book.logs.values()
    if dialect == "neutral":
        assert [(one["device"], one["state"]) for one in book.logs.values()] == [
            (DEVICE, "played"),
            ("s11-1", "missed"),
        ]
        assert book.states("b1") == ["accepted", "scheduled", "aired"]
    else:
        assert (heard["CumLoaID"], heard["ThoiLuong"], heard["MucDoUuTien"]) == (DEVICE, "00:01:00", "2")
        assert others == []
    assert (book.repeated, book.wrong) == (0, [])


@both_dialects
async def test_speakers_are_reported_as_they_are(link: Link, dialect: str) -> None:
    await link.exchange()
    (state,) = link.province.book.devices.values()
    if dialect == "neutral":
        assert (state["id"], state["reachable"], state["playing"], state["since"]) == (DEVICE, True, None, None)
    else:
        assert (state["CumLoaID"], state["AmLuong"], state["TrangThaiHoatDong"]) == (DEVICE, "100", "2")


@both_dialects
async def test_emergency_of_either_protocol_is_an_emergency_here(link: Link, dialect: str) -> None:
    link.province.issue(text("lu", Priority.EMERGENCY, valid_until=now() + HOUR))
    await link.exchange()
    link.give_sound("lu")
    await link.work()
    (broadcast,) = link.broadcasts()
    assert (broadcast.priority, broadcast.siren) == ("emergency", True)
    assert broadcast.speaker_codes == ["s11-0", "s11-1"]


async def test_backlog_of_many_pages_arrives_in_its_order(link: Link) -> None:
    link.province.issue(*(text(f"b{n}") for n in range(2 * PAGE + 3)))
    source = await link.exchange()
    assert (list(link.states()), source.cursor) == ([f"b{n}" for n in range(2 * PAGE + 3)], str(2 * PAGE + 3))


@pytest.mark.parametrize("dialect", sorted(PATHS))
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.WRONG_JSON, Fault.ANSWER_LOST, Fault.SIGNED_OUT])
async def test_fault_at_any_request_loses_and_doubles_nothing(link: Link, dialect: str, fault: Fault) -> None:
    paths = PATHS[dialect]
    for number, path in enumerate(paths):
        link.province.issue(audio(f"b{number}", "https://nguon.example/x.wav", Priority.PRIORITY))
        link.province.revoke_tokens()
        link.province.faults += [(path, fault)] * 4  # a token is renewed, and a GET repeated, without a failure
        failed = await link.exchange()
        assert (failed.failures, failed.last_problem is not None) == (1, True), path
        link.province.faults.clear()
        assert (await link.exchange()).last_problem is None
    assert len(link.states()) == len(paths)
    assert reported(link) == {f"b{number}" for number in range(len(paths))}
    assert link.province.book.wrong == []
    assert (
        link.look(lambda session: session.scalar(sa.select(sa.func.count()).where(SourceReport.sent_at.is_(None)))) == 0
    )


@pytest.mark.parametrize("dialect", ["neutral", "device", "portal"])
async def test_items_that_arrive_twice_are_taken_once(link: Link, dialect: str) -> None:
    items = [audio(f"b{n}", "https://nguon.example/x.wav", starts=[now() + HOUR]) for n in range(3)]
    link.province.issue(*items, Ordered("c1", DeviceAction.VOLUME, 50))
    link.province.faults.append(
        ({"neutral": "messages", "device": "LenhDieuKhien"}.get(dialect, "YeuCau"), Fault.DUPLICATE)
    )
    for _ in range(2):
        assert (await link.exchange()).last_problem is None
    assert len(link.states()) == 3
    assert set(link.states().values()) == {"offered"}
    assert (link.province.book.repeated, link.province.book.wrong) == (0, [])


async def test_items_in_the_wrong_order_give_the_same_result(link: Link) -> None:
    link.province.issue(text("b1"), Withdrawn("b1"), text("b2", Priority.EMERGENCY), Withdrawn("b2"), text("b3"))
    link.province.faults.append(("messages", Fault.OUT_OF_ORDER))
    assert (await link.exchange()).last_problem is None
    await link.work()
    assert link.states() == {"b1": "withdrawn", "b2": "withdrawn", "b3": "offered"}
    assert link.broadcasts() == []


async def test_expired_token_is_renewed_without_a_failure(link: Link) -> None:
    await link.exchange()
    link.province.revoke_tokens()
    assert (await link.exchange()).failures == 0
    assert link.province.logins == 2
    link.province.token_seconds = 1
    link.province.revoke_tokens()
    await link.exchange()
    before = link.province.logins
    await link.exchange()
    assert link.province.logins > before  # renewed ahead of its end


async def test_process_killed_before_the_cursor_moves_takes_no_item_twice(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.province.issue(text("b1"), text("b2"))
    with monkeypatch.context() as patched:
        patched.setattr(source_links, "_move_cursor", lambda session, source_id, cursor: 1 / 0)
        await link.exchange()
    assert link.states() == {"b1": "offered", "b2": "offered"}
    await link.exchange()
    assert link.states() == {"b1": "offered", "b2": "offered"}
    assert link.province.book.states("b1") == ["offered"]


async def test_process_killed_after_sending_sends_the_same_report_again(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.province.issue(text("b1"))
    with monkeypatch.context() as patched:
        patched.setattr(report_queue, "mark_sent", lambda session, row_id, at: 1 / 0)
        await link.exchange()
    assert (await link.exchange()).last_problem is None
    assert (link.province.book.repeated, link.province.book.wrong) == (1, [])
    assert len(link.province.book.receipts) == 1


async def test_failing_source_is_asked_less_often(link: Link) -> None:
    waits = []
    for _ in range(6):
        link.province.faults.append(("messages", Fault.ERROR))
        source = await link.exchange()
        assert source.next_poll_at is not None
        waits.append(round((source.next_poll_at - now()).total_seconds(), -1))
    assert waits == [30, 60, 120, 240, 300, 300]


async def test_slow_source_ends_at_the_limit(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_wire, "REQUEST_SECONDS", 0.05)
    link.province.faults.append(("messages", Fault.SLOW))
    assert (await link.exchange()).last_problem is not None


async def test_report_that_is_always_refused_does_not_delay_the_others(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = link.province.keep

    def refuse_the_first(reports: dict[str, Mapping[str, Any]], key: str, report: Mapping[str, Any]) -> None:
        if "b1" in key:
            raise web.HTTPUnprocessableEntity
        keep(reports, key, report)

    monkeypatch.setattr(link.province, "keep", refuse_the_first)
    link.province.issue(text("b1"), text("b2"))
    for _ in range(report_queue.MOST_REFUSALS):
        await link.exchange()
    assert reported(link) == {"b2"}
    assert link.alarms() == {"source_defective"}


async def test_clocks_that_differ_raise_an_alarm_until_they_agree(link: Link) -> None:
    link.province.clock_ahead = datetime.timedelta(minutes=20)
    await link.exchange()
    assert link.alarms() == {"source_defective"}
    link.province.clock_ahead = datetime.timedelta(0)
    await link.exchange()
    assert link.alarms() == set()


async def test_item_that_is_no_bulletin_is_refused_and_the_next_one_taken(link: Link) -> None:
    link.province.issue(
        {"type": "bulletin", "id": "p9", "title": "Lạ", "kind": "text", "text": "Chào", "priority": "very high"},
        {"type": "bulletin", "id": "short"},
        {"nonsense": 1},
        text("good"),
    )
    assert (await link.exchange()).last_problem is None
    assert link.states() == {"p9": "refused", "short": "refused", "good": "offered"}
    assert link.province.book.states("p9") == ["refused"]
    assert "very high" in str(next(iter(link.province.book.receipts.values()))["reason"])
    assert link.alarms() == {"bulletin_refused", "source_defective"}


async def test_command_that_fails_inside_makes_no_bulletin(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulletin_intake.device_commands, "take", lambda *args: 1 / 0)
    link.province.issue(Ordered("c1", DeviceAction.VOLUME, 50), text("b1"))
    assert (await link.exchange()).last_problem is None
    assert (link.states(), link.alarms()) == ({"b1": "offered"}, {"source_defective"})


async def test_withdrawal_before_its_bulletin_is_remembered(link: Link) -> None:
    link.province.issue(Withdrawn("b1"), text("b1", Priority.EMERGENCY), text("b2"))
    await link.exchange()
    await link.work()
    assert (link.states(), len(link.broadcasts())) == ({"b1": "withdrawn", "b2": "offered"}, 0)


async def test_unusable_bulletins_are_reported_and_shown_with_the_reason(link: Link) -> None:
    past, urgent = now() - DAY, Priority.EMERGENCY
    link.province.issue(
        text("nowhere", areas=["H99"]),
        text("expired", urgent, valid_until=past),
        text("silent", text=" "),
        audio("no-link", ""),
        {"type": "bulletin", "id": "priority", "title": "Lạ", "kind": "text", "text": "A", "priority": "very high"},
        {"type": "bulletin", "id": "broken", "title": "Hỏng"},
        {"type": "bulletin", "id": "kind", "title": "Phim", "kind": "video", "priority": "normal"},
        {"type": "bulletin", "id": "time", "title": "Giờ", "kind": "text", "priority": "normal", "starts": ["5 giờ"]},
        {"type": "picture", "id": "type", "title": "Ảnh"},
        Withdrawn("early"),
        text("early"),
    )
    await link.exchange()
    reasons = {str(one["id"]): str(one["reason"]) for one in link.province.book.receipts.values()}
    words = {
        "nowhere": "H99", "expired": "hết hạn", "silent": "", "no-link": "", "priority": "very high", "broken": "",
        "kind": "phải là một trong: text, audio", "time": "phải là thời điểm có múi giờ",
        "type": "phải là một trong: bulletin, withdrawal, command", "early": "trước khi đến",
    }  # fmt: skip
    assert {name: words[name] in reasons[name] for name in reasons} == dict.fromkeys(words, True)
    units = [link.place.district.id, link.place.commune.id]
    shown = {one.external_id: one for one in link.look(lambda session: offered.listed(session, units, 20))}
    assert shown.keys() == words.keys()
    assert all(one.reason for one in shown.values())
    assert (shown["early"].state, shown["early"].title) == ("withdrawn", "Bản tin early")


async def test_certificate_of_a_stranger_is_not_accepted(database: Database, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now() - DAY).not_valid_after(now() + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain = tmp_path / "chain.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    province = Province()
    server = TestServer(province.app, scheme="https")
    await server.start_server(ssl=context)
    link = link_to(database, server, province, tmp_path)
    problem = (await link.exchange()).last_problem
    await server.close()
    assert problem is not None
    assert "Certificate" in render(problem, "en")
    assert province.logins == 0


@both_dialects
async def test_password_of_another_is_reported_and_nothing_is_fetched(link: Link, dialect: str) -> None:
    wrong = link.links._vault.lock("wrong")
    link.look(lambda session: session.execute(sa.update(source_links.Source).values(password_locked=wrong)))
    link.province.issue(text())
    source = await link.exchange()
    assert source.last_problem is not None
    assert (source.last_problem.key, link.states()) == ("source.login_refused", {})


async def test_schedule_of_a_province_is_withdrawn_with_its_bulletins(link: Link) -> None:
    link.province.issue(text("lich/1"), text("lich/2"), Withdrawn("lich"), text("lich/3"))
    await link.exchange()
    assert link.states() == {"lich/1": "withdrawn", "lich/2": "withdrawn", "lich": "withdrawn", "lich/3": "withdrawn"}


async def test_bulletin_for_unknown_areas_is_refused_and_reported(link: Link) -> None:
    link.province.issue(text("b1", Priority.PRIORITY, areas=["H99"]), text("b2", areas=[AREA, "H99"]))
    await link.exchange()
    assert link.states() == {"b1": "refused", "b2": "offered"}
    reasons = [str(one["reason"]) for one in link.province.book.receipts.values()]
    assert all("H99" in reason for reason in reasons)
    assert link.look(lambda session: session.get_one(Bulletin, 2)).speaker_codes == ["s11-0", "s11-1"]
