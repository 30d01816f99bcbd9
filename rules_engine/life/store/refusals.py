"""What the store refuses: one exception with named problems."""

from __future__ import annotations

import msgspec

from rules_engine.errors import DocumentError, Problem


class StoreError(DocumentError):
    """A step, a key, a log or a document that is not accepted."""

    @property
    def code(self) -> str:
        """The name of the first reason."""
        return self.problems[0].code

    def of(self, document: str) -> StoreError:
        """The same of a document that has a name."""
        return StoreError([msgspec.structs.replace(problem, document=document) for problem in self.problems])


def refusal(code: str, message: str, hint: str = "", *, document: str = "") -> StoreError:
    """The exception of one problem; `document` names the entry of the log, the key or the database at fault."""
    return StoreError([Problem(code=code, message=message, hint=hint, document=document)])
