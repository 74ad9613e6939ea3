"""The commands: one module each, with its arguments (`add`) and what it does (`run`), imported when it is called.

They take parsed arguments and the streams, and call the modules that do the work. Knowing exit codes is their business;
knowing nets is not.
"""
