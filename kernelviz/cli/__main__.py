"""`python -m kernelviz.cli`."""

from kernelviz.cli.main import main

main()
