"""Number systems: one formula, run on different kinds of number.

A formula takes a number system first (`num`), combines named quantities with `+ - *` and the system's verbs, and never
branches on a number. `system.py` states the verbs and their laws.
"""
