"""`leaml people list | add | password | role | remove`: who may log in where the app asks who comes, and as what."""

import argparse
import getpass
import sys

from leaml.errors import OptionError
from leaml.review.people import ROLES, Accounts
from leaml.verbs import projects
from leaml.verbs.flags import described
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    _word(words, "list", "list who may log in, and as what")
    added = _word(words, "add", "add somebody; the password is asked for, or read from a pipe")
    _name(added)
    added.add_argument("--role", choices=ROLES, default="annotator", help="what the person may do (default: annotator)")
    _name(_word(words, "password", "give somebody a new password; asked for, or read from a pipe"))
    changed = _word(words, "role", "give somebody another role")
    _name(changed)
    changed.add_argument("role", choices=ROLES, help="annotators label, reviewers review too, admins do everything")
    _name(_word(words, "remove", "take somebody off; what that person did stays"))


def main(arguments: argparse.Namespace) -> int:
    """Does what the word says."""
    accounts = Accounts(projects.whereabouts(arguments))
    if arguments.word == "add":
        role = arguments.role if accounts.all() else "admin"
        accounts.add(arguments.name, _password(), role)
        tell(f"{arguments.name} may log in as {role}.")
    elif arguments.word == "password":
        accounts.set_password(arguments.name, _password())
        tell(f"{arguments.name} has a new password.")
    elif arguments.word == "role":
        accounts.set_role(arguments.name, arguments.role)
        tell(f"{arguments.name} is {arguments.role} now.")
    elif arguments.word == "remove":
        accounts.remove(arguments.name)
        tell(f"{arguments.name} may not log in any more.")
    else:
        for account in accounts.all():
            print(f"{account.role:<10} {account.name}")
    return 0


def _word(words: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=described(text))
    projects.add_home(parser)
    return parser


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the person")


def _password() -> str:
    """Asked for twice on a terminal; elsewhere the first line that comes in. Never an argument: others could see it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first, second = getpass.getpass("Password: "), getpass.getpass("Once more: ")
    if first != second:
        raise OptionError("The two passwords differ.", "Type the same one twice.")
    return first
