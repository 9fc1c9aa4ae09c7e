"""docs/reference.md is what the code says: ``make renew`` where it is not."""

import reference_page
import workload_table


def test_the_page_is_up_to_date() -> None:
    assert reference_page.PATH.read_text() == reference_page.page()


def test_the_table_of_workloads_is_up_to_date() -> None:
    page = workload_table.PATH.read_text()
    assert page == workload_table.renewed(page)
