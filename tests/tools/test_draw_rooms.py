"""The picture of the rooms: it is that of the code, and an arrow that goes up is named."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools import draw_rooms
from tools.draw_rooms import House, draw, read_floors, read_house

SVG = "{http://www.w3.org/2000/svg}"
FLOORS = (("app",), ("web", "service"), ("music",))


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


def test_no_import_goes_up_or_sideways(house: House) -> None:
    assert house.wrong() == []
    assert ("planning", "music") in house.arrows


def test_the_picture_in_the_repository_is_that_of_the_code(house: House) -> None:
    drawn = draw_rooms.PICTURE.read_text(encoding="utf-8")
    assert drawn == draw(house), "run python tools/draw_rooms.py"


def test_every_arrow_and_every_room_is_drawn_once(house: House) -> None:
    picture = ElementTree.fromstring(draw(house))
    arrows = [path.get("data-arrow", "") for path in picture.iter(f"{SVG}path") if path.get("data-arrow")]
    assert sorted(arrows) == sorted(f"{by} {to}" for by, to in house.arrows)
    rooms = [group.findtext(f"{SVG}text", "") for group in picture.iter(f"{SVG}g")]
    assert sorted(rooms) == sorted(room for floor in house.floors for room in floor)


def test_arrows_are_drawn_clear_of_the_boxes_of_floors_between(house: House) -> None:
    layout = draw_rooms.Layout(house)
    for arrow in house.arrows:
        for x, y in layout.path(arrow)[1:-1]:
            floor = int((y - draw_rooms.TOP) // draw_rooms.FLOOR_HEIGHT)
            hiding = [
                room for room in layout.rows[floor] if abs(layout.x[room] - x) <= draw_rooms.BOX_WIDTH / 2
            ]
            assert not hiding, f"{arrow} passes behind {hiding}"


def test_arrows_that_go_up_or_sideways_are_wrong_and_drawn_as_such() -> None:
    house = House(FLOORS, (("app", "music"), ("music", "app"), ("service", "web"), ("web", "music")))
    assert house.wrong() == [("music", "app"), ("service", "web")]
    picture = ElementTree.fromstring(draw(house))
    wrong = [path.get("data-arrow") for path in picture.iter(f"{SVG}path") if path.get("class") == "wrong"]
    assert wrong == ["music app", "service web"]


def test_an_arrow_is_implied_where_a_longer_way_leads_there() -> None:
    house = House(FLOORS, (("app", "music"), ("app", "web"), ("web", "music")))
    assert house.implied() == {("app", "music")}


def test_a_room_without_a_floor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"liveengine\.attic: expected a floor"):
        House(FLOORS, ()).floor_of("attic")


def test_floors_are_read_from_the_layers_contract(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        """
[[tool.importlinter.contracts]]
type = "forbidden"
[[tool.importlinter.contracts]]
type = "layers"
layers = ["app", "web | service", "music"]
"""
    )
    assert read_floors(pyproject) == [["app"], ["web", "service"], ["music"]]


def run(monkeypatch: pytest.MonkeyPatch, house: House, *arguments: str) -> int:
    """Run the command for a house."""
    monkeypatch.setattr(draw_rooms, "read_house", lambda: house)
    monkeypatch.setattr("sys.argv", ["draw_rooms.py", *arguments])
    return draw_rooms.main()


def test_the_command_names_arrows_that_go_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rooms.svg"
    assert run(monkeypatch, House(FLOORS, (("music", "app"),)), "--out", str(out)) == 1
    assert capsys.readouterr().err == "error: music -> app: an import that does not go down a floor\n"
    assert run(monkeypatch, House(FLOORS, (("app", "music"),)), "--out", str(out)) == 0


def test_a_check_compares_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house, out = House(FLOORS, (("app", "music"),)), tmp_path / "rooms.svg"
    assert run(monkeypatch, house, "--check", "--out", str(out)) == 1
    assert "not the picture of the code" in capsys.readouterr().err
    assert not out.exists()
    out.write_text(draw(house), encoding="utf-8")
    assert run(monkeypatch, house, "--check", "--out", str(out)) == 0
