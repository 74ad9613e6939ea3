"""Makes the inputs of a target: mutations of seeds, and specs by the grammar, the same for the same `random`."""

from change_net import change_net
from change_spec import change_spec
from grammar import make_spec
from seeds import MOST_BYTES


def make_input(target, seeds, random):
    """The bytes of an input."""
    if target != "prototxt" and random.random() < 0.4:
        text = make_spec(random)
        turns = random.randint(0, 1)
    else:
        text, turns = random.choice(seeds), random.randint(1, 2)
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(turns):
        data = change_input(target, data, seeds, random)
    return data


def change_input(target, data, seeds, random):
    """The bytes of an input, changed."""
    text = data.decode("utf-8", "surrogateescape")
    is_net = target == "prototxt" or (target == "commands" and "{" in text and "layers:" not in text)
    changed = (change_net if is_net else change_spec)(text, random, seeds)
    return changed.encode("utf-8", "surrogatepass" if random.random() < 0.5 else "replace")[:MOST_BYTES]
