"""Makes `train_steps` importable, which also runs as a script in processes of its own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
