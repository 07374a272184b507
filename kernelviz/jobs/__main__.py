"""`python -m kernelviz.jobs SLOT SLOTS`: the worker in a slot."""

import os
import sys

from kernelviz.jobs.workers import work

if hasattr(os, "nice"):
    os.nice(5)  # the dashboard answers first
work(*map(int, sys.argv[1:]))
