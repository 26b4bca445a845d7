"""Pack a wheel again for a browser, with bytecode, fixed dates and nothing that a learner never needs.

It runs in the Python that will read the wheel, pyodide's, under Node.js: bytecode belongs to one version of Python.
"""

import importlib.util
import io
import re
import sys
import warnings
import zipfile
from importlib import _bootstrap_external as bootstrap

UNUSED = re.compile(r"jedi/third_party/(typeshed/stubs|django-stubs)/|(^|/)tests?/|\.pyi$|\.data/")
STUBS = re.compile(r"jedi/third_party/typeshed/stdlib/")
"""The types of the standard library, which complete and explain what a learner types."""
SOURCELESS = re.compile(r"anthropic/")
"""Packages of so many modules that their source would be a third of the site: only their bytecode is in it."""
WHEN = (2026, 1, 1, 0, 0, 0)


def packed(data: bytes) -> bytes:
    """The wheel in its form for the site; the same bytes for the same wheel."""
    warnings.simplefilter("ignore")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w") as wheel:
        for name in sorted(given.namelist()):
            if name.endswith("/") or (UNUSED.search(name) and not STUBS.search(name)):
                continue
            for path, body in forms(name, given.read(name)):
                wheel.writestr(zipfile.ZipInfo(path, WHEN), body, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def forms(name: str, source: bytes) -> list[tuple[str, bytes]]:
    """The files that stand for one file of a wheel: itself, its bytecode, or both."""
    if not name.endswith(".py") or ".dist-info/" in name:
        return [(name, source)]
    try:
        # the path that the file will have, which tracebacks name
        code = compile(source, f"/lib/python3.14/site-packages/{name}", "exec", dont_inherit=True)
    except SyntaxError:
        return [(name, source)]  # a template or a test of another Python
    # unchecked: no date and no source is compared when it is loaded
    body = bootstrap._code_to_hash_pyc(code, importlib.util.source_hash(source), False)
    if SOURCELESS.match(name):
        return [(f"{name}c", body)]
    folder, _, file = name.rpartition("/")
    cache = f"{folder}/__pycache__/" if folder else "__pycache__/"
    return [(name, source), (f"{cache}{file[:-3]}.{sys.implementation.cache_tag}.pyc", body)]
