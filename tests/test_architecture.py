"""The floors of CONTRIBUTING.md hold, and every rule is seen to catch what it is there to catch."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from architecture import RULES, Module, circles, floors, imports, middle_sizes, package

import labkit

MODULES = package(Path(labkit.__file__).parent)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_module_keeps_the_rule(rule):
    """No module of the package breaks a rule of the house; each complaint names its file and line."""
    complaints = [complaint for module in MODULES for complaint in rule(module)]
    assert not complaints, "\n".join(complaints)


def test_no_circle_of_imports():
    """Modules can be read one after another, each after what it needs."""
    assert circles(MODULES) == []


def test_the_floors_are_counted_from_what_is_imported():
    """A place is one floor above the highest that it imports."""
    modules = [
        Module("messages", ""),
        Module("steps", "", True),
        Module("steps.pruning", "from labkit.messages import Message"),
        Module("manager", "from labkit.steps import pruning"),
    ]
    assert floors(modules) == [["messages"], ["steps"], ["manager"]]
    assert len(floors(MODULES)) > 5


def test_sizes_in_the_middle():
    """Half of all functions and modules are small."""
    assert middle_sizes(MODULES) == []


def test_the_package_is_read_whole():
    """The rules see the core, the far side and the teaching part, so that an empty walk cannot pass them."""
    assert {"__init__", "messages", "offline", "offline.api", "teach.charts.chart", "lab"} <= {m.name for m in MODULES}


PLANTED = [
    ("sides", "offline.api", "from labkit.messages import Message", "the offline side imports labkit.messages"),
    ("sides", "offline.api", "def f():\n    from ..tokens import estimate_tokens", "imports labkit.tokens"),
    (
        "sides",
        "manager",
        "def f():\n    from labkit.offline.rule import rule",
        "may import the offline side",
    ),
    ("sides", "strategies", "from labkit.teach import charts", "labkit.teach.charts, which is for notebooks"),
    ("sides", "offline.api", "import labkit.teach.cells.wire", "which is for notebooks"),
    ("sides", "teach.charts.chart", "from labkit.lab import ROOT", "imports the lab's start-up"),
    ("third_parties", "teach.cells.wire", "def f():\n    import plotly.graph_objects as go", "plotly belongs in"),
    ("third_parties", "teach.charts.chart", "from ipywidgets import IntSlider", "ipywidgets belongs in"),
    ("third_parties", "tokens", "import anywidget", "anywidget belongs in"),
    ("third_parties", "strategies", "def f():\n    import anthropic", "may use the SDK"),
    ("third_parties", "teach.cells.wire", "from anthropic.types import Message", "may use the SDK"),
    ("third_parties", "clients", "import anthropic", "inside the function"),
    ("files", "manager", "import sqlite3", "imports sqlite3"),
    ("files", "manager", "def f(p):\n    with open(p) as file:\n        return file", "calls open()"),
    ("files", "tokens", "def f(p):\n    return p.read_text()", "calls read_text()"),
    ("files", "tokens", "def f(p):\n    return p.open('rb')", "calls open()"),
    ("files", "models", "def f():\n    files('labkit').joinpath('facts.toml').write_text('')", "calls write_text()"),
    ("files", "conversation", "import os\nos.replace('a', 'b')", "calls os.replace()"),
    ("files", "turn", "def f(p, flags):\n    return os.open(p, flags)", "calls os.open()"),
    ("files", "request_log", "def f(p):\n    p.unlink()", "calls unlink()"),
    ("sizes", "tokens", "def long():\n" + "    x = 1\n" * 40, "long has 41 lines, at most 40"),
    ("sizes", "teach.cells.wire", "x = 1\n" * 301, "301 non-blank lines, at most 300"),
    ("documentation", "tokens", "x = 1", "tokens: has no docstring"),
    ("documentation", "tokens", '"""Fine."""\ndef f(): ...', "f has no docstring"),
    ("documentation", "tokens", '"""Fine."""\nclass _C:\n    def m(self): ...', "m has no docstring"),
    ("documentation", "tokens", '"""Fine."""\ndef _f():\n    def inner(): ...', "inner has no docstring"),
]


@pytest.mark.parametrize(("rule", "name", "text", "complaint"), PLANTED)
def test_a_planted_violation_is_seen(rule, name, text, complaint):
    """Each rule catches each way of breaking it, so that a clean run means a clean house."""
    assert complaint in "\n".join(RULES[rule](Module(name, text)))


ALLOWED = [
    ("sides", "clients", "def f():\n    from labkit.offline import OfflineClaude"),
    ("sides", "teach.cells.wire", "from labkit.request_log import Sent\nfrom labkit.offline import OfflineClaude"),
    ("third_parties", "strategies", "if TYPE_CHECKING:\n    import anthropic"),
    ("third_parties", "clients", "def f():\n    import anthropic"),
    ("third_parties", "teach.charts.hover", "def f():\n    import plotly.graph_objects as go"),
    (
        "files",
        "models",
        "def f():\n    return files('labkit').joinpath('facts.toml').read_text()",
    ),
    ("files", "request_log", "def f(seal, data):\n    return seal.open(data)"),
    ("files", "stores.sqlite", "import sqlite3\nopen('x')"),
    ("files", "conversation", "from dataclasses import replace\nreplace(1)\n'a'.replace('a', 'b')"),
    ("sizes", "tokens", "def long():\n" + "    x = 1\n" * 39),
    ("documentation", "tokens", '"""Fine."""\n@overload\ndef f(): ...\ndef _g(): ...'),
]


@pytest.mark.parametrize(("rule", "name", "text"), ALLOWED)
def test_what_is_allowed_passes(rule, name, text):
    """No rule complains about what the design wants."""
    assert list(RULES[rule](Module(name, text))) == []


CIRCLES = {
    "at start": [
        ("teach.cells.a", "from labkit.teach.cells import b"),
        ("teach.cells.b", "import labkit.teach.cells.a"),
    ],
    "inside a function": [("tokens", "def f():\n    from labkit import models"), ("models", "import labkit.tokens")],
    "for types": [
        ("offline.a", "if TYPE_CHECKING:\n    from .b import B"),
        ("offline.b", "from labkit.offline.a import A"),
    ],
    "by import_module": [("tokens", "import_module('labkit.models')"), ("models", "from labkit.tokens import X")],
    "inside a folder": [("stores.a", "from labkit.stores.b import B"), ("stores.b", "def f():\n    from .a import A")],
    "between folders": [
        ("offline.rules.a", "from labkit.offline.billing.a import A"),
        ("offline.billing.a", ""),
        ("offline.billing.b", "from labkit.offline.rules.b import B"),
        ("offline.rules.b", ""),
    ],
    "through an __init__": [
        ("teach.trials", "from labkit.teach.exercises.manager.window import stub"),
        ("teach.trials.laws", ""),
        ("teach.exercises.manager.window", "from labkit.teach.trials.laws import LAWS"),
    ],
}


@pytest.mark.parametrize("modules", CIRCLES.values(), ids=CIRCLES)
def test_a_planted_circle_is_seen(modules):
    """Modules or folders that need each other are named; without one of the imports nobody is."""
    found = circles([Module(name, text) for name, text in modules])
    assert found
    assert " -> " in found[0]
    first, *rest = modules
    assert circles([Module(first[0], ""), *(Module(name, text) for name, text in rest)]) == []


def test_planted_middle_sizes_are_seen():
    """A house of large functions and large modules is complained about twice."""
    assert len(middle_sizes([Module("tokens", "def f():\n" + "    x = 1\n" * 121)])) == 2


def test_an_import_knows_when_it_happens():
    """An import counts as start-up, call or types by its place."""
    text = (
        "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\ndef f():\n    import d\nclass C:\n    import e"
    )
    assert {item.target: item.when for item in imports(Module("x", text))} == {
        "a": "start",
        "b": "types",
        "c": "start",
        "d": "call",
        "e": "start",
    }


HEAVY = ("anthropic", "plotly", "ipywidgets", "anywidget", "pydantic", "ctok", "PIL", "jupyterlab", "httpx2")


def test_import_labkit_is_light():
    """A fresh `import labkit` loads neither the SDK nor a chart or widget library."""
    code = f"import sys, labkit; labkit.History; print(*[name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def test_the_public_names_are_what_labkit_says_they_are():
    """Every name of `__all__` loads, there are twenty at most, and a wrong name says what there is."""
    assert all(getattr(labkit, name) is not None for name in labkit.__all__)
    assert len(labkit.__all__) <= 20
    assert sorted(labkit.__all__) == sorted(name for names in labkit._HOMES.values() for name in names) == dir(labkit)
    with pytest.raises(AttributeError, match="no attribute 'nothing'; it has AsyncConversationManager"):
        labkit.nothing  # noqa: B018


def test_no_public_name_is_also_a_module():
    """Importing a module sets its name on the package, so a function of the same name would be lost."""
    assert not {module.name for module in pkgutil.iter_modules(labkit.__path__)} & set(labkit.__all__)
