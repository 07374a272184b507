"""`python -m kernelviz`, as torchrun starts it."""

from kernelviz.cli.main import main

main()
