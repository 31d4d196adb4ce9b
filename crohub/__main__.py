"""`python -m crohub` is the command `crohub`."""

from crohub.cli import main

main()
