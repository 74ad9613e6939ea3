"""Changes a spec at random, mostly so that it is YAML still: the deep stages see more that way."""

import copy

import yaml
from change_text import CHANGES, change_text
from words import FIELDS, INTEGERS, KEYS, NUMBERS, TEXTS, TYPES

_MOST_SLOTS = 5000


def change_spec(text, random, donors=()):
    """Change the text of a spec: as a tree where it is YAML, or as text. Parts of `donors` may be put in."""
    tree = _tree(text) if random.random() < 0.85 else None
    if tree is None:
        return change_text(text, random, donors)
    donor = _tree(random.choice(donors)) if donors and random.random() < 0.3 else None
    for _ in range(random.choice(CHANGES)):
        _change_tree(tree, random, donor)
    try:
        changed = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=200)
    except (RecursionError, UnicodeError):  # an unpaired surrogate
        return change_text(text, random, donors)
    return changed if random.random() < 0.9 else change_text(changed, random, donors)


def _tree(text):
    try:
        tree = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError, LookupError):
        return None
    return tree if isinstance(tree, dict) else None


def _slots(tree):
    """Every place of a tree that holds a value: its container and key."""
    found, stack, seen = [], [tree], set()
    while stack and len(found) < _MOST_SLOTS:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
            found.append((node, key))
            if isinstance(value, (dict, list)):
                stack.append(value)
    return found


def _change_tree(tree, random, donor):
    slots = _slots(tree)
    if not slots:
        return
    node, key = random.choice(slots)
    action = random.random()
    if action < 0.25:
        node[key] = _value(random, node[key], slots)
    elif action < 0.4:
        other, place = random.choice((donor and _slots(donor) if random.random() < 0.5 else slots) or slots)
        node[key] = copy.deepcopy(other[place]) if random.random() < 0.8 else other[place]
    elif action < 0.5:
        del node[key]
    elif action < 0.75 and isinstance(node, dict):
        new = random.choice([*KEYS, random.choice(FIELDS), random.choice(TYPES)])
        node[new] = node.pop(key) if action < 0.6 else _value(random, node[key], slots)
    elif action < 0.9 and isinstance(node, list):
        _change_list(node, key, random, donor)
    else:
        old = node[key]
        wrapped = [[old], {"a": old}, [old, old], {"repeat": {"i": [1, 2]}, "layers": [old]}]
        node[key] = random.choice(wrapped)


def _change_list(items, i, random, donor):
    action = random.randrange(4)
    if action == 0:
        items.insert(random.randint(0, len(items)), copy.deepcopy(items[i]))
    elif action == 1:
        random.shuffle(items)
    elif action == 2 and donor and isinstance(donor.get("layers"), list):
        items[i:i] = copy.deepcopy(donor["layers"][:3])
    else:
        items.append(items.pop(i))


def _value(random, old, slots):
    """Another value for a place: near the old one, one of the hostile ones, or one from elsewhere in the tree."""
    if isinstance(old, bool) and random.random() < 0.8:
        return not old
    if isinstance(old, (int, float)) and random.random() < 0.8:
        return random.choice([old + 1, old - 1, -old, old * 2, 0, 1, [old], str(old), random.choice(NUMBERS)])
    if isinstance(old, str) and random.random() < 0.6:
        return random.choice([old + "1", old.upper(), old[1:], f"${old}", f"{old}${{1}}", [old, old], {"type": old}])
    where, place = random.choice(slots)
    return random.choice([
        random.choice(INTEGERS), random.choice(NUMBERS), random.choice(TEXTS), random.choice(TYPES),
        random.choice(FIELDS), True, False, None, [], {}, place, copy.deepcopy(where[place]),
    ])  # fmt: skip
