"""Write schemas/netcompile.schema.json, or with --check say whether it is current."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "schemas" / "netcompile.schema.json"

sys.path.insert(0, str(ROOT))

from netcompile.caffe import caffe_pb2  # noqa: E402 - the checkout must come first
from netcompile.caffe.comments import read_comments  # noqa: E402
from netcompile.layers import LAYER_TYPES  # noqa: E402
from netcompile.schema.file import write_schema  # noqa: E402
from netcompile.schema.generate import build_schema  # noqa: E402


def main() -> int:
    """Write the file, or compare it; 1 where it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is stale")
    arguments = parser.parse_args()
    text = write_schema(build_schema(caffe_pb2.DESCRIPTOR, LAYER_TYPES, read_comments()))
    current = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else None
    if arguments.check:
        if current != text:
            print(f"{SCHEMA.relative_to(ROOT)} is stale: run tools/generate_schema.py", file=sys.stderr)
        return int(current != text)
    SCHEMA.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
