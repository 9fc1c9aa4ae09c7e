"""docs/reference.md and docs/glossary.md are what the code says: ``make renew`` where not."""

from pathlib import Path

import glossary_page
import reference_page
import workload_table

from rnscli.cli.glossary import terms


def test_the_page_is_up_to_date() -> None:
    assert reference_page.PATH.read_text() == reference_page.page()


def test_the_glossary_is_up_to_date_and_names_pages_that_are_there() -> None:
    assert glossary_page.PATH.read_text() == glossary_page.page()
    docs = Path(glossary_page.PATH).parent
    assert not [one.name for one in terms() if not (docs / one.page).is_file()]
    names = [name for one in terms() for name in one.names]
    assert len(set(names)) == len(names)  # each finds one term


def test_the_table_of_workloads_is_up_to_date() -> None:
    page = workload_table.PATH.read_text()
    assert page == workload_table.renewed(page)
