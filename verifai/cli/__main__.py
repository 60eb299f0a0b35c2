"""``python -m verifai.cli``."""

from verifai.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
