"""Notices by Web Push: the protocol, the rights of those who receive them, and browsers that are gone."""

import datetime
import ipaddress
import json
from functools import partial

import pytest
import sqlalchemy as sa
import time_machine
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.asymmetric import ec

from admin.notices import subscriptions
from admin.notices.models import PushNotice, PushSubscription
from admin.notices.notice_watch import KEPT, find_new, prune, store
from admin.notices.push_encryption import BrowserKeys, encrypt, station_key
from admin.notices.push_jobs import PushJobs
from admin.notices.push_service import (
    PublicAddresses,
    PublicPushService,
    UnsafeEndpoint,
    is_public,
    require_public_endpoint,
)
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring, Source
from feedback.models import Case
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.locale import LANGUAGES, Message, render
from haichieu.people import Account, Unit
from haichieu.vault import hash_secret
from tests.builders.accounts import APPROVER, EDITOR, OPERATOR, VIEWER
from tests.builders.cases import written
from tests.builders.house import House
from tests.builders.programmes import drafted
from tests.builders.push_service import (
    LocalPushService,
    SubscribedBrowser,
    base64_of,
    local_push_service,
    unbase64,
    verified_claims,
)

ADMIN = "admin@district.example"
DOWN = Message.verbatim("Asterisk không chạy.")


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unbase64(text)), ec.SECP256R1())


def subscribed(house: House, email: str, endpoint: str = "", browser: SubscribedBrowser | None = None) -> int:
    """Subscribe a browser; one with a local endpoint as no page lets it."""
    browser = browser or SubscribedBrowser()
    with house.database.session() as session:
        account = session.query(Account).filter_by(email=email).one()
        offer = subscriptions.Offer(f"https://push.example.org/{email}", browser.keys["p256dh"], browser.keys["auth"])
        made = subscriptions.subscribe(session, account, offer, "test", now())
        made.endpoint = endpoint or made.endpoint
        session.flush()
        return made.id


def look(house: House) -> int:
    """Store what is new."""
    with house.database.session() as session:
        return store(session, find_new(session, now()), now())


def texts(house: House, language: str = "vi") -> dict[str, list[str]]:
    """The texts that wait, by account."""
    found: dict[str, list[str]] = {}
    with house.database.session() as session:
        for one in session.scalars(sa.select(PushNotice).order_by(PushNotice.id)):
            if one.text is not None:
                found.setdefault(one.subscription.account.email, []).append(render(one.text, language))
    return found


def test_encryption_is_that_of_the_example_of_rfc_8291() -> None:
    receiver = SubscribedBrowser(
        private_key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), unbase64("BTBZMqHH6r4Tts7J_aSIgg")
    )
    keys = BrowserKeys.read(receiver.keys["p256dh"], receiver.keys["auth"])
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        keys,
        lambda: private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        lambda: unbase64("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert base64_of(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert receiver.decrypt(body) == b"When I grow up, I want to be a watermelon"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.1.2.3/", "https://localhost/x",
        "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "https://push.example.org:8443/x", "ftp://a.b/",
        "https://user@push.example.org/", "https://push.example.org/ x", "https://2130706433/", "https://0x7f.1/",
        "https://224.0.0.1/", "https://[64:ff9b::a00:1]/", "https://push.example.org\\@127.0.0.1/", "", "https://",
        "https://push.example.org/" + "x" * 1000, "https://đài.vn/x", "https://push.example.org:x/",
        "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_endpoint_that_is_not_public_https_is_refused(endpoint: str) -> None:
    with pytest.raises(UnsafeEndpoint):
        require_public_endpoint(endpoint)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


class Names(AbstractResolver):
    """Knows one host, with these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host, port=0, family=0):  # type: ignore[no-untyped-def]
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0}
            for one in self._addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_host_name_that_leads_into_our_network_is_not_used() -> None:
    with pytest.raises(UnsafeEndpoint):
        await PublicAddresses(Names("192.168.1.1", "127.0.0.1")).resolve("push.example.org", 443)
    found = await PublicAddresses(Names("192.168.1.1", "8.8.8.8")).resolve("push.example.org", 443)
    assert [one["host"] for one in found] == ["8.8.8.8"]


async def test_a_stored_endpoint_is_checked_again_before_sending() -> None:
    with pytest.raises(UnsafeEndpoint):
        await PublicPushService().post("https://127.0.0.1/x", {}, b"")


def test_each_account_hears_of_its_units_and_rights_only(house: House) -> None:
    for email in (ADMIN, APPROVER, EDITOR, OPERATOR, VIEWER):
        subscribed(house, email)
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        raise_alarm(
            session, AlarmKind.SIGN_IN_LOCKED, "account:editor@x.example", Message.verbatim("Bà Lan gọi 0912345678")
        )
    drafted(house, state=ProgrammeState.SUBMITTED, title="Trả lời bà Lan")
    drafted(house, "other", state=ProgrammeState.SUBMITTED)
    number = written(house, house.home, "Bà Lan ở xóm trên mất trâu")
    with house.database.session() as session:
        session.query(Case).filter_by(number=number).one().overdue_alarm_at = now()
    look(house)
    found = texts(house)
    some_alarm = "Có cảnh báo mới. Mở trang Tổng quan để xem."
    late, approval = "Một phản ánh ở {} đã quá hạn trả lời.", "Một chương trình của {} đang chờ duyệt."
    assert found == {
        ADMIN: [
            some_alarm, "Asterisk không chạy.", approval.format("Đơn vị other"), approval.format("Đơn vị commune"),
            late.format("Đơn vị commune"),
        ],
        APPROVER: [approval.format("Đơn vị commune")],
        EDITOR: [late.format("Đơn vị commune")],
        OPERATOR: [some_alarm, late.format("Đơn vị commune")],
    }  # fmt: skip
    for language in LANGUAGES:
        said = json.dumps(texts(house, language), ensure_ascii=False)
        assert not any(private in said for private in ("Lan", "trâu", number, "0912345678"))
    assert look(house) == 0  # nothing is sent twice


def test_order_of_a_bulletin_is_a_notice_for_those_who_schedule(house: House) -> None:
    for email in (EDITOR, VIEWER):
        subscribed(house, email)
    with house.database.session() as session:
        source = Source(
            code="tinh", name="Tỉnh", dialect="neutral", address="http://127.0.0.1:9", username="u",
            password_locked="x", external_id="H24", unit_id=house.units["commune"],
        )  # fmt: skip
        made = Bulletin(
            source=source, external_id="b", unit_id=house.units["commune"], title="Phòng dịch", state="scheduled",
            priority="priority", received_at=now(),
        )  # fmt: skip
        soon = now() + datetime.timedelta(hours=1)
        made.airings.append(
            BulletinAiring(
                starts_at=soon, rival="Tin của xã", rival_begins=soon, rival_ends=soon, decide_by=soon, asked_at=now()
            )
        )
        session.add(made)
    look(house)
    said = "Một bản tin của tỉnh gửi cho Đơn vị commune trùng giờ với chương trình của xã: hãy chọn bên nào phát trước."
    assert texts(house) == {EDITOR: [said]}
    assert look(house) == 0


def test_many_at_once_are_one_notice_and_old_ones_none(house: House) -> None:
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.VOICE_DOWN, "en", DOWN)
    subscribed(house, ADMIN)
    assert look(house) == 0
    with house.database.session() as session:
        for number in range(5):
            raise_alarm(session, AlarmKind.TRUNK_DOWN, f"trunk:{number}", DOWN)
    assert look(house) == 1
    assert texts(house) == {ADMIN: ["Có 5 cảnh báo mới."]}
    assert look(house) == 0
    with house.database.session() as session:
        prune(session, now() + KEPT + datetime.timedelta(minutes=1))
        assert session.query(PushNotice).count() == session.query(Job).filter_by(kind="push").count() == 0


def jobs_of(house: House, service: LocalPushService) -> PushJobs:
    key = partial(station_key, house.home)
    return PushJobs(house.database, key, "https://loa.example.vn", service)


async def test_a_push_arrives_signed_and_only_its_browser_reads_it(house: House) -> None:
    browser = SubscribedBrowser()
    async with local_push_service() as service:
        subscribed(house, ADMIN, f"{service.address}/send/abc", browser)
        with house.database.session() as session:
            raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        look(house)
        assert await jobs_of(house, service).step() == 1
        (headers, body), *more = service.received
    assert not more
    assert (headers["Content-Encoding"], headers["Urgency"]) == ("aes128gcm", "high")
    assert 0 < int(headers["TTL"]) <= 4 * 3600
    claims = verified_claims(headers["Authorization"], station_key(house.home).public)
    assert (claims["aud"], claims["sub"]) == (service.address, "https://loa.example.vn")
    assert now().timestamp() < claims["exp"] <= now().timestamp() + 24 * 3600  # type: ignore[operator]
    said = json.loads(browser.decrypt(body))
    assert (said["title"], said["body"], said["path"]) == ("Cảnh báo của đài", "Asterisk không chạy.", "/#alarms")
    assert b"Asterisk" not in body
    with house.database.session() as session:
        assert session.query(Job).filter_by(kind="push").one().state == "done"


@pytest.mark.parametrize("state", [404, 410])
async def test_a_browser_that_is_gone_for_ever_is_removed(house: House, state: int) -> None:
    async with local_push_service() as service:
        subscribed(house, ADMIN, f"{service.address}/x")
        service.answers = [state]
        with house.database.session() as session:
            raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        look(house)
        await jobs_of(house, service).step()
    with house.database.session() as session:
        assert session.query(PushSubscription).count() == session.query(PushNotice).count() == 0
        dropped = session.query(AuditEntry).filter_by(action="push.drop").one()
        assert (dropped.subject, dropped.detail["because"]) == (f"account:{ADMIN}", "gone")


async def test_a_service_that_is_away_is_tried_again_until_the_end(house: House) -> None:
    async with local_push_service() as service:
        subscribed(house, ADMIN, f"{service.address}/x")
        service.answers = [503, 429, 500, 503]
        with house.database.session() as session:
            raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        look(house)
        runner = jobs_of(house, service)
        begun = now()
        for minutes in (0, 1, 4, 30):
            with time_machine.travel(begun + datetime.timedelta(minutes=minutes), tick=True):
                assert await runner.step() == 1
                with house.database.session() as session:
                    job = session.query(Job).filter_by(kind="push").one()
                    assert (job.state, job.due_at > now()) == ("waiting", True)
        with time_machine.travel(begun + datetime.timedelta(hours=5), tick=True):
            assert await runner.step() == 1
        assert len(service.received) == 4  # what has expired is not sent
    with house.database.session() as session:
        assert session.query(Job).filter_by(kind="push").one().state == "done"
        assert session.query(PushSubscription).count() == 1


@pytest.mark.parametrize("how", ["turned off", "password changed", "disabled"])
async def test_nothing_is_sent_to_an_account_that_may_not_have_it(house: House, how: str) -> None:
    async with local_push_service() as service:
        subscribed(house, ADMIN, f"{service.address}/x")
        with house.database.session() as session:
            raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        look(house)
        with house.database.session() as session:
            account = session.query(Account).filter_by(email=ADMIN).one()
            if how == "turned off":
                subscriptions.choose(session, account, ["cases"])
            else:
                account.password_hash = hash_secret("another one") if how == "password changed" else ""
            raise_alarm(session, AlarmKind.TRUNK_DOWN, "trunk:1", DOWN)
        assert look(house) == 0
        await jobs_of(house, service).step()
        assert service.received == []


def test_switches_and_browsers_are_on_the_account_page(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    page = browser.get("/account").text
    assert page.count('name="kind"') == 2  # an operator approves nothing
    assert f'data-push="{station_key(house.home).public}"' in page
    keys = SubscribedBrowser().keys
    there = {"do": "add", "kind": "alarms", "endpoint": "https://push.example.org/1", **keys}
    assert (
        "Thiết bị này sẽ nhận thông báo"
        in browser.client.get(browser.post("/account/notifications", **there).location).text
    )
    page = browser.get("/account").text
    assert page.count('name="remove"') == 1
    assert page.count('name="kind" value="alarms" checked') == 1
    assert 'name="kind" value="cases" checked' not in page
    for wrong in ({"endpoint": "https://127.0.0.1:22/"}, {"p256dh": "AAAA"}, {"auth": "x"}):
        refused = browser.post("/account/notifications", **{**there, **wrong})
        assert "Chưa bật được thông báo" in browser.client.get(refused.location).text
    with house.database.session() as session:
        number = session.query(PushSubscription).one().id
    house.signed_in(EDITOR).post("/account/notifications", remove=str(number))
    with house.database.session() as session:
        assert session.query(PushSubscription).count() == 1  # that of another account
    browser.post("/account/notifications", remove=str(number))
    with house.database.session() as session:
        assert session.query(PushSubscription).count() == 0
    assert 'name="kind"' not in house.signed_in(VIEWER).get("/account").text


def test_a_shared_browser_belongs_to_who_asked_last(house: House) -> None:
    keys = SubscribedBrowser().keys
    for email in (OPERATOR, EDITOR):
        house.signed_in(email).post(
            "/account/notifications", do="add", kind="cases", endpoint="https://push.example.org/same", **keys
        )
    with house.database.session() as session:
        assert session.query(PushSubscription).one().account.email == EDITOR


def test_the_app_can_be_installed(house: House) -> None:
    browser = house.browser()
    manifest = browser.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    said = json.loads(manifest.text)
    assert (said["start_url"], said["display"], len(said["icons"])) == ("/", "standalone", 4)
    assert all(browser.get(icon["src"]).mimetype == "image/png" for icon in said["icons"])
    worker = browser.get("/service-worker.js")
    assert (worker.mimetype, worker.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    assert 'rel="manifest" href="/manifest.webmanifest"' in browser.get("/login").text


def test_an_open_page_learns_what_needs_the_visitor(house: House) -> None:
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", DOWN)
        session.add(Unit(code="X", name="Xa", level="village", parent_id=house.units["commune"]))
    drafted(house, state=ProgrammeState.SUBMITTED)
    assert 'data-attention="2"' in house.signed_in(ADMIN).get("/on-air").text
    assert "data-attention" not in house.signed_in(ADMIN).get("/account").text  # a page costs no more
    assert 'data-attention="1"' in house.signed_in(APPROVER).get("/on-air").text
    assert 'data-attention="0"' in house.signed_in(VIEWER).get("/on-air").text
