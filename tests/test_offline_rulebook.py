"""RULES.md lists every rule with its evidence and its test, and says what the code says."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from labkit.offline import rulebook
from labkit.offline.rule import REGISTRY

TESTS = Path(__file__).parent
RULES = [rule for name in rulebook.RULED for rule in rulebook.rules_of(import_module(f"labkit.offline.{name}"))]


def test_the_page_is_what_the_code_says():
    """The page in the repository is the one that the docstrings make."""
    assert rulebook.PAGE.read_text(encoding="utf-8") == rulebook.page()


def test_every_rule_is_on_the_page():
    """No rule is registered in a module that the page leaves out."""
    assert set(RULES) == set(REGISTRY)
    assert len(RULES) > 50


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_names_its_evidence_with_a_date_or_version(rule):
    """The evidence of each rule is named, and dated or versioned or a numbered thread."""
    said, evidence = rulebook.evidence_of(rule)
    assert said
    assert re.search(r"20\d\d|SDK \d|#\d", evidence), evidence


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_has_a_test_of_its_name(rule):
    """A test that bears the rule's name exists."""
    found = [path.name for path in TESTS.glob("test_offline_*.py") if f"def test_{rule.__name__}(" in path.read_text()]
    assert len(found) == 1, found


@pytest.mark.parametrize("name", rulebook.BEHAVIOURS)
def test_a_behaviour_names_its_evidence_and_tests(name):
    """Behaviour other than errors has evidence too, and a file of tests."""
    _, evidence = rulebook.evidence_of(import_module(f"labkit.offline.{name}"))
    assert evidence
    assert (TESTS / f"test_offline_{rulebook.TESTS.get(name, name.split('.')[-1])}.py").exists()
