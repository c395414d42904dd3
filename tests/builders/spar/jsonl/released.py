"""A reader of the published tree, made from the release's description and its drawing code alone."""

import json

DRAWN = {
    "obj_spatial_relation_oo": ["red_bbox", "blue_bbox"],
    "depth_prediction_oc": ["red_point", "blue_point"],
    "depth_prediction_oo": ["red_point", "blue_point", "green_point"],
    "distance_prediction_oc": ["red_point"],
    "distance_prediction_oo": ["red_point", "blue_point"],
    "distance_infer_center_oo": ["red_point", "blue_point", "green_point"],
    "spatial_volume_infer": ["red_bbox"],
    "spatial_imagination_oc": ["red_bbox", "blue_bbox", "green_bbox"],
    "spatial_imagination_oo": ["red_bbox", "blue_bbox", "green_bbox", "yellow_bbox"],
    "position_matching": ["red_bbox"],
    "depth_prediction_oc_mv": ["red_point", "blue_point"],
    "depth_prediction_oo_mv": ["red_point", "blue_point", "green_point"],
    "distance_prediction_oc_mv": ["red_point"],
    "distance_prediction_oo_mv": ["red_point", "blue_point"],
    "distance_infer_center_oo_mv": ["red_point", "green_point", "blue_point"],
    "obj_spatial_relation_oc_mv": ["red_bbox", "blue_bbox", "green_bbox"],
    "obj_spatial_relation_oo_mv": ["red_bbox", "blue_bbox", "green_bbox"],
    "spatial_imagination_oc_mv": ["green_bbox", "blue_bbox", "red_bbox"],
    "spatial_imagination_oo_mv": ["green_bbox", "blue_bbox", "red_bbox", "yellow_bbox"],
    "distance_prediction_oo_video": ["red_point", "blue_point"],
    "spatial_imagination_oc_video": ["green_bbox", "blue_bbox", "red_bbox"],
    "spatial_imagination_oo_video": ["green_bbox", "blue_bbox", "red_bbox", "yellow_bbox"],
    "obj_frame_locate": ["red_bbox"],
    "spatial_imagination_map_mv": "bbox_list",
    "distance_infer_center_oo_video": "point_list",
}
"""Type -> what the released drawing code draws, in the order of the image indices."""

ANY_OF = ("obj_spatial_relation_oc_mv", "obj_spatial_relation_oo_mv")
"""Types that use two colours (one colour) of three; the indices count those that are there."""


def released_markers(record):
    """{(image, colour or number, marker)} as the released code draws them."""
    keys = DRAWN.get(record["type"], [])
    form = "point" if "point" in "".join(keys) else "bbox"
    index = record.get(f"{form}_img_idx")
    if isinstance(keys, str):
        return {(index[0][i], i, tuple(marker)) for i, marker in enumerate(record[keys][0])}
    if record["type"] in ANY_OF:
        keys = [key for key in keys if record.get(key)]
    several = len(record["image"]) > 1 and record["type"] != "position_matching"
    return {(index[0][i] if several else 0, key.split("_")[0], tuple(record[key][0])) for i, key in enumerate(keys)}


def row_markers(row):
    numbered = isinstance(DRAWN.get(row["task"]), str)
    marked = [item for item in row["objects"] if item["color"] and (item["point"] or item["bbox"])]
    return {(item["image_index"], i if numbered else item["color"], tuple(item["point"] or item["bbox"]))
            for i, item in enumerate(marked)}


def released_records(tree):
    """(index key, record) by way of the index, as a trainer's loader reads."""
    for index in sorted((tree / "data_jsons").glob("*.json")):
        for key, entry in json.loads(index.read_text()).items():
            path = tree / entry["annotation"]
            lines = path.read_text(encoding="utf-8").splitlines() if path.stat().st_size else []
            assert entry["length"] == len(lines) == int(path.stem.split("_")[-1])
            for line in lines:
                record = json.loads(line)
                assert all((tree / entry["root"] / name).is_file() for name in record["image"])
                yield key, record
