"""``--set balance=heuristic``: as many rows follow "higher is farther" as defy it, counted from the columns."""

from collections import Counter

import numpy as np
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.spar.limits import Limits
from builders.spar.rows import with_even_tags
from builders.spar.spar_7m import Spar7M
from scripts.verify import read_tables

TAGGED = ("depth_prediction_oo", "obj_spatial_relation_oo")


def rooms(**settings):
    return Spar7M(sources=("procedural",), scenes=1, renderer="raycast", pixels="referenced", seed=5,
                  tasks=",".join(TAGGED), limits=Limits(max_keyframes=8), **settings)


@pytest.fixture(scope="module", params=["", "heuristic"])
def built(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / (request.param or "plain")
    build_folder(rooms(balance=request.param), out, progress=False)
    return request.param, out


def counted_tags(rows):
    """(task, format, scene, tag) -> rows. Where boxes are marked, tags are held against them, on the 0-1000 scale."""
    counts = Counter()
    for row in rows:
        if row["task"] == "obj_spatial_relation_oo" and len(row["answer_exact"]) == 3:
            (red, blue) = ((o["bbox"][1] + o["bbox"][3]) / 2000 for o in row["objects"])
            farther_red = row["answer_exact"][2] > 0  # distance of red less that of blue
            gap = (blue - red) if farther_red else (red - blue)
            if abs(abs(gap) - 0.05) > 0.003 and abs(gap) > 0.05:
                assert row["heuristic"] == ("consistent" if gap > 0 else "counter")
        counts[row["task"], row["format_type"], row["scene_id"], row["heuristic"]] += 1
    return counts


def test_both_tags_are_as_frequent_in_each_task_format_and_scene(built):
    balance, out = built
    manifest = read_manifest(out)
    rows = [row for scene in read_tables(out, manifest).values() for row in scene.rows.values()]
    counts = counted_tags(rows)
    differences = [counts[*key, "consistent"] - counts[*key, "counter"] for key in {key[:3] for key in counts}]
    assert len(differences) == 6 and len(rows) > 80
    assert np.any(differences) != (balance == "heuristic")
    decided = sum(n for key, n in counts.items() if key[3] in ("consistent", "counter"))
    assert decided > 30
    told = Counter()
    for tables in manifest["answers"].values():
        for task, formats in tables.items():
            for form, what in formats.items():
                for tag, number in what.get("heuristic", {}).items():
                    told[task, form, tag] += number
    here = Counter()
    for (task, form, _, tag), number in counts.items():
        if tag:
            here[task, form, tag] += number
    assert told == here and manifest["settings"]["balance"] == balance


def test_the_last_rows_of_the_more_frequent_tag_go():
    tags = ["consistent", "", "counter", "consistent", "ambiguous", "consistent", "counter", "consistent"]
    kept = with_even_tags([{"heuristic": tag, "n": n} for n, tag in enumerate(tags)])
    assert [row["n"] for row in kept] == [0, 1, 2, 3, 4, 6]
    assert with_even_tags([{"heuristic": "consistent"}]) == []


def test_another_balance_is_an_error():
    with pytest.raises(InputError, match="heuristic"):
        rooms(balance="colour")
