"""The parts of the importer: from a net as Caffe reads it to the text of a spec.

`importer` runs them in order. `values` makes data of messages, `items` folds phases, `wiring` leaves out what the
compiler implies, `defaults` collects what repeats, `comments` finds where comments belong, `layout` writes the YAML.
Data is text, a list or a dict, where text is already spelt as YAML reads it.
"""
