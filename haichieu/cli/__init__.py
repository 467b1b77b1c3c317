"""The `haichieu` command: it composes the rooms and is the only part of the ground floor that reaches up.

Each command lives in a module of its own and imports what it composes when it runs.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from haichieu.errors import HaiChieuError, UsageError
from haichieu.settings import Settings, load_settings

app = typer.Typer(
    name="haichieu",
    help="Hai Chiều: truyền thanh hai chiều qua điện thoại / two-way village radio by telephone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

GROUPS = {
    "alert": "alerts",
    "audit": "audit",
    "citizen": "citizens",
    "text": "text",
    "token": "tokens",
}
"""Groups of commands, each in a module of this package."""

Home = Annotated[
    Path | None, typer.Option("--home", help="Thư mục của đài / folder of the station [HAICHIEU_HOME, ./var].")
]


def settings_for(home: Path | None) -> Settings:
    """The settings of the station in `home`."""
    return load_settings(home=home)


def main() -> None:
    """Run the command line; a refusal becomes its sentence on standard error and its exit status."""
    if sys.argv[1:2] in ([], ["--help"]) or sys.argv[1] in GROUPS:
        command_groups(app)  # which take the whole house with them, and no loudspeaker should wait for that
        from haichieu.logs import configure_logs

        configure_logs("warning", "command")  # standard output is for what was asked for
    try:
        app()
    except HaiChieuError as refusal:
        print(refusal, file=sys.stderr)
        raise SystemExit(refusal.exit_status) from None


def command_groups(to: typer.Typer) -> typer.Typer:
    """Add the groups of commands, one module each, and return what they were added to."""
    for module in GROUPS.values():
        to.add_typer(import_module(f"haichieu.cli.{module}").app)
    return to


@app.command()
def up(home: Home = None) -> None:
    """Chạy cả đài / start everything in the foreground and supervise it."""
    from haichieu.processes.up import run_up

    run_up(settings_for(home))


@app.command()
def asterisk(
    home: Home = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Chỉ tải về / only find or fetch one, then end.")] = False,
    render: Annotated[bool, typer.Option("--render", help="Chỉ ghi cấu hình / only write its configuration.")] = False,
    modules: Annotated[Path | None, typer.Option(help="Với --render: thư mục mô-đun / its modules.")] = None,
    data: Annotated[Path | None, typer.Option(help="Với --render: thư mục dữ liệu / its data.")] = None,
) -> None:
    """Chạy riêng Asterisk / run Asterisk alone, in the foreground."""
    from haichieu.processes.asterisk import render_configuration, report_installation, run_asterisk

    settings = settings_for(home)
    if fetch:
        report_installation(settings)
    elif render:
        if modules is None or data is None:
            raise UsageError("--render cần --modules và --data. / --render needs --modules and --data.")
        render_configuration(settings, modules, data)
    else:
        run_asterisk(settings)


@app.command()
def model(
    home: Home = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Tải về nếu chưa có / fetch what is missing.")] = False,
) -> None:
    """Mô hình nhận dạng tiếng nói: kiểm tra, tải về / the speech model: check it, or fetch it."""
    from haichieu.cli.model import check_model, ensure_model

    settings = settings_for(home)
    if fetch:
        ensure_model(settings)
    else:
        check_model(settings)


@app.command()
def switchboard(home: Home = None) -> None:
    """Chạy riêng tổng đài / run the switchboard alone."""
    from haichieu.processes.switchboard import run_switchboard

    run_switchboard(settings_for(home))


@app.command()
def worker(home: Home = None) -> None:
    """Chạy riêng tiến trình nền / run the worker alone: alerts, transcription, what is kept no longer."""
    from haichieu.processes.worker import run_worker

    run_worker(settings_for(home))


@app.command()
def web(home: Home = None) -> None:
    """Chạy riêng tiến trình web / run the web process alone."""
    from haichieu.processes.web import run_web

    run_web(settings_for(home))


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="Tệp mô tả địa bàn / the district file (TOML).")],
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Chỉ xem trước / show, change nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Xóa những gì không có trong tệp / remove what the file lacks.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON / print JSON.")] = False,
) -> None:
    """Làm cho cơ sở dữ liệu khớp với tệp / make the database match a district file."""
    from haichieu.cli.apply import run_apply

    run_apply(settings_for(home), file, dry_run=dry_run, prune=prune, as_json=as_json)


@app.command()
def status(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON / print JSON.")] = False,
    component: Annotated[
        str | None, typer.Option(help="Chỉ hỏi một thành phần / ask for one component: switchboard, worker, web.")
    ] = None,
) -> None:
    """Tình trạng của đài / is everything up, who is reachable, what is on air. Exit status 1 when not."""
    from haichieu.cli.status import run_status

    raise SystemExit(run_status(settings_for(home), as_json=as_json, component=component))


@app.command()
def speaker(
    server: Annotated[str, typer.Option(help="HOST:PORT của đài / of the station.")],
    id: Annotated[str, typer.Option("--id", help="Mã cụm loa / the speaker's id.")],
    password: Annotated[str, typer.Option(envvar="HAICHIEU_SPEAKER_PASSWORD", help="Mật khẩu / password.")],
    record: Annotated[Path | None, typer.Option(help="Ghi vào tệp WAV / record to a WAV file.")] = None,
    output: Annotated[str | None, typer.Option(help="Thiết bị âm thanh / sound device.")] = None,
    bind: Annotated[str, typer.Option(help="Địa chỉ tại máy này / local address.")] = "",
    events: Annotated[bool, typer.Option(help="In sự kiện dạng JSON / print events as JSON lines.")] = False,
) -> None:
    """Loa phần mềm / the software loudspeaker: registers, answers by itself, plays or records."""
    from haichieu.cli.speaker import run_speaker

    raise SystemExit(
        run_speaker(server=server, id=id, password=password, record=record, output=output, bind=bind, events=events)
    )


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Dừng sau các cuộc gọi / end after the calls.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON / print JSON.")] = False,
) -> None:
    """Trình diễn với cuộc gọi SIP thật / the main job, with real SIP calls, in a throw-away home."""
    from haichieu.demo.live import run_demo

    raise SystemExit(run_demo(once=once, as_json=as_json))
