"""Solvers: the section of a spec, what a solver's fields must satisfy, and the nets that it drives."""
