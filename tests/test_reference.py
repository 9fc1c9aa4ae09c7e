"""docs/reference.md is what the code says: ``make renew`` where it is not."""

import reference_page


def test_the_page_is_up_to_date() -> None:
    assert reference_page.PATH.read_text() == reference_page.page()
