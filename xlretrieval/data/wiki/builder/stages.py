"""The stages whose tasks run in workers, by name."""

from __future__ import annotations

from .aligning import Align, Fit
from .parsing import Parse
from .scanning import Scan
from .tables import Read, Resolve

STAGES = {"scan": Scan, "parse": Parse, "read": Read, "resolve": Resolve, "fit": Fit, "align": Align}
