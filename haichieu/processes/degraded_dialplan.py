"""Composition of the degraded dialplan from the rows of all rooms, for an Asterisk without the application."""

import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker
from broadcast_bridge.studio.speaker_target import MulticastRoute, dial_string
from dialplans.degraded import DegradedMode, DegradedSounds, write_degraded
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message
from haichieu.people import OfficialPhone
from haichieu.processes.opened_station import OpenedStation
from haichieu.station import the_station
from ivr.calls.routing import DUTY_FLOW, FAULT_FLOW, Number, number_shown
from ivr.prompts.store import PromptStore

EMERGENCY_PIN = "emergency-pin"
CITIZENS_FLOWS = ("hotline", DUTY_FLOW, FAULT_FLOW)


def refresh_degraded(opened: OpenedStation, prompts: PromptStore) -> bool:
    """Write the degraded dialplan from the rows; return whether Asterisk has to read it again."""
    settings = opened.settings
    with opened.database.reading() as session:
        station = the_station(session)
        speakers = session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None)).order_by(Speaker.code))
        multicast = MulticastRoute(settings.multicast_source, settings.multicast_ttl)
        makes = {dial_string(speaker, Priority.EMERGENCY, multicast): speaker.make for speaker in speakers}
        shown = number_shown(session) or station.emergency_number
        hotlines = tuple(
            session.scalars(sa.select(Number.number).where(Number.flow.in_(CITIZENS_FLOWS)).order_by(Number.number))
        )
        pin = opened.vault.try_unlock(station.emergency_pin_locked) if station.emergency_pin_locked else ""
        officials = tuple(session.scalars(sa.select(OfficialPhone.number).order_by(OfficialPhone.number)))
    if pin is None:  # the rest of the degraded mode works
        text = message("account.secret_unreadable", code=station.emergency_number)
        with opened.database.session() as session:
            raise_alarm(session, AlarmKind.SECRET_UNREADABLE, EMERGENCY_PIN, text)
    sounds = DegradedSounds(
        station_down=prompts.sound("station-down", station.language),
        ask_pin=prompts.sound("emergency-ask-pin", station.language),
        wrong_pin=prompts.sound("wrong-pin", station.language),
        refused=prompts.sound("sign-in-refused", station.language),
        locked=prompts.sound("emergency-locked", station.language),
        live=prompts.sound("emergency-live", station.language),
        leave_message=prompts.sound("degraded-leave-message", station.language),
        message_kept=prompts.sound("degraded-message-kept", station.language),
        message_not_kept=prompts.sound("degraded-message-not-kept", station.language),
    )
    mode = DegradedMode(
        station.emergency_number, pin or "", tuple(makes), sounds, hotlines, officials, makes, shown, station.name
    )
    return write_degraded(settings, mode)
