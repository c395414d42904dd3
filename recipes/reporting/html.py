"""What every page has in common: one HTML file that needs no other file and no network, all texts escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builders.hub.files import replacing
from recipes.comparison.tables import number

_FOLDER = Path(__file__).parent


def render(template: str, **values: Any) -> Markup:
    """The template with these values; every text among them that is not ``Markup`` is escaped."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    return Markup(environment.get_template(template).render(
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")), **values))


def write_page(page: str, out: Path) -> None:
    """Write a page under its final name only when complete."""
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
