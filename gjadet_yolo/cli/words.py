"""Words of a command line: ``key=value`` or ``--key value``, checked against what a verb takes.

argparse stops at the first missing argument, calls a bare word unrecognised and names values by their option. Here a
wrong word is named first, with the closest match, and then all missing arguments together, with an example.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence

from gjadet_yolo.messages import suggestion

# DOTALL: a path may hold a line break
ASSIGNMENT = re.compile(r"(?:--?)?([A-Za-z][\w-]*)=(.*)", re.DOTALL)
OPTION = re.compile(r"--?([A-Za-z][\w-]*)")
HELP = ("-h", "--help")
LONGEST = 4096  # characters of a value, as of a path on Linux; messages repeat values

Keys = Mapping[str, argparse.Action]


class UsageError(ValueError):
    """The command line is not understood."""


def spelt(key: str) -> str:
    """A key as the verbs declare it: ``vid_stride`` for ``vid-stride``."""
    return key.replace("-", "_")


def keys_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Arguments of a verb by key."""
    # argparse has no public list of them
    return {spelt(action.option_strings[-1][2:]): action for action in parser._actions if action.dest != "help"}


def normalise(words: Sequence[str], keys: Keys, verb: str, example: str) -> list[str]:
    """Check a verb's words and write them as ``--key=value``, the last one of a key winning.

    Args:
        words: What follows the verb.
        keys: What it takes.
        verb: Its name, for messages.
        example: A command line that works, for messages.

    Raises:
        UsageError: In this order: a word that is no argument, an unknown key, a key that is missing, a faulty value.
    """
    if any(word in HELP for word in words):  # wherever it stands, also behind a mistake
        return ["--help"]
    given: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if found := ASSIGNMENT.fullmatch(word):
            key, value = spelt(found[1]), found[2]
            check_key(key, keys, verb)
        elif found := OPTION.fullmatch(word):
            key = spelt(found[1])
            check_key(key, keys, verb)
            value = take_value(key, left, keys)
        else:
            raise UsageError(f"{bare_word(word, left, keys, verb)} Example: {example}")
        given[key] = value
    check_missing(given, keys, verb, example)
    for key, value in given.items():
        check_value(key, value, keys[key])
    return [f"{keys[key].option_strings[-1]}={value}" for key, value in given.items()]


def is_switch(action: argparse.Action) -> bool:
    """Whether a key may stand without a value."""
    return action.nargs == "?"


def take_value(key: str, left: list[str], keys: Keys) -> str:
    """Take the value of ``--key value`` from the words that are left; a switch needs none.

    Raises:
        UsageError: There is no value.
    """
    if left and not is_argument(left[0], keys):
        return left.pop(0)
    if is_switch(keys[key]):
        return "true"
    raise UsageError(f"{key} has no value. Write {key}={keys[key].metavar or 'VALUE'}.")


def is_argument(word: str, keys: Keys) -> bool:
    """Whether a word begins an argument."""
    # a value may be -1, which OPTION does not match, or hold an equals sign, behind a word that is no key
    found = ASSIGNMENT.fullmatch(word)
    return bool(OPTION.fullmatch(word) or (found and (word.startswith("-") or spelt(found[1]) in keys)))


def check_key(key: str, keys: Keys, verb: str) -> None:
    if key not in keys:
        hint = suggestion(key, list(keys)) if keys else " It takes none."
        raise UsageError(f"gjadet {verb} has no argument '{key}'.{hint}")


def bare_word(word: str, left: Sequence[str], keys: Keys, verb: str) -> str:
    """Message for a word that is neither ``key=value`` nor an option."""
    key = spelt(word)
    if not keys:
        return f"gjadet {verb} takes no arguments, found '{word}'."
    if left and left[0].startswith("="):
        return f"'{word} {left[0]}' has spaces around '='. Write {key}=VALUE in one word."
    if key in keys:
        value = "true" if is_switch(keys[key]) else keys[key].metavar or "VALUE"
        return f"'{word}' has no value. Write {key}={value}."
    return f"'{word}' has no key: arguments are key=value.{suggestion(word, list(keys))}"


def check_missing(given: Mapping[str, str], keys: Keys, verb: str, example: str) -> None:
    """Refuse a command line that lacks required arguments; names all of them."""
    missing = [f"{key}={action.metavar}" for key, action in keys.items() if action.required and key not in given]
    if missing:
        raise UsageError(f"gjadet {verb} needs {' and '.join(missing)}. Example: {example}")


def check_value(key: str, value: str, action: argparse.Action) -> None:
    """Refuse a value that its key does not take; names both and what is allowed."""
    # ahead of argparse, whose messages name the option and not key=value
    if not value:
        raise UsageError(f"{key}= has no value. Write {key}={action.metavar or 'VALUE'}.")
    if len(value) > LONGEST:
        raise UsageError(f"{key} has a value of {len(value):,} characters, allowed: up to {LONGEST:,}.")
    if "\0" in value:
        raise UsageError(f"{key}={value!r} holds a NUL character, which no file and no value has.")
    try:
        read = action.type(value) if action.type else value
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{key}={value}: {error}.") from None
    except ValueError:
        kind = {int: "a whole number", float: "a number"}.get(action.type, "understood")
        raise UsageError(f"{key}={value}: '{value}' is not {kind}.") from None
    if action.choices and read not in action.choices:
        raise UsageError(f"{key}={value} is not possible.{suggestion(value, [str(one) for one in action.choices])}")
