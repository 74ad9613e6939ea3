"""What `expand` is made of, a module for each part of the language: variables, blocks, defaults, merging, wiring."""
