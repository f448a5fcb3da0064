"""`python -m linnet` is the `linnet` command."""

import sys
from pathlib import Path

if sys.path[:1] in ([""], [str(Path.cwd())]):
    del sys.path[0]  # `-m` puts the current directory there, and nothing in that may take the place of a module

from linnet.cli.main import main

if __name__ == "__main__":
    main()
