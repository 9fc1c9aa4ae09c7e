"""Measured devices from files of a user."""

from pathlib import Path

from rnscli.base import quantity, read_table
from rnscli.core.devices.devices import Points, States, check_points, check_states


def load_states(path: str | Path) -> States:
    """The states of a cell from a CSV file with the columns target, mean and deviation.

    All are shares of the largest conductance, in any order of the rows.

    Raises
    ------
    InputError
        If the file cannot be read as such, or `rnscli.core.Devices` does not accept the table.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cell.csv"
    ...     _ = file.write_text("target,mean,deviation\\n0,0.01,0.002\\n1,0.98,0.05\\n")
    ...     load_states(file)
    ((0.0, 0.01, 0.002), (1.0, 0.98, 0.05))
    """
    share = quantity(0.0, 1.0)
    kinds = {"target": share, "mean": quantity(0.0, 2.0), "deviation": share}
    rows = [row.cells for row in read_table(path, kinds, what="`device_table`")]
    states = sorted((one["target"], one["mean"], one["deviation"]) for one in rows)
    return check_states(states, f"`device_table` file {path}")


def load_adc_points(path: str | Path) -> Points:
    """The nonlinearity of an ADC from a CSV file with the columns level and deviation.

    Levels are from -1 to 1 of its range, deviations in its steps.

    Raises
    ------
    InputError
        If the file cannot be read as such, or `rnscli.core.Devices` does not accept the table.
    """
    kinds = {"level": quantity(-1.0, 1.0), "deviation": quantity(-1e3, 1e3)}
    rows = [row.cells for row in read_table(path, kinds, what="`adc_inl_table`")]
    points = sorted((one["level"], one["deviation"]) for one in rows)
    return check_points(points, f"`adc_inl_table` file {path}")
