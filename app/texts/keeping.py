"""What is said about backups, copies and disk space."""

TITLE = "Back up, copy, disk space"
BACK_UP = "Back up now"
KEPT = "The backup is whole: {}. Put a copy of it onto another disk."
COPY = "Copy this project as"
COPY_HINT = "Such as: Polyps, second reader"
COPY_START = "Copy it"
COPIED = "The copy {} is open now. What you do in it leaves the original as it is."
RESTORE = "Restore a backup"
RESTORE_HINT = "The backup becomes a project of its own. No project that is here is changed."
FILE = "Backup: one of these, or where its file is"
RESTORE_START = "Restore it"
RESTORED = "{} is back, and open now."
FREE = "free on this disk"

NO_PROJECT = ("There is no project yet.", "Give a new one a name first.")
NO_TITLE = ("The copy has no name yet.", "Write one first.")
NO_FILE = ("No such backup is here.", "Choose one of the list, or write where its file is.")
BUSY = ("A job of this project still runs.", "Wait until it is done, or stop it first.")
