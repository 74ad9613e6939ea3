"""Changes a text at random, without knowing what it is. The same state of `random` gives the same change."""

import re

from words import FIELDS, NUMBERS, TEXTS, TOKENS

CHANGES = (1, 1, 1, 2, 4)


def change_text(text, random, donors=()):
    """Make some changes; parts of `donors` may be put in."""
    for _ in range(random.choice(CHANGES)):
        text = random.choice(_KINDS)(text, random, donors)
    return text


def _span(text, random, most=40):
    start = random.randint(0, len(text))
    return start, min(len(text), start + random.randint(0, most))


def _insert(text, random, _donors):
    at = random.randint(0, len(text))
    return text[:at] + random.choice(TOKENS) + text[at:]


def _replace(text, random, _donors):
    start, end = _span(text, random, 4)
    return text[:start] + random.choice([*TOKENS, *TEXTS]) + text[end:]


def _delete(text, random, _donors):
    start, end = _span(text, random)
    return text[:start] + text[end:]


def _repeat(text, random, _donors):
    start, end = _span(text, random)
    return text[:end] + text[start:end] * random.choice([1, 1, 2, 50]) + text[end:]


def _change_word(text, random, _donors):
    words = list(re.finditer(r"[\w.$-]+", text))
    if not words:
        return text
    word = random.choice(words)
    others = [random.choice(words)[0], str(random.choice(NUMBERS)), random.choice(TEXTS), random.choice(FIELDS)]
    return text[: word.start()] + random.choice(others) + text[word.end() :]


def _move_line(text, random, _donors):
    lines = text.split("\n")
    line = random.choice(lines)
    if random.random() < 0.5:
        lines.remove(line)
    lines.insert(random.randint(0, len(lines)), random.choice([line, f"  {line}", line.lstrip(), f"{line} {line}"]))
    return "\n".join(lines)


def _splice(text, random, donors):
    donor = random.choice(donors) if donors else text
    start, end = _span(donor, random, 400)
    at = random.randint(0, len(text))
    return text[:at] + donor[start:end] + text[at:]


_KINDS = [_insert, _replace, _delete, _repeat, _change_word, _change_word, _move_line, _splice]
