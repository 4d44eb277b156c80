"""`python -m minicontain`: the command line."""

from .cli import main

raise SystemExit(main())
