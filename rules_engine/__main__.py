"""`python -m rules_engine` is the command `rules-engine`."""

from __future__ import annotations

from rules_engine.cli.main import main

if __name__ == "__main__":
    main()
