"""Parametric furniture: CATALOGUE maps a kind of object to how it is built and where it belongs.

A contributor adds a kind by writing one builder and one line here.
"""

from builders.scenes.procedural.furniture import (
    appliances,
    beds,
    decor,
    electronics,
    kitchen,
    lamps,
    plants,
    seating,
    small_items,
    storage,
    tables,
    tableware,
    wall_decor,
)
from builders.scenes.procedural.furniture.model import Spec

_DESKS = "desk"
_TABLES = "coffee table,side table,dining table,console table"
_TOPS = "dresser,cabinet,tv stand,bookshelf,console table,wall shelf"
_BEDSIDE = "nightstand"
_KITCHEN = "kitchen counter,dining table"

CATALOGUE: dict[str, Spec] = {
    # seats
    "sofa": Spec(seating.sofa, "group", "living studio office", front=0.7),
    "armchair": Spec(seating.armchair, "free", "living studio bedroom office", front=0.5, limit=2),
    "chair": Spec(seating.chair, "group", "dining studio"),
    "office chair": Spec(seating.office_chair, "group", "office bedroom studio"),
    "stool": Spec(seating.stool, "free", "dining studio living", limit=3),
    "bench": Spec(seating.bench, "wall", "dining bedroom", front=0.3),
    "ottoman": Spec(seating.ottoman, "free", "living bedroom studio", limit=2),
    "bean bag": Spec(seating.bean_bag, "free", "living studio", weight=0.6),
    "floor cushion": Spec(small_items.floor_cushion, "free", "living studio bedroom", limit=2, weight=0.5),
    # tables
    "dining table": Spec(tables.dining_table, "group", "dining"),
    "round dining table": Spec(tables.round_dining_table, "group", "dining studio", label="dining table"),
    "coffee table": Spec(tables.coffee_table, "group", "living studio"),
    "side table": Spec(tables.side_table, "free", "living studio bedroom", limit=2),
    "console table": Spec(tables.console_table, "wall", "living dining studio", front=0.4, weight=0.7),
    "desk": Spec(tables.desk, "group", "office bedroom studio", front=0.7),
    # beds
    "bed": Spec(beds.bed, "group", "bedroom studio"),
    "single bed": Spec(beds.single_bed, "group", "bedroom studio", label="bed"),
    "crib": Spec(beds.crib, "wall", "bedroom", front=0.4, weight=0.25),
    "sleeping pillow": Spec(beds.pillow, "group", "bedroom studio", label="pillow"),
    "sofa pillow": Spec(beds.throw_pillow, "group", "living studio office", label="pillow"),
    # storage
    "nightstand": Spec(storage.nightstand, "group", "bedroom"),
    "wardrobe": Spec(storage.wardrobe, "wall", "bedroom studio", front=0.6, weight=2.0),
    "bookshelf": Spec(storage.bookshelf, "wall", front=0.5, limit=2, weight=1.6),
    "low shelf": Spec(storage.low_shelf, "wall", front=0.5, limit=2, weight=0.7, label="bookshelf"),
    "cabinet": Spec(storage.cabinet, "wall", "living dining office studio", front=0.5, limit=2),
    "dresser": Spec(storage.dresser, "wall", "bedroom", front=0.5, weight=2.0),
    "filing cabinet": Spec(storage.filing_cabinet, "wall", "office", front=0.5, limit=2, weight=1.6),
    "tv stand": Spec(storage.tv_stand, "group", "living studio bedroom", front=0.6),
    "kitchen counter": Spec(kitchen.kitchen_counter, "wall", "dining", front=0.7, limit=2, weight=4.0),
    "refrigerator": Spec(kitchen.refrigerator, "wall", "dining studio", front=0.6, weight=2.5),
    "washing machine": Spec(appliances.washing_machine, "wall", "dining", front=0.5, weight=0.7),
    # floor, decorative
    "fireplace": Spec(decor.fireplace, "wall", "living", front=0.7, weight=0.7),
    "coat rack": Spec(decor.coat_rack, "free", weight=0.5),
    "floor lamp": Spec(lamps.floor_lamp, "free", limit=2, weight=1.3),
    "reading lamp": Spec(lamps.arc_lamp, "free", "living studio bedroom", weight=0.6, label="floor lamp"),
    "potted plant": Spec(plants.potted_plant, "free", limit=3, weight=1.8),
    "basket": Spec(small_items.basket, "free", "living bedroom studio", limit=2),
    "trash can": Spec(small_items.trash_can, "free", "office dining studio bedroom", limit=2),
    "backpack": Spec(small_items.backpack, "free", limit=2),
    "suitcase": Spec(small_items.suitcase, "free", "bedroom studio", limit=2),
    "guitar": Spec(small_items.guitar, "free", "living bedroom studio", weight=0.8),
    "ball": Spec(small_items.ball, "free", "living bedroom studio", limit=2),
    "shoes": Spec(small_items.shoes, "free", "bedroom studio", limit=2, weight=0.8),
    "cardboard box": Spec(small_items.cardboard_box, "free", limit=3, weight=0.8, label="box"),
    # rugs, ceiling
    "rug": Spec(decor.rug, "rug"),
    "round rug": Spec(decor.round_rug, "rug", label="rug"),
    "ceiling lamp": Spec(lamps.ceiling_lamp, "ceiling", limit=2),
    "pendant lamp": Spec(lamps.pendant_lamp, "ceiling", label="ceiling lamp"),
    # walls
    "picture": Spec(wall_decor.picture, "hung", limit=4, weight=2.5, heights=(1.25, 1.5)),
    "mirror": Spec(wall_decor.mirror, "hung", "bedroom living studio", heights=(1.0, 1.2)),
    "clock": Spec(wall_decor.clock, "hung", heights=(1.65, 1.9)),
    "wall shelf": Spec(storage.wall_shelf, "hung", limit=2, heights=(1.3, 1.55)),
    "whiteboard": Spec(wall_decor.whiteboard, "hung", "office", weight=2.0, heights=(0.95, 1.1)),
    "bulletin board": Spec(wall_decor.bulletin_board, "hung", "office bedroom", heights=(1.2, 1.4)),
    "wall tv": Spec(electronics.wall_tv, "hung", "dining office", weight=0.4, heights=(1.15, 1.35), label="tv"),
    # on other things
    "tv": Spec(electronics.tv, "group", "living studio bedroom"),
    "monitor": Spec(electronics.monitor, "surface", "office bedroom studio", limit=2, weight=3.0, on=_DESKS),
    "keyboard": Spec(electronics.keyboard, "surface", "office bedroom studio", limit=2, weight=3.0, on=_DESKS),
    "laptop": Spec(
        electronics.laptop,
        "surface",
        "office bedroom studio living",
        weight=1.2,
        on=f"{_DESKS},coffee table,dining table",
    ),
    "printer": Spec(electronics.printer, "surface", "office", on="filing cabinet,cabinet,desk"),
    "speaker": Spec(electronics.speaker, "surface", limit=2, weight=0.8, on="tv stand,bookshelf,cabinet"),
    "microwave": Spec(appliances.microwave, "surface", "dining", weight=1.5, on="kitchen counter,cabinet"),
    "kettle": Spec(appliances.kettle, "surface", "dining", weight=1.5, on="kitchen counter"),
    "table lamp": Spec(
        lamps.table_lamp, "surface", limit=3, weight=2.0, on=f"{_BEDSIDE},side table,dresser,console table,cabinet"
    ),
    "desk lamp": Spec(lamps.desk_lamp, "surface", "office bedroom studio", limit=2, weight=1.5, on=_DESKS),
    "small plant": Spec(
        plants.small_plant, "surface", limit=3, weight=1.2, on=f"{_TOPS},{_TABLES},{_DESKS}", label="potted plant"
    ),
    "vase": Spec(tableware.vase, "surface", limit=3, weight=1.2, on=f"{_TOPS},{_TABLES},fireplace"),
    "bowl": Spec(tableware.bowl, "surface", limit=2, on=f"{_KITCHEN},coffee table,cabinet"),
    "cup": Spec(tableware.cup, "surface", limit=3, weight=1.2, on=f"{_DESKS},{_TABLES},{_BEDSIDE},kitchen counter"),
    "plate": Spec(tableware.plate, "surface", "dining studio", limit=4, weight=1.5, on=_KITCHEN),
    "bottle": Spec(tableware.bottle, "surface", limit=2, weight=0.8, on=f"{_KITCHEN},coffee table"),
    "book stack": Spec(
        tableware.book_stack,
        "surface",
        limit=3,
        weight=1.3,
        on=f"{_TOPS},{_TABLES},{_DESKS},{_BEDSIDE},bench",
    ),
    "candle": Spec(
        decor.candle, "surface", "living bedroom dining studio", limit=2, weight=0.6, on=f"{_TABLES},fireplace,dresser"
    ),
    "teddy bear": Spec(
        small_items.teddy_bear, "surface", "bedroom living", weight=0.7, on="bed,armchair,sofa,dresser,bench"
    ),
    "towel": Spec(
        small_items.folded_towel, "surface", "bedroom living", weight=0.5, on="bench,dresser,sofa", label="blanket"
    ),
}
"""Kind -> Spec. The label is the kind, unless the Spec names another."""


def label_of(kind: str) -> str:
    """The category name of a kind, for example ``potted plant`` for ``small plant``."""
    return CATALOGUE[kind].label or kind
