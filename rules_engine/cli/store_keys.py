"""`rules-engine keys`: the keys by which people are known to a store."""

from __future__ import annotations

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import json_option, name_of, read
from rules_engine.cli.store_options import passphrase_of

EXAMPLES = """\b
Examples:
  rules-engine keys new mira.key --name mira
  rules-engine keys show mira.key.pub"""


@click.group("keys", epilog=EXAMPLES)
def keys_group() -> None:
    """Make keys, and show what a key is called."""


@keys_group.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--name", default="", metavar="NAME", help="Your name, for whoever grants the key its roles.")
@click.option("--unprotected", is_flag=True, help="Without a passphrase: for machines, and for trials.")
@json_option
def new(file: str, name: str, unprotected: bool, as_json: bool) -> None:
    """Make an Ed25519 key: the private one in FILE, which nobody else may have, the public one in FILE.pub.

    The passphrase is asked for, or comes from RULES_ENGINE_PASSPHRASE. No file that is there is written over.
    """
    from rules_engine.life.store.keys import check_name, new_key, write_key

    if name:
        check_name(name)
    passphrase = "" if unprotected else passphrase_of(file, otherwise=", or make a key without one: --unprotected")
    key = new_key()
    public = write_key(file, key, passphrase, name)
    _show(key.public.id, key.public.text, name, as_json)
    output.message(f"{public} is for the administrator of the store; {file} is for nobody but you")


@keys_group.command()
@click.argument("file", metavar="FILE", type=click.Path())
@json_option
def show(file: str, as_json: bool) -> None:
    """Print the id, the key and the name of a public key in FILE."""
    from rules_engine.life.store.keys import parse_public_key

    key, name = parse_public_key(read(file).decode("utf-8", "replace"), name_of(file))
    _show(key.id, key.text, name, as_json)


def _show(key: str, text: str, name: str, as_json: bool) -> None:
    if as_json:
        output.document({"key": key, "public": text, "name": name})
    else:
        output.line(f"{key} {text} {name}".rstrip())
