"""The language server: what an editor shows of a spec while it is written.

Each feature is a function of a `Model` (a text as the compiler understands it) and a position, in a module of its own;
they give plain values. `server` alone knows the protocol and pygls. Lines and columns count from 0 here, in characters,
but in a `Span`, where they count from 1 as everywhere.
"""
