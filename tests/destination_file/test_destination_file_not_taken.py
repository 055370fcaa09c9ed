"""A destination file says of types that it does not take what to do instead."""

from support.destination_file import ACME, changed, no_files
from support.posted import outcome_in, track

from segcli.core.exact_json import dumps
from segcli.core.outcome import Skipped
from segcli.destination_file import destination_from_text


def test_reason_of_a_skipped_type_says_why_and_what_to_do_instead() -> None:
    text = dumps(changed(ACME, {"not_taken": {"alias": "merge users by hand"}})).decode()
    destination = destination_from_text(text, "acme.json", no_files, taken=())

    assert outcome_in(destination, track(type="alias", previousId="u0")) == Skipped(
        "alias is not for acme: merge users by hand"
    )
    assert outcome_in(destination, track(type="screen", name="N")) == Skipped(
        "screen is not for acme"
    )
