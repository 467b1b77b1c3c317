"""The officials' line as a caller hears it, step by step."""

import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from broadcast_bridge.broadcasts.starting import LiveNotAllowed, NoReachableSpeaker, ZoneBusy
from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.programmes.phone_recordings import RecordNotAllowed
from broadcast_bridge.speakers.zones import UnknownZone, ZoneNotAllowed
from haichieu.audio.ingest import UnusableSound
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.media import DiskFull
from ivr.flows.interpreter import FlowEnd
from ivr.flows.session import CallBackRequired, LiveResult
from ivr.simulator.simulator import SimulatedDesk
from tests.ivr.simulated_calls import CO_BA, KNOWN, REPORT, STRANGER, WHOLE_DISTRICT, desk, place_call, said

CONFIRM = said("confirm-live", zone="Cô Ba", reachable=11, total=12)


async def test_a_known_official_goes_live_with_pin_zone_and_confirmation() -> None:
    at_desk = desk()
    call, end = await place_call("2468#", "1", "11#", "1", at_desk=at_desk)
    assert at_desk.went_live == [CO_BA]
    assert end is FlowEnd.COMPLETED
    assert call.transcript[:11] == [
        "☎ answered",
        said("greeting-official"),
        said("ask-pin"),
        "⌨ 2468#",
        said("official-menu"),
        "⌨ 1",
        said("ask-zone"),
        "⌨ 11#",
        CONFIRM,
        "⌨ 1",
        said("live-result", heard=11, total=12),
    ]
    assert call.transcript[11] == said("official-menu")


async def test_an_unknown_caller_gives_staff_code_and_pin() -> None:
    call, _ = await place_call("1001#", "2468#", caller=STRANGER)
    assert call.heard[1:4] == [said("ask-staff-code"), said("ask-pin"), said("official-menu")]


async def test_a_withheld_number_is_an_unknown_caller() -> None:
    call, _ = await place_call(caller=None)
    assert call.heard[1] == said("ask-staff-code")


async def test_a_pin_without_hash_is_taken_after_a_pause() -> None:
    call, _ = await place_call("2468")
    assert said("official-menu") in call.heard


@pytest.mark.parametrize(
    ("caller", "first_try"),
    [(KNOWN, ["1111#"]), (STRANGER, ["1001#", "1111#"]), (STRANGER, ["7777#", "2468#"])],
    ids=["wrong PIN", "wrong PIN of a staff code", "wrong staff code"],
)
async def test_a_wrong_code_sounds_like_a_wrong_pin(caller: str, first_try: list[str]) -> None:
    call, _ = await place_call(*first_try, caller=caller)
    assert call.heard[1 + len(first_try)] == said("wrong-pin")
    assert call.heard[2 + len(first_try)] == said("ask-pin" if caller == KNOWN else "ask-staff-code")


async def test_the_right_pin_is_taken_at_the_third_try() -> None:
    call, _ = await place_call("1#", "2#", "2468#")
    assert said("official-menu") in call.heard


@pytest.mark.parametrize("caller", [KNOWN, STRANGER])
async def test_three_wrong_tries_end_the_call(caller: str) -> None:
    one_try = ["1111#"] if caller == KNOWN else ["1001#", "1111#"]
    call, end = await place_call(*one_try * 3, "2468#", "1", caller=caller)
    assert end is FlowEnd.COMPLETED
    assert call.heard[-1] == said("sign-in-refused")
    assert call.heard.count(said("wrong-pin")) == 2
    assert call.over


@pytest.mark.parametrize(
    ("request_it", "says"),
    [
        (lambda at_desk: at_desk.sign_in(None, "1001", "2468", called_back=False), "Locked for 15 minutes"),
        (lambda at_desk: at_desk.find_zone(1, "12"), "may not broadcast to the zone 12"),
        (lambda at_desk: at_desk.find_zone(1, "77"), "There is no zone 77"),
    ],
    ids=["locked", "forbidden", "unknown"],
)
async def test_refusals_of_the_simulated_desk_are_sentences(
    request_it: Callable[[SimulatedDesk], Awaitable[object]], says: str
) -> None:
    with pytest.raises(HaiChieuError, match=says):
        await request_it(desk(locked=True))


async def test_locked_out_caller_hears_why_and_the_call_ends() -> None:
    call, _ = await place_call("1001#", "2468#", "1", caller=STRANGER, at_desk=desk(locked=True))
    assert call.heard[-1] == said("locked-out")


async def test_registered_number_hears_of_a_call_back_instead_of_a_lock() -> None:
    call, end = await place_call("2468#", "1", at_desk=desk(locked=True))
    assert call.heard[-1] == said("sign-in-call-back")
    assert (end, call.over) == (FlowEnd.COMPLETED, True)


async def test_keys_pressed_ahead_of_a_wrong_pin_are_not_taken_for_another_try() -> None:
    call, _ = await place_call("1111#1", "2468#")
    assert call.heard[2:5] == [said("wrong-pin"), said("ask-pin"), said("official-menu")]


async def test_keys_pressed_ahead_are_taken_in_order() -> None:
    at_desk = desk()
    call, _ = await place_call("2468#111#1", at_desk=at_desk)
    assert at_desk.went_live == [CO_BA]
    assert call.heard[:3] == [said("greeting-official"), said("ask-pin"), said("live-result", heard=11, total=12)]


async def test_star_repeats_the_menu_as_often_as_wanted() -> None:
    call, _ = await place_call("2468#", "*", "*", "*", "*", "3")
    assert call.heard.count(said("official-menu")) >= 5
    assert said("no-report") in call.heard


@pytest.mark.parametrize("key", ["8", "0", "#"])
async def test_a_key_that_is_not_offered_is_a_wrong_key(key: str) -> None:
    call, _ = await place_call("2468#", key)
    assert call.heard[3:5] == [said("wrong-key"), said("official-menu")]


async def test_three_wrong_keys_end_the_call() -> None:
    call, end = await place_call("2468#", "#", "0", "8", "1", "11#", "1")
    assert call.heard[-1] == said("too-many-wrong-keys")
    assert end is FlowEnd.COMPLETED
    assert call.over


async def test_nine_asks_for_confirmation_and_breaks_into_everything() -> None:
    at_desk = desk()
    call, _ = await place_call("2468#", "9", "11#", "1", at_desk=at_desk)
    assert said("confirm-emergency", zone="Cô Ba", reachable=11, total=12) in call.heard
    assert (at_desk.went_live, at_desk.priorities) == ([CO_BA], [Priority.EMERGENCY])


async def test_without_confirmation_no_emergency_begins() -> None:
    at_desk = desk()
    await place_call("2468#", "9", "11#", "2", at_desk=at_desk)
    assert at_desk.went_live == []


async def test_a_call_back_keeps_the_urgency_that_was_asked_for() -> None:
    at_desk = desk()
    known = {"official": at_desk.official, "zone": CO_BA, "called_back": True}
    await place_call("1", at_desk=at_desk, call_back_priority=Priority.EMERGENCY, **known)
    assert at_desk.priorities == [Priority.EMERGENCY]


@pytest.mark.parametrize(
    ("requested", "keys", "priorities"),
    [
        (Priority.EMERGENCY, ("1", "1", "99#", "1"), [Priority.EMERGENCY, Priority.NORMAL]),
        (Priority.NORMAL, ("1", "9", "99#", "1"), [Priority.NORMAL, Priority.EMERGENCY]),
        (Priority.EMERGENCY, ("2", "99#", "1"), [Priority.NORMAL]),
        (Priority.EMERGENCY, ("2", "11#", "1"), [Priority.NORMAL]),
    ],
    ids=["then an ordinary one", "then an emergency", "another zone", "the zone chosen again as an ordinary one"],
)
async def test_requested_urgency_holds_for_one_broadcast(
    requested: Priority, keys: tuple[str, ...], priorities: list[Priority]
) -> None:
    at_desk = desk()
    known = {"official": at_desk.official, "zone": CO_BA, "called_back": True}
    await place_call(*keys, at_desk=at_desk, call_back_priority=requested, **known)
    assert at_desk.priorities == priorities


async def test_star_and_hash_mean_all_zones() -> None:
    at_desk = desk(zones={"11": CO_BA, "99": WHOLE_DISTRICT})
    call, _ = await place_call("2468#", "1", "*#", "1", at_desk=at_desk)
    assert said("confirm-live", zone="Cô Ba, Toàn huyện", reachable=41, total=45) in call.heard
    assert at_desk.went_live[0].keys == "*"


async def test_another_zone_can_be_chosen_before_going_live() -> None:
    at_desk = desk()
    await place_call("2468#", "1", "11#", "2", "99#", "1", at_desk=at_desk)
    assert at_desk.went_live == [WHOLE_DISTRICT]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("77#", said("unknown-zone", code="77")),
        ("1*1#", said("unknown-zone", code="1*1")),
        ("12#", said("zone-not-allowed", code="12")),
        ("13#", said("zone-unreachable", zone="Hồng Trị")),
    ],
)
async def test_a_zone_that_cannot_be_used_is_refused_with_its_reason(keys: str, sentence: str) -> None:
    at_desk = desk()
    call, _ = await place_call("2468#", "1", keys, "11#", "1", at_desk=at_desk)
    assert call.heard[4:6] == [sentence, said("ask-zone")]
    assert at_desk.went_live == [CO_BA]


async def test_official_without_zones_hears_why() -> None:
    call, _ = await place_call("2468#", "1", "*#", at_desk=desk(zones={}))
    assert said("no-zone-of-yours") in call.heard


async def test_three_unusable_zones_lead_back_to_the_menu() -> None:
    call, _ = await place_call("2468#", "1", "77#", "78#", "79#", "3")
    after = call.heard.index(said("unknown-zone", code="79"))
    assert call.heard[after + 1] == said("official-menu")


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (ZoneBusy("Hoàng Thị Mai"), said("zone-busy", on_air="Hoàng Thị Mai")),
        (NoReachableSpeaker("broadcast.nobody_reachable", zone="Cô Ba"), said("zone-unreachable", zone="Cô Ba")),
        (LiveNotAllowed("broadcast.live_not_allowed", name="Hải", right="live"), said("live-not-allowed")),
        (UnknownZone("removed since"), said("unknown-zone", code="11")),
        (ZoneNotAllowed("taken away since"), said("zone-not-allowed", code="11")),
        (DiskFull(Message.verbatim("full")), said("disk-full")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_refused_broadcast_says_why_and_leads_back_to_the_menu(refusal: HaiChieuError, sentence: str) -> None:
    at_desk = desk(refusal=refusal)
    call, _ = await place_call("2468#", "1", "11#", "1", at_desk=at_desk)
    after = call.heard.index(CONFIRM)
    assert call.heard[after + 1 : after + 3] == [sentence, said("official-menu")]
    assert at_desk.went_live == []


async def test_call_back_is_announced_before_the_hang_up() -> None:
    call, end = await place_call("2468#", "1", "11#", "1", "1", at_desk=desk(refusal=CallBackRequired()))
    assert call.transcript[-2:] == [said("call-back-announcement"), "☎ hung up by the station"]
    assert end is FlowEnd.COMPLETED


async def called_back(*keys: str) -> tuple[list[str], list[str]]:
    at_desk = desk()
    call, _ = await place_call(*keys, at_desk=at_desk, called_back=True, official=at_desk.official, zone=CO_BA)
    return call.transcript, [zone.keys for zone in at_desk.went_live]


async def test_a_call_back_asks_for_one_key_and_goes_live() -> None:
    transcript, went_live = await called_back("1")
    assert transcript[0] == said("call-back-greeting", official="Nông Văn Hải", zone="Cô Ba")
    assert went_live == ["11"]


async def test_a_call_back_that_nobody_confirms_reaches_no_speaker() -> None:
    transcript, went_live = await called_back()
    assert went_live == []
    assert transcript[-2:] == [said("nothing-heard-goodbye"), "☎ hung up by the station"]


async def test_on_a_call_back_another_zone_can_be_chosen() -> None:
    _, went_live = await called_back("2", "99#", "1")
    assert went_live == ["99"]


async def test_a_broadcast_ended_by_its_time_limit_says_so() -> None:
    at_desk = desk(result=LiveResult(12, 12, Reason.TIME_LIMIT))
    call, _ = await place_call("2468#", "1", "11#", "1", at_desk=at_desk)
    after = call.heard.index(said("live-time-limit"))
    assert call.heard[after + 1] == said("live-result", heard=12, total=12)


async def test_a_broadcast_that_was_interrupted_says_why() -> None:
    at_desk = desk(result=LiveResult(3, 12, Reason.STATION_STOPPED))
    call, _ = await place_call("2468#", "1", "11#", "1", at_desk=at_desk)
    assert said("live-interrupted", reason="đài được tắt theo lệnh") in call.heard


async def test_speakers_that_report_nothing_back_are_announced_as_unknown() -> None:
    at_desk = desk(result=LiveResult(3, 12, None, unconfirmed=2), report=dataclasses.replace(REPORT, unconfirmed=2))
    call, _ = await place_call("2468#", "1", "11#", "1", "3", at_desk=at_desk)
    assert said("live-result", heard=3, total=12) in call.heard
    assert call.heard.count(said("live-unconfirmed", unconfirmed=2)) == 2


async def test_the_report_names_speakers_that_missed_it() -> None:
    call, _ = await place_call("2468#", "3", at_desk=desk(report=REPORT))
    assert call.heard[3:6] == [
        said("last-report", zone="Cô Ba", when="17 giờ ngày 24 tháng 11", heard=11, total=12),
        said("report-missed", names="Cụm loa Cô Ba 2"),
        said("official-menu"),
    ]


async def test_a_long_list_of_missed_speakers_is_shortened() -> None:
    report = dataclasses.replace(REPORT, heard=3, total=10, missed=tuple(f"Loa {n}" for n in range(1, 8)))
    call, _ = await place_call("2468#", "3", at_desk=desk(report=report))
    assert said("report-missed-more", names="Loa 1, Loa 2, Loa 3, Loa 4, Loa 5", more=2) in call.heard


async def test_the_report_of_a_broadcast_that_all_played_names_nobody() -> None:
    report = dataclasses.replace(REPORT, heard=12, missed=())
    call, _ = await place_call("2468#", "3", at_desk=desk(report=report))
    assert call.heard[4] == said("official-menu")


async def test_the_whole_call_works_in_english_too() -> None:
    at_desk = desk(report=REPORT)
    call, _ = await place_call("1001#", "2468#", "1", "11#", "1", "3", caller=STRANGER, at_desk=at_desk, language="en")
    assert said("live-result", "en", heard=11, total=12) in call.heard
    assert said("last-report", "en", zone="Cô Ba", when="at 17:00 on 24 November", heard=11, total=12) in call.heard


RECORD_MENU = said("record-menu")


async def test_key_two_records_a_programme_that_can_be_heard_and_redone() -> None:
    at_desk = desk()
    call, _ = await place_call("2468#", "2", "2", "3", "1", "11#", at_desk=at_desk)
    assert call.heard[3:11] == [
        said("record-instructions"),
        "● recorded",
        RECORD_MENU,
        "▶",
        RECORD_MENU,
        said("record-instructions"),
        "● recorded",
        RECORD_MENU,
    ]
    assert said("programme-kept", number=1, seconds=12) in call.heard
    assert (at_desk.kept, at_desk.discarded, at_desk.let_go) == (["11"], 1, 1)


async def test_an_official_who_may_schedule_submits_the_recording_at_once() -> None:
    call, _ = await place_call("2468#", "2", "1", "*#", at_desk=desk(submits=True))
    assert said("programme-submitted", number=1, seconds=12) in call.heard


async def test_a_recording_may_be_meant_for_a_zone_where_nobody_listens_now() -> None:
    at_desk = desk()
    await place_call("2468#", "2", "1", "13#", at_desk=at_desk)
    assert at_desk.kept == ["13"]


async def test_a_recording_whose_zone_is_never_named_is_kept_without_one() -> None:
    at_desk = desk()
    call, _ = await place_call("2468#", "2", "1", "77#", "78#", "79#", at_desk=at_desk)
    assert at_desk.kept == [""]
    assert said("programme-kept", number=1, seconds=12) in call.heard


async def test_silent_recording_is_discarded_with_a_prompt() -> None:
    call, _ = await place_call("2468#", "2", "1", "11#", at_desk=desk(unusable=UnusableSound("silent")))
    assert said("recording-silent") in call.heard
    assert call.heard[-1] != said("technical-failure")


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (RecordNotAllowed(Message.verbatim("no right")), "record-not-allowed"),
        (DiskFull(Message.verbatim("full")), "disk-full"),
    ],
    ids=["no right", "disk full"],
)
async def test_a_recording_that_may_not_begin_says_why(refusal: HaiChieuError, sentence: str) -> None:
    call, _ = await place_call("2468#", "2", at_desk=desk(refusal=refusal))
    assert call.heard[3:5] == [said(sentence), said("official-menu")]


@pytest.mark.parametrize("step", range(4, 9))
async def test_hanging_up_while_recording_leaves_the_recording(step: int) -> None:
    at_desk = desk()
    await place_call("2468#", "2", "1", "11#", at_desk=at_desk, hang_up_at=step)
    assert at_desk.let_go == 1


async def test_an_emergency_that_sounds_is_acknowledged_before_anything_else() -> None:
    at_desk = desk(sounding=3)
    call, _ = await place_call("2468#", "1", at_desk=at_desk)
    assert call.heard[2:5] == [
        said("emergency-here"),
        said("emergency-acknowledged", speakers=3),
        said("official-menu"),
    ]
    assert at_desk.sounding == 0


@pytest.mark.parametrize("key", ["2", ""])
async def test_an_emergency_continues_until_it_is_acknowledged(key: str) -> None:
    at_desk = desk(sounding=3)
    call, _ = await place_call("2468#", key, "3", at_desk=at_desk)
    assert call.heard[2:5] == [said("emergency-here"), said("official-menu"), said("no-report")]
    assert at_desk.sounding == 3
