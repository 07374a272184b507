"""`python -m kernelviz.jobs SLOT SLOTS`: the worker in a slot."""

import sys

from kernelviz.jobs.workers import work

work(*map(int, sys.argv[1:]))
