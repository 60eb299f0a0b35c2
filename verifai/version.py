"""The version: of the package, and of everything that writes its name into a file."""

__version__ = "0.1.0"
