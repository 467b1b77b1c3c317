"""`python -m haichieu` is the `haichieu` command."""

from haichieu.cli import main

main()
