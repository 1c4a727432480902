"""Eyes on the picture of a widget."""

import numpy as np
from PySide6.QtGui import QImage


def picture(widget):
    """Return what a widget paints, ``(height, width, 3)`` as red, green, blue."""
    return pixels(widget.grab())


def pixels(pixmap):
    image = pixmap.toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return rows[..., 2::-1].astype(int)
