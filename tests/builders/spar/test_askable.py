"""What keeps markers from naming an object, in pictures worked out by hand."""

import pytest

from builders.spar.askable import box_problem
from builders.spar.facts import Asked
from builders.spar.limits import Limits
from builders.spar.records import build_record
from tests.builders.toy import look_at, make_scene

AHEAD = look_at((0, -4, 0.5), (0, 0, 0.5))


@pytest.mark.parametrize("labels, asked, most, problem", [
    (("chair", "chair"), "0", 0.2, "namesake_in_the_box"), (("chair", "chair"), "0", 0.3, None),
    (("chair", "stool"), "0", 0.2, None), (("chair", "chair"), "1", 0.2, None),
])
def test_a_box_marker_must_not_hold_much_of_another_thing_of_its_name(labels, asked, most, problem):
    """A chair, and a nearer one that hides its lower right quarter: of the nearer one's box, which reaches 0.41 to the
    right and 0.17 down, that is 0.10 squared, or a seventh."""
    boxes = [((0, 1, 0.5), (1.0, 0.2, 1.0), 0.0), ((0.6, -1, 0.25), (1.2, 0.2, 0.5), 0.0)]
    record = build_record(make_scene(boxes, [AHEAD], labels, floor=False), Limits())
    limits = Limits(max_namesake_share=most)
    assert box_problem(record, limits, (0,), [Asked(asked, 0, "red")]) == problem
