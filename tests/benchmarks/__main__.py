"""`make bench`: runs the benchmarks, prints each row as soon as it is measured, and writes the table.

ARGS: --quick, --runs N, --sizes 20,100,300, --only GROUP, --write FILE.
"""

import sys

from tests.benchmarks.command import main

sys.exit(main(sys.argv[1:]))
