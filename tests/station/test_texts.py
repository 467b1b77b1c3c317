"""Texts as SIP MESSAGE (RFC 3428): from phones and a GSM gateway to the case and back."""

import asyncio

import pytest
import sqlalchemy as sa

from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases.case_numbers import spoken_groups
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Citizen, Message, Reply
from feedback.states import Way
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.jobs import Job
from tests import asterisk_rest
from tests.crashes.processes import child_of, kill
from tests.on_disk import files_with
from tests.station.texting import Texting

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]


async def test_phone_that_texts_receives_its_case_number(texting: Texting) -> None:
    assert await texting.phone.text("1022", "Cầu treo Cô Ba hỏng 😀") == 202
    number = await texting.files("Cầu treo Cô Ba hỏng 😀")
    receipt = await texting.phone.text_received()
    assert (receipt["sender"], spoken_groups(number) in receipt["text"]) == ("1022", True)
    assert await texting.phone.text("1022", f"{number} thêm: mất điện") == 202
    assert await texting.files(f"{number} thêm: mất điện") == number
    assert spoken_groups(number) in (await texting.phone.text_received())["text"]


async def test_gateway_delivers_a_text_and_its_answer(texting: Texting) -> None:
    assert await texting.gateway.text("1022", "Mương Cốc Pàng cạn") == 202
    number = await texting.files("Mương Cốc Pàng cạn")
    receipt = await texting.gateway.text_received()
    assert (receipt["to"], spoken_groups(number) in receipt["text"]) == ("0912345678", True)
    answer = "Đã nạo vét xong. " * 40
    with texting.station.database.session() as session:
        case = session.scalars(sa.select(Case).where(Case.number == number)).one()
        replies.answer(session, case, Answer("account:a", [Way.TEXT], answer), now())
    got = await texting.gateway.text_received()
    assert (got["to"], got["text"]) == ("0912345678", answer.strip())

    def sent() -> bool:
        with texting.station.database.session() as session:
            return set(session.execute(sa.select(Reply.state, Reply.provider))) == {("sent", "sip")}

    await until(sent, "the answer is sent")


async def test_citizen_who_opts_out_receives_no_texts(texting: Texting) -> None:
    assert await texting.phone.text("1022", "HUY") == 202
    assert "không nhắn tin nữa" in (await texting.phone.text_received())["text"]
    await texting.phone.text("1022", "Mất nước ở Cốc Pàng")
    await texting.files("Mất nước ở Cốc Pàng")
    assert await texting.phone.text("1022", "DANG KY") == 202
    assert "lại nhắn tin" in (await texting.phone.text_received())["text"]


async def test_phone_texts_as_its_number_and_speakers_cannot_text(texting: Texting) -> None:
    speaker = await texting.scene.phone("cb-1")
    await speaker.text("1022", "Tôi là loa")
    await texting.phone.text("4711", "Gọi nhầm số")
    await texting.phone.text("1022", "Sau cùng")
    await texting.files("Sau cùng")
    assert not {"Tôi là loa", "Gọi nhầm số"} & set(texting.said())
    with texting.station.database.session() as session:
        sender = sa.select(Citizen).join(Case).join(Message).where(Message.text == "Sau cùng")
        assert open_citizens(texting.station.settings.home).number_of(session.scalars(sender).one()) == "+84987654321"
    await speaker.stop()


async def test_unauthenticated_sender_is_refused(texting: Texting) -> None:
    async with SoftPhone(server=texting.station.server, id="khach", password="wrong", bind="127.0.0.2") as stranger:
        await stranger.ready()
        assert await stranger.text("1022", "Tôi là ai") in (401, 403, 407, 408)
    assert "Tôi là ai" not in texting.said()


async def test_flood_of_texts_is_stored_and_calls_still_work(texting: Texting) -> None:
    before = len(texting.said())
    await asyncio.gather(*(texting.gateway.send({"do": "text", "to": "1022", "text": f"lũ {n}"}) for n in range(25)))
    await texting.phone.call("1022")
    await texting.phone.hang_up()
    await texting.phone.ended()
    await until(lambda: len(texting.said()) == before + 25, "all of the flood is stored")


async def test_answer_waits_for_a_phone_that_is_away(texting: Texting) -> None:
    await texting.phone.text("1022", "Đường vào bản bị sạt lở")
    number = await texting.files("Đường vào bản bị sạt lở")
    await texting.phone.stop()
    endpoint = "/endpoints/PJSIP/may-la"
    await until(
        lambda: asterisk_rest.request(texting.station.settings, "GET", endpoint)["state"] == "offline", "it is away"
    )
    with texting.station.database.session() as session:
        case = session.scalars(sa.select(Case).where(Case.number == number)).one()
        replies.answer(session, case, Answer("account:a", [Way.TEXT], "Đã thông đường"), now())

    def reply() -> Reply:
        with texting.station.database.session() as session:
            query = sa.select(Reply).join(Message).where(Message.text == "Đã thông đường")
            return session.scalars(query).one()

    await until(lambda: reply().attempts == 1 and reply().state != "under_way", "the first attempt")
    assert (reply().state, reply().reason.key) == ("waiting", "text.sip.refused")
    texting.phone = phone = await texting.scene.phone("may-la")
    with texting.station.database.session() as session:
        session.scalars(
            sa.select(Job).where(Job.subject_id == reply().id, Job.kind == "send-sip-text")
        ).one().due_at = now()
    assert (await phone.text_received())["text"] == "Đã thông đường"


async def test_text_sent_while_the_switchboard_is_down_becomes_a_case(texting: Texting) -> None:
    kill(child_of(texting.station, "switchboard"))
    assert await texting.gateway.text("1022", "Lúc đài đang dừng") == 202
    await texting.files("Lúc đài đang dừng")


async def test_citizen_number_is_in_no_file_of_the_station(texting: Texting) -> None:
    assert await asyncio.to_thread(files_with, texting.station.settings.home, "912345678") == []
