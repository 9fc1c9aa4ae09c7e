"""Lists of ADCs as others publish them: headings, units, what is left out, and mistakes."""

import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.adc.headings import ENERGY, Headings
from rnscli.hardware.adc.surveyed import regressed_area
from rnscli.hardware.adc.table import ListedAdc, TableAdc, load_adc_table

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def loaded(folder: Path, text: str, columns: dict[str, str] | None = None) -> TableAdc:
    path = folder / "list.csv"
    path.write_text(text)
    return load_adc_table(path, columns)


def only(model: TableAdc) -> ListedAdc:
    (one,) = model.converters
    return one


MURMANN = (
    "YEAR,ID,TYPE,TECHNOLOGY,TITLE,ABSTRACT,AREA [mm^2],SNDR_lf [dB],SNDR_hf [dB],SNR [dB],"
    "SNDR_plot [dB],P [W],fs [Hz],OSR,fsnyq [Hz],P/fsnyq [pJ],FOMW_hf [fJ/conv-step],,\n"
)


def test_the_sheets_of_the_survey(tmp_path: Path) -> None:
    """Quoted texts of several lines, blanks, a placeholder of 1 dB, and the rate is fsnyq."""
    model = loaded(
        tmp_path,
        MURMANN
        + '2020,8.1,OS,0.18 BiCMOS,"A ""fast"" one, here","First line,\n# second,\n\nthird.",'
        "0.25,70,61.96,,61.96,0.002,1e9,50,2e7,100,1e10,,\n"
        "2022,25.5,NQ,28,t,a,0.1,,,,1,0.1088,1.3e9,1,1.3e9,83.7,1e10,,\n"
        "2005,C12-4,NQ,90,t,a, ,60,49.92,,49.92,,1e8,1,1e8,,,,\n"
        "2021,9.1,NQ,65,t,a, ,60,49.92,,49.92,0.001,1e8,1,1e8,10,1,,\n",
    )
    assert model.converters == (
        ListedAdc(10.0, 1e-10, 0.25e-6, 2e7),
        ListedAdc(8.0, 1e-11, None, 1e8),
    )
    assert model.skipped == 2


def test_the_list_of_the_accelergy_plug_in(tmp_path: Path) -> None:
    """SNDR goes before the bits, which are rounded there."""
    one = only(
        loaded(
            tmp_path,
            ",frequency (Hz),tech node (nm),area (um^2),energy (pJ/op),SNDR_plot [dB],"
            "number of bits,FOMS_hf [dB]\n0,500000000.0,400.0,2400000.0,800.0,31.86,5.5,122.8\n",
        )
    )
    assert one == ListedAdc(5.0, 8e-10, 2.4e-6, 5e8)
    older = (
        ",frequency (Hz),number of bits,tech node (nm),area (um^2),energy (pJ/op)\n0,1e6,6,,7,5\n"
    )
    assert only(loaded(tmp_path, older)) == ListedAdc(6.0, 5e-12, 7e-12, 1e6)


def test_the_keys_of_simphony_with_their_units(tmp_path: Path) -> None:
    """8 bits, 10 GS/s, 14.8 mW: 1.48 pJ."""
    text = "tech,type,area (um²),prec (bit),power (mW),sample_rate (GS/s)\n14,sar,2850,8,14.8,10\n"
    one = only(loaded(tmp_path, text))
    assert one.energy == pytest.approx(1.48e-12, rel=1e-14, abs=0)
    assert one._replace(energy=0) == ListedAdc(8.0, 0, 2.85e-9, 1e10)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("rate [GHz]", "2.5", 2.5e9),
        ("Sample Rate (MS/s)", "100", 1e8),
        ("sample_rate [kSPS]", "3", 3e3),
        ("FREQUENCY[ Hz ]", "3e5", 3e5),
        ("rate_hz", "7", 7.0),
        ("Rate_Hz [THz]", "0.2", 2e11),
    ],
)
def test_units_of_a_rate(column: str, cell: str, expected: float, tmp_path: Path) -> None:
    assert only(loaded(tmp_path, f"enob,energy_j,{column}\n8,1e-12,{cell}\n")).rate == expected


@QUICK
@given(
    st.decimals(min_value="0.001", max_value="999", places=3),
    st.sampled_from([("fJ", 15), ("pJ/op", 12), ("nJ/conversion", 9), ("uJ", 6), ("J", 0)]),
)
def test_a_cell_with_its_unit_is_rounded_once(number: object, unit: tuple[str, int]) -> None:
    """Against the decimal string: 0.3 pJ is 3e-13, which 0.3 x 1e-12 is not always."""
    heading = f"energy [{unit[0]}]"
    found = Headings()
    kind = found.understood(["enob", heading, "rate_hz"])[heading]
    expected = float(f"{number}e-{unit[1]}")
    if expected > 1:
        with pytest.raises(ValueError):
            kind.convert(str(number))
    else:
        assert kind.convert(str(number)) == expected
        assert found.value(ENERGY, {heading: expected}) == expected


def test_of_several_columns_the_first_that_is_not_empty(tmp_path: Path) -> None:
    """P/f where P/fsnyq is blank; SNDR where ENOB is; fsnyq goes before a frequency."""
    text = (
        "bits,SNDR_hf [dB],SNDR_plot [dB],enob,frequency [Hz],fsnyq [MHz],P [mW],P/fsnyq [pJ]\n"
        "9,44,55.94,7.5,5e9,100,1,20\n"
        "9,44,55.94,,5e9,100,1,\n"
        "9,43.9,,,5e9,,5,\n"
        "9,,,,5e9,100,1,20\n"
    )
    found = loaded(tmp_path, text).converters
    assert [one.enob for one in found] == pytest.approx([7.5, 9.0, 7.0, 9.0], rel=1e-14)
    assert [one.rate for one in found] == [1e8, 1e8, 5e9, 1e8]
    energies = [2e-11, 1e-11, 1e-12, 2e-11]
    assert [one.energy for one in found] == pytest.approx(energies, rel=1e-14, abs=0)


def test_without_an_area_it_is_that_of_the_regression(tmp_path: Path) -> None:
    """For the converter's own energy and rate, not those that are needed, at the node given."""
    model = loaded(tmp_path, "enob,energy_j,rate_hz\n8,1e-12,1e9\n")
    assert model.area(6, 1e6) == regressed_area(1e-12, 1e9, 45e-9)
    assert model.at_node(7e-9).area(6, 1e6) == regressed_area(1e-12, 1e9, 7e-9)
    listed = TableAdc((ListedAdc(8.0, 1e-12, 5e-9, 1e9),))
    assert listed.at_node(7e-9).area(6, 1e6) == 5e-9


def test_of_converters_that_take_the_same_the_smaller(tmp_path: Path) -> None:
    """Also where one has no area of its own: 1 pJ at 1 GS/s and 45 nm has some 7300 um^2."""
    model = loaded(
        tmp_path,
        "enob,energy_j,rate_hz,area_m2\n8,1e-12,1e9,\n8,1e-12,1e9,9e-8\n9,1e-12,1e9,1e-9\n",
    )
    assert 1e-9 < regressed_area(1e-12, 1e9, 45e-9) < 9e-8
    assert model.area(8, 1e9) == 1e-9
    assert TableAdc(model.converters[:2]).area(8, 1e9) == regressed_area(1e-12, 1e9, 45e-9)


def test_headings_that_are_renamed(tmp_path: Path) -> None:
    text = "ENOB at Nyquist,Pwr,f\n8,5,2\n"
    columns = {"ENOB at Nyquist": "enob", "Pwr": "power [mW]", "f": "rate [GHz]"}
    assert only(loaded(tmp_path, text, columns)) == ListedAdc(8.0, 5e-3 / 2e9, None, 2e9)
    with pytest.raises(InputError, match=r"list\.csv, line 1 has no column Power to be read as"):
        loaded(tmp_path, text, {"Power": "power [mW]"})


BLANK = st.sampled_from(["", " ", "8"])


@QUICK
@given(rows=st.lists(st.tuples(BLANK, BLANK, BLANK), min_size=1, max_size=6))
def test_rows_with_a_blank_are_skipped_and_counted(
    rows: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(
        [("enob", "energy [pJ]", "rate [Hz]", "part"), *((*r, "x") for r in rows)]
    )
    whole = [row for row in rows if all(cell.strip() for cell in row)]
    folder = tmp_path_factory.mktemp("lists")
    if not whole:
        with pytest.raises(InputError, match="no row with a resolution, an energy and a rate"):
            loaded(folder, text.getvalue())
        return
    model = loaded(folder, text.getvalue())
    assert len(model.converters) == len(whole)
    assert model.skipped == len(rows) - len(whole)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "foo,bar\n1,2\n",
            ("line 1", "no column of the resolution", "enob", "SNDR [dB]", "foo, bar"),
        ),
        ("enob,bar\n1,2\n", ("line 1", "no column of the energy", "energy_j", "power [mW]")),
        ("enob,P [W],fs [Hz]\n8,1,2\n", ("line 1", "no column of the rate", "rate_hz", "fs [Hz]")),
        ("enob,energy,rate_hz\n8,1,2\n", ("line 1", "column energy,", "energy [pJ]")),
        ("enob,energy [mW],rate_hz\n8,1,2\n", ("column energy [mW],", "energy [pJ]")),
        ("enob,energy [p],rate_hz\n8,1,2\n", ("column energy [p],", "energy [pJ]")),
        ("SNDR,energy_j,rate_hz\n8,1,2\n", ("column SNDR,", "SNDR [dB]")),
        ("enob,energy_j,rate [ghz]\n8,1,2\n", ("column rate [ghz],", "sample_rate [GS/s]")),
        ("enob,energy_j,rate_hz,area\n8,1,2,3\n", ("column area,", "area [um^2]")),
        ("enob,energy_j,rate_hz,area [um]\n8,1,2,3\n", ("column area [um],", "area [um^2]")),
        ("enob [%],energy_j,rate_hz\n8,1,2\n", ("column enob [%],",)),
        ("enob,energy (fJ),rate_hz\n8,-2,3\n", ("line 2", "energy (fJ)", "-2", "from 0 to 1e+15")),
        ("enob,energy_j,rate (GHz)\n8,1,2e3\n", ("line 2", "rate (GHz)", "1e-09 to 1000")),
        ("SNDR [dB],energy_j,rate_hz\n-3,1,2\n", ("line 2", "SNDR [dB]", "-3", "0 to 387")),
        ("enob,energy_j,rate_hz,area [mm^2]\n8,1,2,big\n", ("line 2", "area [mm^2]", "big")),
        ("enob,energy [pJ],rate_hz,Energy [pJ],energy [pJ]\n8,1,2,3,4\n", ("energy [pJ] twice",)),
        ('enob,energy_j,rate_hz,t\n8,1,2,"open\n8,1,2,x\n', ("line 2", "double quote")),
        ("enob,energy_j,rate_hz,t\n8,1,2\n", ("line 2", "from column t on none")),
    ],
)
def test_mistakes_say_what_would_be_accepted(
    text: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"list\.csv") as refused:
        loaded(tmp_path, text)
    sentence = str(refused.value)
    assert sentence.isprintable() and len(sentence.replace(str(tmp_path), "")) < 400
    for part in parts:
        assert part in sentence


def test_a_heading_of_any_text_is_harmless(tmp_path: Path) -> None:
    text = f"enob,energy_j,\x1b[31m{'x' * 500}\n8,1,2\n"
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, text)
    assert str(refused.value).isprintable() and "x" * 100 not in str(refused.value)


@QUICK
@given(enob=st.floats(0.5, 20.0), energy=st.floats(1e-15, 1e-6), rate=st.floats(1.0, 1e12))
def test_sndr_and_power_say_what_enob_and_energy_do(
    enob: float, energy: float, rate: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SNDR = 6.02 ENOB + 1.76 dB, P = E f."""
    sndr, power = 6.02 * enob + 1.76, energy * rate
    assume(power <= 1e3 and enob > 0.5001)
    text = f"SNDR [dB],power [W],rate [Hz]\n{sndr!r},{power!r},{rate!r}\n"
    one = only(loaded(tmp_path_factory.mktemp("lists"), text))
    assert one.enob == pytest.approx(enob, rel=1e-8)
    assert math.isclose(one.energy, energy, rel_tol=1e-12)
    assert one.rate == rate
