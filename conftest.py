"""Give every test run a separate home, so that no test reads or writes what belongs to the learner."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from browser_path import NO_BROWSER, chromium
from execute_notebooks import WIDGET_VIEW
from hypothesis import Phase, settings
from nbval.plugin import IPyNbCell

settings.register_profile("workbook", deadline=None, print_blob=True)
settings.register_profile("first_failure", deadline=None, phases=(Phase.explicit, Phase.generate))
settings.load_profile("workbook")

NO_NETWORK = Path(__file__).parent / "tests" / "closed_network.py"
HOME = Path(tempfile.mkdtemp(prefix="labkit-tests-"))
os.environ |= {
    "LABKIT_PROGRESS": str(HOME / "progress"),
    "IPYTHONDIR": str(HOME / "ipython"),
    "JUPYTER_CONFIG_DIR": str(HOME / "jupyter"),
    "JUPYTER_RUNTIME_DIR": str(HOME / "runtime"),
}
os.environ.pop("ANTHROPIC_API_KEY", None)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background of a shell would not see Ctrl-C


def pytest_collection_modifyitems(items):
    """Leave the browser tests out where there is no Chromium, except in CI, where they must run."""
    if chromium() or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Keep the progress of each file apart, so that a notebook shows an empty page whatever ran before it.

    Notebooks run with the network closed. All that they store is compared, pictures too, which nbval would leave out;
    only what no two runs share is not.
    """
    os.environ["LABKIT_PROGRESS"] = str(HOME / "progress" / item.path.stem)
    os.environ.pop("PYTHONSTARTUP", None)
    if isinstance(item, IPyNbCell):
        os.environ["PYTHONSTARTUP"] = str(NO_NETWORK)
        item.parent.skip_compare = ("execution_count", WIDGET_VIEW)


def pytest_terminal_summary(terminalreporter):
    """Say plainly, at the end of a run, which programs were not found and what was left out for want of them."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())}
    for reason in sorted(reason for reason in reasons if "were left out" in reason):
        terminalreporter.write_line(f"Note: {reason.removeprefix('Skipped: ')}.", yellow=True)


def pytest_unconfigure():
    """Take the home down again."""
    shutil.rmtree(HOME, ignore_errors=True)
