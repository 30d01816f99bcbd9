"""Which version somebody means: by a name the one in force, by `NAME@VERSION` the one that was submitted last."""

from __future__ import annotations

from datetime import datetime

from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Submission
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.store import turn_at
from rules_engine.terms.rendering import instant


def meant(ledger: Ledger, text: str, at: datetime) -> Submission:
    """The submission of `NAME@VERSION`, or by which NAME is what it is at an instant. Raises `StoreError`."""
    if "@" in text:
        return submitted(ledger, text)[1]
    if not ledger.line(text).turns:
        raise refusal("POLICY_UNKNOWN", f"no version of {text} was ever in force", there(ledger, text))
    return turn_at(ledger, text, at).submission


def submitted(ledger: Ledger, pin: str) -> tuple[int, Submission]:
    """The newest submission of a version, whatever became of it, and its sequence."""
    found = [one for one in ledger.line(pin.partition("@")[0]).submissions.items() if one[1].pin == pin]
    if not found:
        raise _never(ledger, pin)
    return found[-1]


def waiting(ledger: Ledger, pin: str) -> tuple[int, Submission]:
    """The newest submission of a version that nothing has made use of yet, and its sequence."""
    sequence, submission = submitted(ledger, pin)
    if submission.activation is not None:
        said = f"{pin} was activated by entry {submission.activation}"
        raise refusal(
            "STORE_ACTIVATED", said, "status says what is in force; to put it in force again, submit it again"
        )
    return sequence, submission


def there(ledger: Ledger, name: str) -> str:
    """What there is that a step could be about: what waits, else what was submitted, else other policies."""
    line = ledger.line(name)
    if waits := line.waiting:
        return "; ".join(f"{one.pin} waits: it {ledger.progress(one)}" for one in waits)
    if line.submissions:
        versions = dict.fromkeys(one.statement.version for one in line.submissions.values())
        return f"nothing of {name} waits; submitted were {', '.join(versions)}"
    others = ", ".join(sorted(ledger.lines))
    return f"nothing of {name} was submitted; the store has {others or 'no versions at all'}"


def _never(ledger: Ledger, pin: str) -> StoreError:
    name, _, version = pin.partition("@")
    said = f"{pin} was never submitted" if version else f"{pin} names no version, wanted NAME@VERSION"
    return refusal("STORE_NOT_SUBMITTED", said, there(ledger, name))


def standing(ledger: Ledger, submission: Submission, at: datetime) -> str:
    """What has become of a submission at an instant, in words."""
    line = ledger.line(submission.statement.policy)
    turns = [turn for turn in line.turns if turn.submission is submission]
    current = line.at(at)
    if current is not None and current.submission is submission:
        return f"in force since {instant(current.effective)}"
    if turns and turns[-1].effective > at:
        return f"scheduled for {instant(turns[-1].effective)}"
    if submission.activation is None:
        overtaken = "overtaken by another version: it is to be submitted again"
        return f"it waits, and {ledger.progress(submission)}" if submission in line.waiting else overtaken
    return f"activated by entry {submission.activation}, and not in force"


def key_of(ledger: Ledger, text: str) -> str:
    """The id of a key that is called by its id, or by whose it is. Raises `StoreError`."""
    named = [key for key, each in ledger.keys.items() if key == text or (each.name == text and ledger.trusted(key))]
    if not named:
        raise refusal("STORE_KEY_UNKNOWN", f"{text} is no key that could be revoked", "status names the keys")
    return named[0]
