"""Box IoU: closed forms, two libraries and random points as oracles, symmetries, and the `evaluate` module."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection
from scipy.spatial.transform import Rotation

from metrics._shared.intervals import wilson
from metrics.box_iou._boxes import Boxes, as_numbers, read_boxes, yaw_axes
from metrics.box_iou._core import box_iou, box_ious
from metrics.box_iou._overlap import intersection_volumes
from metrics.box_iou.box_iou import BoxIoU

ROOT = Path(__file__).resolve().parents[2]


def random_boxes(n, seed, upright=False, spread=1.0):
    """(n, 15) boxes near the origin."""
    rng = np.random.default_rng(seed)
    centers, extents = rng.uniform(-spread, spread, (n, 3)), rng.uniform(0.2, 3.0, (n, 3))
    turns = [yaw_axes(yaw) for yaw in rng.uniform(0, 7, n)] if upright else Rotation.random(n, rng).as_matrix()
    return np.hstack([centers, np.reshape(turns, (n, 9)), extents])


def moved(boxes, rotation, offset, scale=1.0):
    centers, axes, extents = boxes[:, :3], boxes[:, 3:12].reshape(-1, 3, 3), boxes[:, 12:]
    centers, axes = scale * (centers @ rotation.T) + offset, axes @ rotation.T
    return np.hstack([centers, axes.reshape(-1, 9), scale * extents])


def common(a, b):
    return intersection_volumes(read_boxes(list(a), "a")[0], read_boxes(list(b), "b")[0])


def halfspaces(box):
    center, axes, extents = box[:3], box[3:12].reshape(3, 3), box[12:]
    normals = np.vstack([axes, -axes])
    return np.hstack([normals, -(normals @ center + np.tile(extents / 2, 2))[:, None]])


def qhull_volume(a, b):
    """Another route: the polytope of twelve half-spaces, its corners by duality, its volume by convex hull."""
    planes = np.vstack([halfspaces(a), halfspaces(b)])
    best = linprog([0, 0, 0, -1], np.hstack([planes[:, :3], np.ones((12, 1))]), -planes[:, 3], bounds=(None, None))
    if best.x[3] < 1e-9:
        return 0.0
    return ConvexHull(HalfspaceIntersection(planes, best.x[:3]).intersections).volume


def test_tilted_boxes_agree_with_qhull():
    a, b = random_boxes(150, 0), random_boxes(150, 1)
    volumes = common(a, b)
    assert 20 < (volumes > 0).sum() < 150
    assert volumes == pytest.approx([qhull_volume(*pair) for pair in zip(a, b)], abs=1e-8)


def test_upright_boxes_agree_with_shapely():
    a, b = random_boxes(200, 2, upright=True), random_boxes(200, 3, upright=True)

    def footprint(box):
        x, y = box[3:5] * box[12] / 2, box[6:8] * box[13] / 2
        return shapely.Polygon([box[:2] + x + y, box[:2] - x + y, box[:2] - x - y, box[:2] + x - y])

    expected = [
        footprint(p).intersection(footprint(q)).area
        * max(0.0, min(p[2] + p[14] / 2, q[2] + q[14] / 2) - max(p[2] - p[14] / 2, q[2] - q[14] / 2))
        for p, q in zip(a, b)
    ]
    assert common(a, b) == pytest.approx(expected, abs=1e-9)


def test_volumes_agree_with_random_points():
    a, b = random_boxes(6, 4, spread=0.5), random_boxes(6, 5, spread=0.5)
    rng = np.random.default_rng(0)
    for p, q, volume in zip(a, b, common(a, b)):
        n, size = 200_000, p[12:].prod()
        points = rng.uniform(-0.5, 0.5, (n, 3)) * p[12:] @ p[3:12].reshape(3, 3) + p[:3]
        share = (np.abs((points - q[:3]) @ q[3:12].reshape(3, 3).T) <= q[12:] / 2).all(axis=1).mean()
        assert volume == pytest.approx(share * size, abs=5 * size * math.sqrt(share * (1 - share) / n) + 1e-12)


grid_intervals = st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 4), st.integers(1, 4))


@given(st.lists(grid_intervals, min_size=3, max_size=3))
def test_axis_aligned_boxes_on_a_grid_have_the_closed_form(intervals):
    """Centres at whole numbers and whole lengths make every kind of shared face, edge and corner likely."""
    a = [row[0] for row in intervals] + [row[2] for row in intervals]
    b = [row[1] for row in intervals] + [row[3] for row in intervals]
    overlap = [max(0.0, min(p + e / 2, q + f / 2) - max(p - e / 2, q - f / 2)) for p, q, e, f in intervals]
    assert common([a], [b])[0] == pytest.approx(math.prod(overlap), abs=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([1e-3, 1.0, 1e3]))
def test_rigid_motion_and_scale_change_nothing(seed, scale):
    a, b = random_boxes(4, seed), random_boxes(4, seed + 1)
    grown = np.array(b)
    grown[:, :12], grown[:, 12:] = a[:, :12], a[:, 12:] * [1, 1, 2]  # shares four planes with a
    rng = np.random.default_rng(seed)
    rotation, offset = Rotation.random(rng=rng).as_matrix(), rng.uniform(-50, 50, 3) * scale
    for other in (b, a, grown):
        after = box_ious(moved(a, rotation, offset, scale), moved(other, rotation, offset, scale))
        assert after == pytest.approx(box_ious(a, other), abs=1e-7)


@given(st.integers(0, 10**6))
def test_iou_is_symmetric_and_bounded(seed):
    a, b = random_boxes(8, seed), random_boxes(8, seed + 1)
    ious = box_ious(a, b)
    assert ious == pytest.approx(box_ious(b, a), abs=1e-9) and (ious >= 0).all() and (ious <= 1).all()


def test_equal_contained_and_touching_boxes():
    boxes = random_boxes(100, 6)
    volumes = boxes[:, 12:].prod(axis=1)
    assert (box_ious(boxes, boxes) == 1).all()
    inner, turned = boxes.copy(), boxes.copy()
    inner[:, 12:] *= 0.3
    assert common(inner, boxes) == pytest.approx(volumes * 0.027) == common(boxes, inner)
    # the same box with its axes in another order and direction, left-handed as well
    turned[:, 3:12], turned[:, 12:] = -boxes[:, [6, 7, 8, 3, 4, 5, 9, 10, 11]], boxes[:, [13, 12, 14]]
    assert box_ious(boxes, turned) == pytest.approx(1.0)
    mirrored = boxes.copy()
    mirrored[:, 9:12] *= -1
    assert box_ious(boxes, mirrored) == pytest.approx(1.0)
    for axis in range(3):
        neighbour = boxes.copy()
        neighbour[:, :3] += boxes[:, 3 + 3 * axis : 6 + 3 * axis] * boxes[:, 12 + axis, None]
        assert (common(boxes, neighbour) < 1e-9 * volumes).all()  # a shared face
        half = boxes.copy()
        half[:, :3] += boxes[:, 3 + 3 * axis : 6 + 3 * axis] * boxes[:, 12 + axis, None] / 2
        assert box_ious(boxes, half) == pytest.approx(1 / 3)  # four shared planes


def test_a_tiny_box_far_away_keeps_its_digits():
    tiny, room = [1e4, -2e4, 3e3, 0.01, 0.02, 0.03], [1e4, -2e4, 3e3, 40, 40, 40]
    assert common([tiny], [room])[0] == pytest.approx(6e-6, rel=1e-6)


def test_forms_of_a_box_agree():
    yaw = {"center": [1, 2, 3], "extents": [1, 2, 3], "yaw": 0.4}
    axes = {"center": np.array([1, 2, 3]), "extents": (1, 2, 3), "axes": yaw_axes(0.4).astype(np.float32)}
    flat = [1, 2, 3, 1, 2, 3, 0.4]
    assert box_ious([yaw, axes, as_numbers(axes)], [flat] * 3) == pytest.approx(1.0, abs=1e-6)
    assert box_ious([{"center": [0, 0, 0], "extents": [1, 1, 1]}], [[0, 0, 0, 1, 1, 1]]) == pytest.approx(1.0)


def test_thresholds_are_met_at_equality_whatever_the_last_bits():
    rng = np.random.default_rng(0)
    for _ in range(50):
        box = random_boxes(1, int(rng.integers(10**6)))
        half = box.copy()
        half[:, 12] /= 2
        half[:, :3] += box[:, 3:6] * box[:, 12:13] / 4
        result = box_iou(box, half)
        assert (result["acc@0.25"], result["acc@0.5"]) == (1, 1)
    assert box_iou([[0, 0, 0, 1, 1, 0.4999]], [[0, 0, 0, 1, 1, 1]])["acc@0.5"] == 0


def test_no_answer_scores_zero_and_intervals_fit():
    box, other = [0, 0, 0, 1, 1, 1], [9, 9, 9, 1, 1, 1]
    result = box_iou([box] * 30 + [other] * 8 + [None] * 2, [box] * 40)
    assert (result["mean_iou"], result["n"], result["n_missing"]) == (pytest.approx(0.75), 40, 2)
    interval = result["intervals"]["acc@0.5"]
    assert (interval["low"], interval["high"], interval["interval"]) == (*wilson(30, 40), "wilson")
    grouped = box_iou([box] * 30 + [other] * 10, [box] * 40, groups=[i // 2 for i in range(40)])
    assert grouped["intervals"]["acc@0.5"]["interval"] == "cluster_bootstrap" and grouped["n_groups"] == 20
    empty = box_iou([], [])
    assert math.isnan(empty["mean_iou"]) and math.isnan(empty["acc@0.5"]) and empty["reason"] == "no items"
    assert box_iou([None], [box], return_items=True)["items"] == [0.0]


@pytest.mark.parametrize(
    "reference, message",
    [
        ([0, 0, 0, 1, 0, 1], "references: item 1: extents must be positive"),
        ([0, 0, 0, 1, 1, -1], "references: item 1: extents must be positive"),
        ([0, 0, 0, 1], "item 1: expected 6 numbers"),
        ([0, 0, 0, 1, 1, math.nan], "item 1: expected finite"),
        ([0, 0, 0, *[1, 0, 0, 1, 0, 0, 0, 0, 1], 1, 1, 1], "item 1: axes are not orthogonal"),
        ({"center": [0, 0, 0], "size": [1, 1, 1]}, "item 1: a box has center, extents and axes or yaw"),
        ({"center": [0, 0, 0]}, "item 1: 'extents'"),
    ],
)
def test_bad_boxes_are_named(reference, message):
    box = [0, 0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match=message):
        box_iou([box, box], [box, reference])


def test_predictions_that_describe_no_box_score_zero_and_are_counted():
    box = [0, 0, 0, 1, 1, 1]
    bad = [[0, 0, 0, 1, 0, 1], [0, 0, 0, 1, 1, math.nan], [0, 0, 0, *[1, 0, 0, 1, 0, 0, 0, 0, 1], 1, 1, 1]]
    result = box_iou([*bad, None, box], [box] * 5, return_items=True)
    assert result["items"] == [0, 0, 0, 0, 1]
    assert (result["n"], result["n_missing"], result["n_invalid"]) == (5, 1, 3)
    with pytest.raises(ValueError, match="predictions: item 0: expected 6 numbers"):
        box_iou([[1, 2]], [box])


def test_other_bad_input_is_named():
    box = [0, 0, 0, 1, 1, 1]
    for arguments, message in (
        (([box], []), "one per reference"),
        (([box], [None]), "references: item 0 has no box"),
    ):
        with pytest.raises(ValueError, match=message):
            box_iou(*arguments)
    with pytest.raises(ValueError, match="thresholds"):
        box_iou([box], [box], thresholds=(25,))


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return BoxIoU(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_takes_every_form_in_any_order(module):
    box = [0.1, 0.2, 0.7, 1.0, 2.0, 3.0]
    forms = [None, box, {"center": box[:3], "extents": box[3:], "yaw": 0.0}, np.array([*box, 0.0])]
    for answers in (forms, forms[::-1]):
        result = module.compute(predictions=answers, references=[box] * 4)
        assert result["mean_iou"] == pytest.approx(0.75) and result["n_missing"] == 1
    tilted = random_boxes(5, 7), random_boxes(5, 8)
    assert module.compute(predictions=tilted[0], references=tilted[1]) == box_iou(*tilted)
    assert math.isnan(module.compute(predictions=[], references=[])["mean_iou"])


def test_module_and_readme_examples(module, monkeypatch):
    monkeypatch.setattr("evaluate.load", lambda name: module)
    import evaluate

    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    examples = parser.get_doctest(module.inputs_description, {"evaluate": evaluate}, "box_iou", None, 0)
    assert len(examples.examples) == 3 and not runner.run(examples).failed
    path = str(ROOT / "metrics/box_iou/README.md")
    readme = doctest.testfile(path, module_relative=False, globs={"box_iou": module})
    assert readme.attempted == 8 and not readme.failed


def test_boxes_hold_their_volumes():
    boxes, present = read_boxes([[0, 0, 0, 1, 2, 3], None], "boxes")
    assert isinstance(boxes, Boxes) and boxes.volumes.tolist() == [6.0] and present.tolist() == [True, False]
