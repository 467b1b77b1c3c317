"""The verb `report`."""

from typing import ClassVar, Literal

from ivr.flows.node import Node
from ivr.flows.session import Session
from ivr.prompts.spoken_time import spoken_moment

NAMED = 5
"""Limit of speakers that are read out by name."""


class Report(Node):
    """Reports the official's last broadcast: zone, time, how many speakers played it, and which did not.

    {"id": "report", "verb": "report", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "no-report",
        "last-report",
        "live-unconfirmed",
        "report-missed",
        "report-missed-more",
    )

    verb: Literal["report"]

    async def run(self, session: Session) -> str | None:
        report = await session.desk.last_report(session.require_official().id)
        if report is None:
            await session.say("no-report")
            return "done"
        await session.say(
            "last-report",
            zone=report.zone,
            when=spoken_moment(report.when, session.language),
            heard=report.heard,
            total=report.total,
        )
        if report.unconfirmed:
            await session.say("live-unconfirmed", unconfirmed=report.unconfirmed)
        names, more = ", ".join(report.missed[:NAMED]), len(report.missed) - NAMED
        if more > 0:
            await session.say("report-missed-more", names=names, more=more)
        elif names:
            await session.say("report-missed", names=names)
        return "done"
