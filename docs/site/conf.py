"""Sphinx configuration of the site, which `build.py` lays out; `make docs` runs both."""

from rnscli import __version__

project = "rnscli"
author = "The rnscli developers"
copyright = f"{author}, MIT licence"
release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
nb_execution_mode = "force"  # notebooks are stored without outputs
nb_execution_raise_on_error = True
nb_execution_timeout = 120
root_doc = "index"
html_theme = "furo"
html_title = f"rnscli {release}"
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 4  # those that links within the pages have on GitHub, too

# Docstrings are NumPy's; a single backtick is a name, linked where the site has it.
napoleon_google_docstring = False
napoleon_use_ivar = True
default_role = "py:obj"
suppress_warnings = ["ref.python"]  # a name of several classes: `lowest`
autodoc_typehints = "none"  # the signatures have them
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}

# What is copied of a block is the command, without its prompt and output.
copybutton_prompt_text = "$ "
