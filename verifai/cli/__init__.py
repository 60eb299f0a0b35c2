"""The command line: one file per command, one sink for what they print.

Each command module has ``HELP``, ``add_arguments(parser)`` and ``run(arguments, output)``. ``run``
returns a JSON-able result; errors travel as exceptions and become exit codes in ``main``.
"""
