"""The parts of the comparison of two nets: which layers are the same ones, what differs in them, and what follows.

`differ` runs them. `matching` finds pairs, `fields` compares parameters by what they mean, `shapes` says where a change
of shapes comes from, `weights` what an old model's weights are still good for, `text` and `json` show it all.
"""
