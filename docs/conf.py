"""Sphinx configuration. The reference pages take their words from the code at each build."""

from __future__ import annotations

from verifai import __version__

project = "verifai"
copyright = "the verifai developers"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"verifai {__version__}"
html_static_path: list[str] = []
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_mock_imports: list[str] = []
exclude_patterns = ["_build"]
nitpicky = False
