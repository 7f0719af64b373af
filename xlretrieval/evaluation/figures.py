"""Axes to draw on that become a PNG file, without a display and without matplotlib's global state."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xlretrieval.data.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# These differ for every kind of colour blindness (Okabe and Ito 2008).
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"


@contextmanager
def png_axes(path: str | Path, size: tuple[float, float]) -> Iterator[Axes]:
    """Axes for a `with` block; the file is written, whole or not at all, when the block ends well.

    Args:
        path: The file.
        size: Width and height in inches, at 150 dots each.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    yield figure.add_subplot()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    write_bytes(path, buffer.getvalue())
