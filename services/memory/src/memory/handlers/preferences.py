"""Preferences."""

from memory.handlers.reading import Snapshot
from memory.handlers.repetition import change_once
from memory.preference import SCHEDULED, changed
from memory.records import preferences
from memory.transaction import Transaction
from shared.contract.changes import PreferencesUpdated
from shared.contract.state import ChangePreferences, GetPreferences, Preferences


def get_preferences(view: Snapshot, question: GetPreferences) -> Preferences:
    """All preferences of a user."""
    return Preferences(preferences=preferences.of(view.connection, question.user))


def change_preferences(tx: Transaction, question: ChangePreferences) -> Preferences:
    """Sets and removes keys; answered with all preferences."""
    return change_once(tx, "change_preferences", question, Preferences, lambda: _change(tx, question))


def _change(tx: Transaction, question: ChangePreferences) -> Preferences:
    user = question.user
    old = preferences.of(tx.connection, user)
    new, text = changed(old, question.preferences, question.remove)
    # Compared as they are stored: to Python, 1 and true are the same.
    if text != changed(old, {}, ())[1]:
        preferences.keep(tx.connection, user, text, tx.version(user), tx.micros)
        tx.tell_state(user, "preferences", PreferencesUpdated(**tx.stamp(user), preferences=new))
        if any(old.get(key) != new.get(key) for key in SCHEDULED):
            tx.arrange(user)
    return Preferences(preferences=new)
