"""The words of `caffe.proto`: what each message, field and enum value does.

For whoever writes documentation, such as the descriptions of the JSON Schema. Reads our own file, whose layout is
regular, and must not be taken for a parser of other proto files.
"""

import re
from pathlib import Path

_BLOCK = re.compile(r"(?:message|enum) (\w+) \{")
_MEMBER = re.compile(r"(?:(?:optional|required|repeated) \S+ )?(\w+) = -?\d+(?: \[.*\])?;")


def read_comments() -> dict[str, str]:
    """Map each declaration to its comment, as one paragraph, by full name without the package.

    Names are as in `PoolingParameter`, `PoolingParameter.stride`, `PoolingParameter.PoolMethod` and
    `PoolingParameter.PoolMethod.MAX`. A declaration without a comment is not in the result.
    """
    text = Path(__file__).with_name("caffe.proto").read_text(encoding="utf-8")
    comments: dict[str, str] = {}
    scope: list[str] = []
    pending: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("//"):
            pending.append(line.removeprefix("//").strip())
            continue
        block, member = _BLOCK.fullmatch(line), _MEMBER.fullmatch(line)
        if declared := block or member:
            comments[".".join([*scope, declared[1]])] = " ".join(pending)
        if block:
            scope.append(block[1])
        if line == "}":
            scope.pop()
        pending = []
    return {name: comment for name, comment in comments.items() if comment}
