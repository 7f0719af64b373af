"""`python -m xlretrieval`, which is also what `accelerate launch -m xlretrieval` runs."""

import sys

from xlretrieval.cli.main import main

sys.exit(main())
