"""Views, a module or more a notebook: pure functions from settings to a chart, and tables of measured things."""
