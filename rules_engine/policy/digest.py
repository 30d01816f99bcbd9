"""The digest of a policy: what its identity rests on, whatever the layout of its text.

The algorithm, complete. Take the resolved document (after `extends`), with every member that it has, `change` and
`extends` included. Where it extends a parent, add a member `parent`: the parent's own digest. Then write it as JSON:

1. Mappings: keys sorted by code point, `,` and `:` between them, no spaces. Lists: in order.
2. Numbers: JSON strings of plain decimal digits, no exponent, no trailing zeros, no `+`, zero always `"0"`:
   `0.00400` and `4e-3` are both `"0.004"`.
3. The times `effective_from`, `effective_until` and `instruments.*.expires_at`: strings in UTC, `YYYY-MM-DDThh:mm:ss`,
   a fraction of a second without trailing zeros where there is one, then `Z`.
4. Other text, durations included: strings as written (NFC). `true`, `false` and `null` as such.
5. In strings only what JSON demands is escaped
   (`\\"`, `\\\\`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t`, other controls below U+0020 as
   `\\u00xx` in lower case); everything else is UTF-8.

The digest is `sha256:` and the hexadecimal SHA-256 of those bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from rules_engine.numbers.text import plain
from rules_engine.policy.values import time_of, time_text

_TIMES: Final = ("effective_from", "effective_until")


def canonical(document: Mapping[str, Any], parent: str | None = None) -> bytes:
    """The canonical text of a resolved document; `parent` is its parent's digest."""
    plain = {key: _plain(value) for key, value in document.items()}
    for key in _TIMES:
        _normalise_time(plain, key)
    instruments = plain.get("instruments")
    for rule in instruments.values() if isinstance(instruments, dict) else ():
        _normalise_time(rule, "expires_at")
    if parent is not None:
        plain["parent"] = parent
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(document: Mapping[str, Any], parent: str | None = None) -> str:
    """The digest of a resolved document, as `sha256:<hexadecimal digits>`."""
    return "sha256:" + hashlib.sha256(canonical(document, parent)).hexdigest()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is Decimal:
        return plain(value)
    if kind is dict:
        return {key: _plain(member) for key, member in value.items()}
    if kind is list:
        return [_plain(member) for member in value]
    return value


def _normalise_time(mapping: Any, key: str) -> None:
    if isinstance(mapping, dict) and (time := time_of(mapping.get(key))) is not None:
        mapping[key] = time_text(time)
