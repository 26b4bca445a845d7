# make lab opens the workbook, make test proves it; both set everything up first, in .venv/.

PYTHON ?=
LAB_FLAGS ?=
PYTEST_FLAGS ?= -n 3 --dist loadscope --no-loadscope-reorder
NOTEBOOKS ?=
LITE ?=
IN_VENV := .venv/bin/python -m
# The tests start hundreds of Pythons, and each would compile labkit anew where keeping bytecode is turned off.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install lab test check notebooks site voila lite lite-serve lite-test

install:
	@sh tools/install.sh '$(PYTHON)'

lab: install
	@$(IN_VENV) labkit.lab $(LAB_FLAGS)

test: install
	@$(IN_VENV) pytest $(PYTEST_FLAGS)

check: install
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) ruff check .
	@$(IN_VENV) mypy
	@$(IN_VENV) pytest $(PYTEST_FLAGS)

notebooks: install
	@.venv/bin/python tools/execute_notebooks.py $(NOTEBOOKS)

site: install
	@.venv/bin/python tools/build_site.py site '$(LITE)'

voila: install
	@.venv/bin/python tools/show_views.py $(LAB_FLAGS)

lite: install
	@.venv/bin/python lite/build_lite.py

lite-serve: lite
	@echo "Open http://127.0.0.1:8000 and stop with Ctrl-C"
	@$(IN_VENV) http.server 8000 --bind 127.0.0.1 --directory lite-site

lite-test: lite
	@$(IN_VENV) pytest -n 0 tests/in_browser
