"""Tags of objects that share a colour, and the published sizes."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from builders.spar.markers import draw_markers, tag_of
from builders.spar.pictures import Pictures
from tests.builders.toy import flat_jpeg, toy_room

GREY = (128, 128, 128)
SIZES = [(640, 480), (1296, 968)]


def boxed(bbox, view=0, color="blue"):
    return {"color": color, "image_index": view, "point": None, "bbox": bbox}


def changed(image):
    """(height, width) where a grey picture was drawn on."""
    return (np.array(image) != 128).any(axis=2)


@pytest.mark.parametrize("size", SIZES)
def test_only_objects_that_share_their_colour_get_a_tag(size):
    grey = Image.new("RGB", size, GREY)
    first, second = [300, 300, 500, 600], [100, 100, 300, 400]
    plain, _ = draw_markers([grey, grey], [boxed(first), boxed(second, 1, "red")])
    tagged, other = draw_markers([grey, grey], [boxed(first), boxed(second, 1)])
    added = changed(tagged) & ~changed(plain)
    rows, columns = np.nonzero(added)
    assert rows.max() - rows.min() >= 12 and columns.max() - columns.min() >= 40  # legible
    white = (np.array(tagged) == 255).all(axis=2)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert 0.05 < white.mean() < 0.5
    inside = np.array(tagged)[int(0.32 * size[1]) : int(0.58 * size[1]), int(0.32 * size[0]) : int(0.48 * size[0])]
    assert (inside == 128).all()  # the object stays visible
    assert changed(other).any() and added.mean() < 0.03
    assert grey.getcolors() == [(size[0] * size[1], GREY)]


def test_the_number_is_the_place_in_the_row_and_not_in_the_picture():
    grey = Image.new("RGB", (640, 480), GREY)
    a, b, unmarked = boxed([300, 300, 500, 600]), boxed([300, 300, 500, 600], 1), boxed(None, 0, "")
    one, two = (np.array(p) for p in draw_markers([grey, grey], [a, b]))
    assert not np.array_equal(one, two)
    swapped = [np.array(p) for p in draw_markers([grey, grey], [b, a])]  # now the second picture has object0
    assert np.array_equal(one, swapped[1]) and np.array_equal(two, swapped[0])
    shifted = np.array(draw_markers([grey, grey], [unmarked, a, b])[0])
    assert np.array_equal(shifted, two)  # second in the row: object1
    assert [tag_of(i) for i in (0, 6)] == ["object0", "object6"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bbox", [[0, 0, 1000, 1000], [900, 930, 1000, 1000], [0, 0, 60, 40], [960, 0, 1000, 1000]])
def test_tags_stay_in_the_picture(size, bbox):
    """At every border, the tag is as large as in the middle of the picture."""
    grey = Image.new("RGB", size, GREY)

    def letters(box):
        drawn, _ = draw_markers([grey, grey], [boxed(box), boxed([0, 0, 500, 500], 1)])
        return int((np.array(drawn) == 255).all(axis=2).sum())

    assert letters(bbox) == letters([400, 400, 600, 600]) > 0


def test_tags_of_neighbours_do_not_cover_each_other():
    grey = Image.new("RGB", (640, 480), GREY)
    boxes = [[300, 300, 400, 500], [310, 300, 420, 500], [300, 310, 400, 520], [305, 305, 405, 510]]
    alone = [int((np.array(draw_markers([grey, grey], [boxed(b, int(j != i)) for j, b in enumerate(boxes)])[0]) == 255)
                 .all(axis=2).sum()) for i in range(len(boxes))]
    together = int((np.array(draw_markers([grey], [boxed(b) for b in boxes])[0]) == 255).all(axis=2).sum())
    assert together == sum(alone)


@pytest.mark.parametrize("size", SIZES)
def test_legacy_points_are_discs_of_20_pixels_at_every_size(size):
    grey = Image.new("RGB", size, GREY)
    point = {"color": "green", "image_index": 0, "point": [500, 500], "bbox": None}
    (drawn,) = draw_markers([grey], [point], legacy=True)
    rows, columns = np.nonzero((np.array(drawn) == (0, 128, 0)).all(axis=2))
    assert changed(drawn).sum() == len(rows) == pytest.approx(np.pi * 400, rel=0.06)
    middle = size[0] / 2 - 0.5, size[1] / 2 - 0.5
    for found, at in ((columns, middle[0]), (rows, middle[1])):
        assert (found.min(), found.max()) == pytest.approx((at - 20, at + 20), abs=1)
    assert grey.getcolors() == [(size[0] * size[1], GREY)]


@pytest.mark.parametrize("color, value", [("red", (255, 0, 0)), ("blue", (0, 0, 255)), ("green", (0, 128, 0))])
def test_legacy_boxes_are_20_pixels_thick_and_mostly_outside(color, value):
    grey = Image.new("RGB", (1000, 1000), GREY)
    (drawn,) = draw_markers([grey], [boxed([300, 400, 600, 700], color=color)], legacy=True)
    colored = (np.array(drawn) == value).all(axis=2)
    across = np.nonzero(colored[550])[0]
    left, right = across[across < 500], across[across > 500]
    assert len(left) == len(right) == 20
    assert left.min() == pytest.approx(299.5 - 17.5, abs=1) and right.max() == pytest.approx(599.5 + 17.5, abs=1)


def test_legacy_boxes_are_cut_off_at_the_border_and_share_tags_in_green():
    grey = Image.new("RGB", (640, 480), GREY)
    (drawn,) = draw_markers([grey], [boxed([0, 0, 1000, 1000])], legacy=True)
    blue = (np.array(drawn) == (0, 0, 255)).all(axis=2)
    assert blue[0].all() and blue[-1].all() and blue[:, 0].all() and blue[:, -1].all()
    (tagged,) = draw_markers([grey], [boxed([100, 100, 300, 300]), boxed([500, 500, 990, 990])], legacy=True)
    assert (np.array(tagged) == (0, 255, 0)).all(axis=2).sum() > 500


class FlatPictures:
    """A source whose every picture is grey."""

    def read_color(self, scene, frame):
        return flat_jpeg(frame.width, frame.height)


def test_a_row_is_shown_with_the_tags_of_the_whole_row():
    """One picture alone does not tell that its object is the row's second one."""
    scene = toy_room(frames=3)
    names = [f.frame_id for f in scene.frames]
    objects = [boxed([300, 300, 500, 600], 0), boxed([400, 200, 700, 500], 1)]
    row = {"scene_id": scene.scene_id, "frame_ids": names, "objects": objects}
    shown = Pictures(FlatPictures(), scene).of_row(row)
    grey = Image.open(BytesIO(flat_jpeg(320, 240))).convert("RGB")
    wanted = draw_markers([grey] * 3, objects)
    for image, expected in zip(shown[:2], wanted):
        gap = np.abs(np.array(Image.open(BytesIO(image["bytes"])), dtype=int) - np.array(expected, dtype=int))
        assert gap.mean() < 2
    assert shown[2]["bytes"] == flat_jpeg(320, 240)  # unmarked views keep their bytes
