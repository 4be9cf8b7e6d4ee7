"""What is said to people who log in."""

NAME = "LEAML Studio"
WHO = "Name"
PASSWORD = "Password"
ENTER = "Log in"
WRONG = "Name and password do not belong together."
WAIT = "Too many wrong passwords. Wait half a minute, then try again."
LOG_IN = "Log in first."
MAY_NOT = ("You may not do this as {role}.", "Ask somebody who is {needs}.")
IS_LOGGED_IN = ("Here everybody works under the name of the login.", "Log out, and log in as somebody else: /logout")
NEEDS_LOGIN = (
    "Another address than this computer's is served only with a login and TLS.",
    "Give --auth, --certificate FILE and --key FILE as well.",
)
NOBODY = ("Nobody may log in yet.", "Add yourself: python launch.py people add NAME")
