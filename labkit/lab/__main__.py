"""Start JupyterLab: `python -m labkit.lab [FLAGS]`."""

import sys

from labkit.lab import main

main(sys.argv[1:])
