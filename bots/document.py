"""The text of a bot file as a tree whose every part knows its line and column. YAML; JSON is a kind of it.

Made from the parser's events, never from YAML's own types: all scalars are text, and no tag constructs anything. Aliases are
refused, so that a few lines cannot become millions; depth and size are bounded before anything recurses.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import yaml

BYTES_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 24
"""Of nested lists and mappings."""
MISTAKES_MAX: Final = 50


class Mistake(NamedTuple):
    """Something that cannot be used in a file; line and column count from 1."""

    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text}"


class BotFileError(ValueError):
    """A bot file with mistakes; `mistakes` has all of them, in the order of the file."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)[:MISTAKES_MAX]
        super().__init__("; ".join(map(str, self.mistakes)))


class Scalar:
    """A text; `at` finds the place in the file of one of its characters."""

    def __init__(self, value: str, line: int, column: int, source: str, *, quoted: bool = False) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.quoted = quoted
        self._source = source

    def at(self, offset: int, text: str) -> Mistake:
        """A mistake at a character of the value.

        Whatever the style, a value has the source's characters except for white space, quotes and the sign of a block, so
        its n-th visible character is looked for there. With escapes in between, it is near that place.
        """
        source = self._source
        start = source.find("\n") if source[:1] in ("|", ">") else int(self.quoted)
        left = len("".join(self.value[:offset].split()))
        line, column = self.line, self.column
        for index, character in enumerate(source):
            if index >= max(start, 0) and not character.isspace():
                if left <= 0:
                    break
                left -= 1
            line, column = (line + 1, 1) if character == "\n" else (line, column + 1)
        return Mistake(line, column, text)


class Items:
    """A list."""

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.items: list[Node] = []


class Fields:
    """A mapping, its keys in the order of the file."""

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.fields: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}


Node = Scalar | Items | Fields


def mistake(node: Node, text: str) -> Mistake:
    """A mistake where the node begins."""
    return Mistake(node.line, node.column, text)


def kind(node: Node) -> str:
    """What a node is, in words."""
    return "a list" if isinstance(node, Items) else "a mapping" if isinstance(node, Fields) else f'"{node.value[:40]}"'


def read_document(text: str) -> Node:
    """The tree of a file. Raises BotFileError."""
    if len(text.encode(errors="replace")) > BYTES_MAX:
        raise BotFileError([Mistake(1, 1, f"a bot file has at most {BYTES_MAX} bytes")])
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace("\t", " ")  # JSON may be indented with tabs; inside its strings they are written \t.
    reader = _Reader(text)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BotFileError([Mistake(line, column, f"not valid YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise BotFileError([Mistake(1, 1, f"not valid YAML: {' '.join(str(error).split())}")]) from None
    except BotFileError:
        raise
    except ValueError as error:  # PyYAML's own, for example an escape that is no character.
        raise BotFileError([Mistake(1, 1, f"not valid YAML: {error}")]) from None
    if reader.root is None:
        raise BotFileError([Mistake(1, 1, "the file is empty; expected bot, symbol and rules")])
    return reader.root


class _Reader:
    """Builds the tree from events, without recursion."""

    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self._text = text
        self._open: list[Items | Fields] = []
        self._key: list[Scalar | None] = []

    def take(self, event: yaml.Event) -> None:
        """The next event. Raises BotFileError."""
        if not isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent | yaml.DocumentStartEvent):
            return
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        line, column = start.line + 1, start.column + 1
        if isinstance(event, yaml.DocumentStartEvent):
            if self.root is not None:
                raise BotFileError([Mistake(line, column, "expected one document in a file, not several")])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._key.pop()
        elif isinstance(event, yaml.AliasEvent) or event.anchor:
            raise BotFileError([Mistake(line, column, "anchors and aliases (& and *) cannot be used in a bot file")])
        elif (tag := getattr(event, "tag", None)) and tag != "!":
            raise BotFileError([Mistake(line, column, f"tags cannot be used in a bot file, and here is {tag[:40]}")])
        elif isinstance(event, yaml.ScalarEvent):
            source = self._text[start.index : end.index]
            self._put(Scalar(event.value, line, column, source, quoted=event.style in ("'", '"')))
        else:
            node = Items(line, column) if isinstance(event, yaml.SequenceStartEvent) else Fields(line, column)
            self._put(node)
            if len(self._open) == DEPTH_MAX:
                raise BotFileError([Mistake(line, column, f"nested deeper than {DEPTH_MAX} levels")])
            self._open.append(node)
            self._key.append(None)

    def _put(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent, key = self._open[-1], self._key[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
        elif key is not None:
            parent.fields[key.value] = node
            self._key[-1] = None
        elif not isinstance(node, Scalar):
            raise BotFileError([mistake(node, f"expected a name before the colon, got {kind(node)}")])
        elif node.value in parent.keys:
            raise BotFileError([mistake(node, f"{node.value[:40]} is there twice")])
        else:
            parent.keys[node.value] = self._key[-1] = node
