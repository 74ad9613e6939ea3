"""Makes the pages of docs/ that only repeat what the program knows.

python tools/generate_docs.py           write them
python tools/generate_docs.py --check   write nothing, fail where one is stale
"""

import argparse
from pathlib import Path

from mistakes import mistakes_page

from netcompile.codes import CODES
from netcompile.explain import explain

ROOT = Path(__file__).parents[1]
HEADER = "<!-- Made by tools/generate_docs.py. -->\n\n"
CODES_INTRO = """\
# All findings

Every finding of netcompile has one of these codes. A code is stable: it is never renamed or reused, so it can stand in
configuration files and in comments. An error is what Caffe would refuse or what would abort; a warning is about a net
that Caffe takes and that is probably wrong. `netcompile explain CODE` prints a section of this page, and
`netcompile explain --all` the table.
"""


def main() -> None:
    """Write or check the pages; SystemExit with a message where one is stale."""
    parser = argparse.ArgumentParser(description="Make the generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is stale")
    check = parser.parse_args().check
    pages = {ROOT / "docs/codes.md": codes_page(), ROOT / "docs/mistakes.md": HEADER + mistakes_page()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in stale)
        raise SystemExit(f"stale: {names}; run python tools/generate_docs.py")
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")


def codes_page() -> str:
    """Give the page of all codes: a table, and a section for each."""
    rows = [f"| [{code.name}](#{code.name}) | {code.severity} | {code.meaning} |" for code in CODES.values()]
    table = "\n".join(("| code | severity | meaning |", "| --- | --- | --- |", *rows))
    sections = [explain(code, markdown=True) for code in CODES]
    return "\n".join((HEADER + CODES_INTRO, table, "", *sections))


if __name__ == "__main__":
    main()
