"""Where the command starts: ``verifai``, and ``python -m verifai``."""


def start() -> int:
    """Run the command that this process is for, and return its exit code.

    The rest of verifai is imported in here, so that Ctrl-C meanwhile ends in 130, no traceback.
    """
    try:
        from verifai.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(start())
