"""The `haichieu` command.

Each command is a separate module and imports what it needs when it runs.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from haichieu.cli.options import AsJson, Home, PassphraseFile
from haichieu.command_language import said, say
from haichieu.errors import HaiChieuError, UsageError
from haichieu.settings import Settings, load_settings

app = typer.Typer(
    name="haichieu",
    help=say("cli.help"),
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
    "unit": "units",
}
"""Groups of commands, each in a module of this package."""


def settings_for(home: Path | None) -> Settings:
    """Return the settings of the station in `home`. Raises SettingsError."""
    return load_settings(home=home)


def main() -> None:
    """Run the command line. An error is printed to standard error and gives its exit status."""
    if sys.argv[1:2] in ([], ["--help"]) or sys.argv[1] in GROUPS:
        command_groups(app)  # they import every room, which no loudspeaker should wait for
    if sys.argv[1:2] and sys.argv[1] in (*GROUPS, "backup", "restore"):
        from haichieu.logs import configure_logs

        configure_logs("warning", "command")  # standard output is for the command's result
    try:
        app()
    except HaiChieuError as refusal:
        print(said(refusal.message), file=sys.stderr)
        raise SystemExit(refusal.exit_status) from None


def command_groups(to: typer.Typer) -> typer.Typer:
    """Add the groups of commands, one module each, and return what they were added to."""
    for module in GROUPS.values():
        to.add_typer(import_module(f"haichieu.cli.{module}").app)
    return to


@app.command(help=say("cli.up.help"))
def up(home: Home = None) -> None:
    from haichieu.processes.up import run_up

    run_up(settings_for(home))


@app.command(help=say("cli.asterisk.help"))
def asterisk(
    home: Home = None,
    fetch: Annotated[bool, typer.Option("--fetch", help=say("cli.asterisk.fetch"))] = False,
    render: Annotated[bool, typer.Option("--render", help=say("cli.asterisk.render"))] = False,
    modules: Annotated[Path | None, typer.Option(help=say("cli.asterisk.modules"))] = None,
    data: Annotated[Path | None, typer.Option(help=say("cli.asterisk.data"))] = None,
) -> None:
    from haichieu.processes.asterisk import render_configuration, report_installation, run_asterisk

    settings = settings_for(home)
    if fetch:
        report_installation(settings)
    elif render:
        if modules is None or data is None:
            raise UsageError("cli.asterisk.render_needs")
        render_configuration(settings, modules, data)
    else:
        run_asterisk(settings)


@app.command(help=say("cli.model.help"))
def model(
    name: Annotated[str, typer.Argument(help=say("cli.model.name"))] = "",
    home: Home = None,
    fetch: Annotated[bool, typer.Option("--fetch", help=say("cli.model.fetch"))] = False,
    source: Annotated[str, typer.Option("--from", help=say("cli.voice.from"))] = "",
) -> None:
    from haichieu.cli.model import check_model, ensure_model

    settings = settings_for(home)
    if fetch:
        ensure_model(settings, name, source)
    else:
        check_model(settings, name)


@app.command(help=say("cli.voice.help"))
def voice(
    home: Home = None,
    fetch: Annotated[str, typer.Option("--fetch", help=say("cli.voice.fetch"))] = "",
    source: Annotated[str, typer.Option("--from", help=say("cli.voice.from"))] = "",
) -> None:
    from haichieu.cli.voice_command import list_voices, run_fetch

    settings = settings_for(home)
    if not fetch:
        raise SystemExit(list_voices(settings))
    run_fetch(settings, fetch, source)


@app.command(help=say("cli.switchboard.help"))
def switchboard(home: Home = None) -> None:
    from haichieu.process_pulse import Pulse
    from haichieu.processes.switchboard import run_switchboard

    run_switchboard(settings_for(home), Pulse())


@app.command(name="fan-out", help=say("cli.fan_out.help"))
def fan_out(home: Home = None) -> None:
    from haichieu.process_pulse import Pulse
    from haichieu.processes.fan_out import run_fan_out

    run_fan_out(settings_for(home), Pulse())


@app.command(help=say("cli.worker.help"))
def worker(home: Home = None) -> None:
    from haichieu.process_pulse import Pulse
    from haichieu.processes.worker import run_worker

    run_worker(settings_for(home), Pulse())


@app.command(help=say("cli.web.help"))
def web(home: Home = None) -> None:
    from haichieu.process_pulse import Pulse
    from haichieu.processes.web import run_web

    run_web(settings_for(home), Pulse())


@app.command(help=say("cli.apply.help"))
def apply(
    file: Annotated[Path, typer.Argument(help=say("cli.apply.file"))],
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("cli.apply.dry_run"))] = False,
    prune: Annotated[bool, typer.Option("--prune", help=say("cli.apply.prune"))] = False,
    as_json: AsJson = False,
) -> None:
    from haichieu.cli.apply import run_apply

    run_apply(settings_for(home), file, dry_run=dry_run, prune=prune, as_json=as_json)


@app.command(help=say("cli.status.help"))
def status(
    home: Home = None,
    as_json: AsJson = False,
    component: Annotated[str | None, typer.Option(help=say("cli.status.component"))] = None,
) -> None:
    from haichieu.cli.status import run_status

    raise SystemExit(run_status(settings_for(home), as_json=as_json, component=component))


@app.command(help=say("cli.backup.help"))
def backup(
    file: Annotated[Path, typer.Argument(help=say("cli.backup.file"))],
    home: Home = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help=say("cli.backup.encrypt"))] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    from haichieu.cli.backup import run_backup

    run_backup(settings_for(home), file, encrypt=encrypt, passphrase_file=passphrase_file)


@app.command(help=say("cli.restore.help"))
def restore(
    file: Annotated[Path, typer.Argument(help=say("cli.restore.file"))],
    home: Home = None,
    replace: Annotated[bool, typer.Option("--replace", help=say("cli.restore.replace"))] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    from haichieu.cli.backup import run_restore

    run_restore(settings_for(home), file, replace=replace, passphrase_file=passphrase_file)


@app.command(help=say("cli.speaker.help"))
def speaker(
    server: Annotated[str, typer.Option(help=say("cli.speaker.server"))],
    id: Annotated[str, typer.Option("--id", help=say("cli.speaker.id"))],
    password: Annotated[str, typer.Option(envvar="HAICHIEU_SPEAKER_PASSWORD", help=say("cli.speaker.password"))],
    record: Annotated[Path | None, typer.Option(help=say("cli.speaker.record"))] = None,
    output: Annotated[str | None, typer.Option(help=say("cli.speaker.output"))] = None,
    bind: Annotated[str, typer.Option(help=say("cli.speaker.bind"))] = "",
    events: Annotated[bool, typer.Option(help=say("cli.speaker.events"))] = False,
    tls: Annotated[bool, typer.Option("--tls", help=say("cli.speaker.tls"))] = False,
    fingerprint: Annotated[str, typer.Option(help=say("cli.speaker.fingerprint"))] = "",
    ca_file: Annotated[Path | None, typer.Option(help=say("cli.speaker.ca_file"))] = None,
) -> None:
    from haichieu.cli.speaker import run_speaker

    raise SystemExit(
        run_speaker(
            server=server,
            id=id,
            password=password,
            record=record,
            output=output,
            bind=bind,
            events=events,
            tls=tls,
            fingerprint=fingerprint,
            ca_file=ca_file,
        )
    )


@app.command(name="source-simulator", help=say("cli.source_simulator.help"))
def source_simulator(
    bind: Annotated[str, typer.Option(help=say("cli.source_simulator.bind"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=say("cli.source_simulator.port"))] = 8099,
    issue: Annotated[Path | None, typer.Option(exists=True, help=say("cli.source_simulator.issue"))] = None,
) -> None:
    from haichieu.cli.source_simulator import run_source_simulator

    run_source_simulator(bind, port, issue)


@app.command(help=say("cli.demo.help"))
def demo(
    once: Annotated[bool, typer.Option("--once", help=say("cli.demo.once"))] = False, as_json: AsJson = False
) -> None:
    from haichieu.demo.live import run_demo

    raise SystemExit(run_demo(once=once, as_json=as_json))


@app.command("cluster-demo", help=say("cli.cluster_demo.help"))
def cluster_demo(
    once: Annotated[bool, typer.Option("--once", help=say("cli.demo.once"))] = False, as_json: AsJson = False
) -> None:
    from haichieu.demo.cluster_demo import run_cluster_demo

    raise SystemExit(run_cluster_demo(once=once, as_json=as_json))
