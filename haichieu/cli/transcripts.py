"""`haichieu transcript`: what was understood of spoken messages, and putting it right by hand."""

import sys
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases import find_case
from feedback.models import Message
from feedback.transcription.correcting import again as write_again
from feedback.transcription.correcting import correct as put_right
from haichieu import jobs
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station
from haichieu.database import now
from haichieu.errors import UsageError

app = typer.Typer(
    name="transcript", help="Chữ ghi từ tin nói / what was understood of spoken messages.", no_args_is_help=True
)

Number = Annotated[str, typer.Argument(help="Mã phản ánh / the case's number.")]
Which = Annotated[int, typer.Option("--message", help="Tin nói thứ mấy của phản ánh / which of its spoken messages.")]


@app.command()
def show(number: Number, by: By, home: Home = None) -> None:
    """Xem chữ ghi được của một phản ánh / show what was understood."""
    database, _ = open_station(home)
    with database.session() as session:
        for position, message in enumerate(_spoken(session, number, by, Action.READ_CASES), 1):
            transcript = message.transcript
            if transcript is None:
                job = jobs.find(session, job_kinds.TRANSCRIBE, message.id)
                said = f"{job.state}: {job.problem}" if job and job.problem else "đang chờ / waiting"
                print(position, "-", said, sep="\t")
                continue
            flags = [f"{transcript.confidence:.0%}"] if transcript.confidence is not None else []
            flags += ["nên nghe lại / listen to it"] if transcript.doubtful else []
            flags += [f"{transcript.corrected_by} đã sửa / corrected"] if transcript.corrected_by else []
            heard = transcript.text or "(không nghe ra lời nào / nothing understood)"
            print(position, f"{transcript.engine} {transcript.model}".strip(), ", ".join(flags), heard, sep="\t")


@app.command()
def correct(
    number: Number,
    text: Annotated[
        str, typer.Argument(help="Lời đúng, '-' là đầu vào chuẩn / the right words, - for standard input.")
    ],
    by: By,
    which: Which = 1,
    home: Home = None,
) -> None:
    """Sửa lại cho đúng lời dân nói / write what was really said; what the engine wrote is kept."""
    database, _ = open_station(home)
    with database.session() as session:
        message = _one(_spoken(session, number, by), which)
        put_right(session, message, sys.stdin.read() if text == "-" else text, f"account:{by.lower()}", now())


@app.command()
def again(number: Number, by: By, which: Which = 1, home: Home = None) -> None:
    """Ghi lại bằng máy từ đầu / have a message written down anew."""
    database, _ = open_station(home)
    with database.session() as session:
        write_again(session, _one(_spoken(session, number, by), which), f"account:{by.lower()}", now())


def _spoken(session: Session, number: str, by: str, action: Action = Action.WORK_ON_CASES) -> list[Message]:
    """The spoken messages of a case, which the account must be responsible for."""
    account = account_of(session, by)
    case = find_case(session, number)
    require(session, account, action, case.unit_id)
    return [message for message in case.messages if message.sound_id is not None]


def _one(spoken: list[Message], which: int) -> Message:
    if not 1 <= which <= len(spoken):
        raise UsageError(
            f"Phản ánh này có {len(spoken)} tin nói, chọn bằng --message. / "
            f"The case has {len(spoken)} spoken messages; --message says which."
        )
    return spoken[which - 1]
