"""The privacy page says what the code does: its numbers are the code's, and its rows are tested."""

from pathlib import Path

import pytest

from bot.front import housekeeping
from bot.store import personal
from plugins.privacy import office
from plugins.privacy.actions import privacy_actions
from plugins.privacy.policy import PrivacySettings
from tests.front import test_housekeeping, test_user_install
from tests.plugins.privacy import test_asking, test_consent

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "privacy.md").read_text(encoding="utf-8")

TESTED = {
    "the notice": test_consent.test_people_are_told_once_before_they_are_recorded,
    "no notice, no record": (
        test_consent.test_without_a_notice_nothing_is_recorded_and_chat_goes_on
    ),
    "mode `notice` (the default)": test_consent.test_who_opts_out_is_not_recorded_nor_quoted,
    "mode `opt-in`": (test_consent.test_with_opt_in_only_those_are_recorded_who_pressed_the_button),
    "who is not recorded": test_consent.test_who_opts_out_is_not_recorded_nor_quoted,
    "where the bot is no member": (
        test_user_install.test_asking_where_the_bot_is_not_records_nothing
    ),
    "unknown": test_consent.test_while_it_is_unknown_who_agreed_nothing_is_recorded,
    "a change of the mode, or a longer retention": (
        test_consent.test_with_opt_in_only_those_are_recorded_who_pressed_the_button
    ),
    "`/privacy show`": test_consent.test_commands_are_on_offer_in_direct_messages,
    "`/privacy opt-out`": (test_consent.test_opting_out_everywhere_holds_for_worlds_seen_later),
    "`/privacy opt-in`": test_consent.test_opting_out_everywhere_holds_for_worlds_seen_later,
    "`/privacy my-data`": test_asking.test_my_data_is_all_of_a_person_and_nothing_of_others,
    "`/privacy forget-me`": test_asking.test_forget_me_forgets_a_person_everywhere,
    "a message is deleted, or many at once": (
        test_housekeeping.test_deletions_and_edits_reach_the_bytes_of_the_file
    ),
    "a message is edited": (test_housekeeping.test_deletions_and_edits_reach_the_bytes_of_the_file),
    "a channel or a thread is deleted": (
        test_housekeeping.test_a_deleted_channel_or_thread_takes_its_records_along
    ),
    "somebody leaves a server, or is removed or banned": (
        test_housekeeping.test_who_left_or_was_banned_is_forgotten_there_at_the_next_sweep
    ),
    "the bot is removed from a server": (
        test_asking.test_the_records_of_a_server_that_the_bot_left_are_deleted_in_the_end
    ),
    "an exchange gets old": (
        test_asking.test_what_nobody_rated_is_let_go_of_after_the_days_that_an_admin_set
    ),
    "the bot was down meanwhile": (
        test_housekeeping.test_what_happened_while_the_bot_was_down_is_followed
    ),
}


def rows() -> list[list[str]]:
    """The rows of the page's tables, without their heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    heads = {index - 1 for index, line in enumerate(lines) if line.startswith("|---")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for index, line in enumerate(lines)
        if index not in heads and not line.startswith("|---")
    ]


def test_each_row_of_the_page_is_tested() -> None:
    assert {row[0] for row in rows()} == set(TESTED)


def row(first: str) -> str:
    (found,) = [row for row in rows() if row[0] == first]
    return " ".join(found)


@pytest.mark.parametrize(
    ("first", "number"),
    [
        ("the bot is removed from a server", f"{office.DEPARTED_DAYS} days"),
        ("an exchange gets old", f"{PrivacySettings().retention_days} days"),
        ("the bot was down meanwhile", f"{housekeeping.LOOKED_BACK_DAYS} days"),
        ("the bot was down meanwhile", f"{housekeeping.MESSAGES_A_ROOM} messages"),
    ],
)
def test_the_page_s_numbers_are_the_code_s(first: str, number: str) -> None:
    assert number in row(first)


def test_what_the_page_says_beside_the_tables() -> None:
    assert f"more than {personal.LARGE_FILE >> 20} MB" in PAGE
    assert office.ROUND_SECONDS <= 60
    assert "within a minute" in PAGE
    assert office.ROUND_SECONDS * office.RETRY_ROUNDS == 600
    assert "every ten minutes" in PAGE
    assert f"older than {housekeeping.LOOKED_BACK_DAYS} days" in PAGE


def test_every_command_for_everyone_is_on_the_page() -> None:
    for action in privacy_actions():
        if action.command is not None:
            assert f"/{action.command}" in PAGE
