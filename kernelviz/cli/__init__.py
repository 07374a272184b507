"""The command line: `kernelviz ...`."""

from kernelviz.cli.main import main as main
