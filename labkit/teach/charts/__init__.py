"""Charts as values, and how one is laid out and drawn as SVG, PNG and plotly figure."""
