"""Writes everything in the repository that is generated from the code: ``make renew``."""

import tempfile
from pathlib import Path

import console_blocks
import glossary_page
import golden_runs
import reference_page
import validation_page
import workload_table
from captured import output_of

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Renew golden documents, reference, manual page, the figure, and what pages show."""
    golden_runs.renew()
    reference_page.PATH.write_text(reference_page.page())
    glossary_page.PATH.write_text(glossary_page.page())
    validation_page.PATH.write_text(validation_page.page())
    with tempfile.TemporaryDirectory() as folder:
        output_of(f"reproduce --only p-err --output {folder}/report")
        figure = Path(folder, "report", "figures", "faults.svg")
        (ROOT / "docs" / "figures" / "faults.svg").write_bytes(figure.read_bytes())
    workload_table.PATH.write_text(workload_table.renewed(workload_table.PATH.read_text()))
    (ROOT / "docs" / "rnscli.1").write_text(output_of("man"))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        path.write_text(console_blocks.renewed(path.read_text()))


if __name__ == "__main__":
    main()
