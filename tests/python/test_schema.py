"""What the client knows about formats, compared with the sources that decide."""

from __future__ import annotations

import re

from augstore import _limits, errors
from augstore._tables import FORCED_ALIGNMENT, IDENTIFIERS, MESSAGE_TYPES, TABLES
from conftest import ROOT

SCHEMAS = ROOT / "schemas"


def tables_of(name):
    text = re.sub(r"//.*", "", (SCHEMAS / name).read_text())
    for table, body in re.findall(r"table (\w+) \{(.*?)\}", text, re.S):
        fields = re.findall(r"(\w+):([\w.\[\]]+)\s*(\(force_align: (\d+)\))?;", body)
        yield table, [(field, kind.replace("records.", "")) for field, kind, *_ in fields], fields


def test_the_tables_are_those_of_the_schemas():
    found, aligned = {}, {}
    for name in ("records.fbs", "wire.fbs"):
        for table, fields, raw in tables_of(name):
            found[table] = fields
            aligned.update({(table, field): int(size) for field, _, _, size in raw if size})
    assert found == TABLES
    assert aligned == FORCED_ALIGNMENT


def test_the_message_types_are_those_of_frame_h():
    text = (SCHEMAS / "frame.h").read_text()
    enum = re.search(r"enum class MessageType : uint16_t \{(.*?)\};", text, re.S)[1]
    assert {name: int(number) for name, number in re.findall(r"k(\w+) = (\d+),", enum)} == MESSAGE_TYPES


def test_the_codes_are_those_of_status_h():
    enum = re.search(r"enum class Code : uint8_t \{(.*?)\};", (SCHEMAS / "status.h").read_text(), re.S)[1]
    codes = {name: int(number) for name, number in re.findall(r"k(\w+) = (\d+),", enum) if name != "Ok"}
    assert {kind.__name__: code for code, kind in errors._BY_CODE.items()} == codes


def test_the_limits_are_those_of_limits_h():
    text = (SCHEMAS / "limits.h").read_text()
    constants = dict(re.findall(r"inline constexpr \w+ (k\w+)\s*=\s*([^;]+);", text))
    names = [name for name in vars(_limits) if name.isupper()]
    for name in names:
        constant = "k" + "".join(part.capitalize() for part in name.split("_"))
        value = eval(re.sub(r"(\d)u\b", r"\1", " ".join(constants[constant].split())))  # "600u << 20"
        assert getattr(_limits, name) == value, name


def test_the_identifiers_are_those_of_the_formats_page():
    text = (ROOT / "docs" / "formats.md").read_text()
    for name, identifier in IDENTIFIERS.items():
        assert f'"{identifier.decode()}" {name}' in text
