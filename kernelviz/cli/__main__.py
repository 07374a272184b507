"""`python -m kernelviz.cli`, as the tests start it."""

from kernelviz.cli.main import main

main()
