"""The scripts of the page as one.

A page without a server cannot load modules: their addresses would be files, which browsers do not open, or made in the
page, which its content security policy does not allow.
"""

import re
from pathlib import Path

from kernelviz.ui.canvas.bundle import bundle as module_of

FOLDER = Path(__file__).parent
MAIN = FOLDER / "js" / "main.mjs"
ENDING = re.compile(r"</script|<!--", re.I)  # would end the script in a page


def bundle(main: Path = MAIN) -> str:
    """One script that does what a module and those that it imports do; a ValueError says what it cannot take in."""
    script = f"'use strict'\n;(() => {{\n{module_of(main)}}})()\n"
    if found := ENDING.search(script):
        raise ValueError(f"a script of the page has {found[0]!r}, which would end it")
    return script
