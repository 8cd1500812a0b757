"""Copies of a sink's database while it is written to, handed out in pieces: for a backup of a market whose logs were cut."""

from __future__ import annotations

import asyncio
import os
from typing import BinaryIO, Final

import msgspec

from .database import Database, DatabaseError
from .messages.base import decoder
from .messages.library import Copied, CopyQuestion
from .messages.requests import Refused
from .questions import Questions
from .subjects import admin

PIECE_BYTES: Final = 500_000
"""Fits into one message."""

_decode: Final = decoder(CopyQuestion).decode


class Copies:
    """Answers admin.copy.<name of the file>. Nobody but the asker ever sees the copy: it has no name in any directory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: BinaryIO | None = None
        self._copying = asyncio.Lock()

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(admin(f"copy.{self._database.name}"), self.copy)

    async def copy(self, _: str, payload: bytes) -> Copied | bytes | Refused:
        """Make a copy, or give a piece of the one that was made last."""
        question: CopyQuestion = _decode(payload)
        if question.offset is not None:
            return self._piece(question.offset)
        if self._copying.locked():
            return Refused("busy", "another copy is being made; try again when it is done")
        async with self._copying:
            try:
                return await asyncio.to_thread(self._make)
            except (DatabaseError, OSError) as error:
                return Refused("copy", f"the copy could not be written: {error}")

    def close(self) -> None:
        """Give up the copy, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _make(self) -> Copied:
        self.close()
        path = self._database.copy()
        self._file = path.open("rb")
        path.unlink()
        return Copied(os.fstat(self._file.fileno()).st_size)

    def _piece(self, offset: int) -> bytes | Refused:
        if self._file is None:
            return Refused("copy", "there is no copy; make one first")
        piece = os.pread(self._file.fileno(), PIECE_BYTES, offset)
        if not piece:
            self.close()
        return msgspec.msgpack.encode(piece)
