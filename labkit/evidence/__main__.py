"""Print the evidence table: `python -m labkit.evidence`."""

import sys

from labkit.evidence.table import main

sys.exit(main())
