"""What the Python client and docs/protocol.md say about formats, compared with the sources that decide."""

from __future__ import annotations

import importlib.util
import re

import pytest

from augstore import errors
from augstore._tables import IDENTIFIERS, MESSAGE_TYPES, TABLES
from conftest import ROOT

SPEC = importlib.util.spec_from_file_location("generate", ROOT / "schemas" / "generate_python_tables.py")
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)


@pytest.mark.parametrize("path, text", generate.texts().items(), ids=lambda value: getattr(value, "name", ""))
def test_the_generated_files_are_those_of_the_schemas(path, text):
    assert path.read_text() == text, "run schemas/generate_python_tables.py"


def test_the_generator_finds_every_table_and_message():
    text = re.sub(r"//.*", "", "".join((ROOT / "schemas" / name).read_text() for name in ("records.fbs", "wire.fbs")))
    assert list(TABLES) == re.findall(r"\btable (\w+)", text)
    assert sum(len(fields) for fields in TABLES.values()) == len(re.findall(r"\w:[\w\[]", text))
    assert {name for name in TABLES if name.endswith(("Request", "Reply"))} == set(MESSAGE_TYPES)


def test_the_codes_are_those_of_status_h():
    text = (ROOT / "schemas" / "base" / "status.h").read_text()
    enum = re.search(r"enum class Code : uint8_t \{(.*?)\};", text, re.S)[1]
    codes = {name: int(number) for name, number in re.findall(r"k(\w+) = (\d+),", enum) if name != "Ok"}
    assert {kind.__name__: code for code, kind in errors._BY_CODE.items()} == codes


def test_the_identifiers_are_those_of_the_formats_page():
    text = (ROOT / "docs" / "formats.md").read_text()
    assert len(IDENTIFIERS) == 10
    for name, identifier in IDENTIFIERS.items():
        assert f'"{identifier.decode()}" {name}' in text


# Sections of the page: a name with its number, and a table of fields.
PAGE = re.split(r"^#+ ", (ROOT / "docs" / "protocol.md").read_text(), flags=re.M)
MESSAGES = {section.split()[0]: section for section in PAGE if section.split() and section.split()[0] in TABLES}


def test_the_protocol_page_has_every_message():
    numbers = {name: re.match(rf"{name} \((\d+)\)\n", section) for name, section in MESSAGES.items()}
    assert {name: int(match[1]) for name, match in numbers.items() if match} == MESSAGE_TYPES


@pytest.mark.parametrize("name", MESSAGES)
def test_the_protocol_page_has_the_fields_of_the_schema(name):
    rows = re.findall(r"^\| `(\w+)` \| ([\w.\[\]]+) \|", MESSAGES[name], re.M)
    assert [(field, kind.replace("records.", "")) for field, kind in rows] == TABLES[name]
