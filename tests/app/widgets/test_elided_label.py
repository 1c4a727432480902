import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.widgets.elided_label import ElidedLabel
from tests.app.widgets.pictures import picture


@pytest.mark.parametrize("text", ["Press Space to play", "Drag the diamond from A to B " * 9])
def test_it_paints_only_where_a_new_text_is_painted_again(qtbot, text):
    label = ElidedLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignRight)
    label.setStyleSheet("color: white; background: black; padding: 6px 12px")
    qtbot.addWidget(label)
    label.resize(400, 40)
    label.show()
    _, columns, _ = np.nonzero(picture(label) > 60)
    room = label.contentsRect()
    assert room.left() == 12
    assert columns.min() >= room.left()
    assert columns.max() <= room.right()
    assert columns.max() > room.right() - 12
    assert label.toolTip() == text
