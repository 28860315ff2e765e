"""Sphinx's settings; `docs/build.py` lays out the sources of the site."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import listing  # noqa: E402
from docutils.nodes import SkipNode  # noqa: E402
from docutils.utils.math.latex2mathml import tex2mathml  # noqa: E402

import bfimna  # noqa: E402

project = "bfimna"
author = copyright = "The bfimna authors"
version = release = bfimna.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
default_role = "code"
html_theme = "furo"
html_title = "bfimna"
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
templates_path = []
pygments_style = "default"

# notebooks are executed by the workflow, never here; nothing comes from another host
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_render_markdown_format = "myst"
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
html_math_renderer = "mathml"  # browsers set it themselves; Sphinx's own loads a script from a host
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Result"]  # prose, where numpydoc wants a type

_FIELD = re.compile(r"^([\w*][\w, *]*) : (.+)$")


def as_numpydoc(app, what, name, obj, options, lines):
    """Rewrite `name : description`, this project's form of a parameter, for napoleon."""
    section, written = "", []
    for n, line in enumerate(lines):
        if n + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[n + 1].strip()):
            section = line.strip()
            written.append("Result" if section in ("Returns", "Yields") else line)
        elif section in ("Parameters", "Attributes") and line.strip("- "):
            field = _FIELD.match(line)
            written += [field[1], f"    {field[2]}"] if field else [f"    {line.strip()}"]
        else:
            written.append(line)
    lines[:] = written


def beside_the_code(app, docname, source):
    """Put the code that implements a section of the model below it."""
    if docname == "docs/model":
        source[0] = listing.with_code(source[0])


def inline_math(self, node):
    """Write an inline formula as MathML."""
    self.body.append(tex2mathml(node.astext()))
    raise SkipNode


def display_math(self, node):
    """Write a displayed formula as MathML, in a box that scrolls if the formula is wide."""
    formula = tex2mathml(node.astext(), as_block=True)
    self.body.append(f'<div class="math" style="overflow-x: auto; margin: 1em 0">{formula}</div>')
    raise SkipNode


def setup(app):
    """Connect before napoleon, which comes at 500."""
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("autodoc-process-docstring", as_numpydoc, priority=400)
    app.connect("source-read", beside_the_code)
