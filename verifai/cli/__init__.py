"""The command line: one file per command, one sink for what they print.

Each command module has ``add_arguments(parser)`` and ``run(arguments, output)``; what it does in
one line is in ``main.COMMANDS``. Errors travel as exceptions and become exit codes in ``main``.
"""
