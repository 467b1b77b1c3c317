"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from haichieu.command_language import say

Home = Annotated[Path | None, typer.Option("--home", help=say("cli.option.home"))]
By = Annotated[str, typer.Option("--by", help=say("cli.option.by"))]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help=say("cli.backup.passphrase_file"), exists=True, dir_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help=say("cli.option.json"))]
