"""Small policies, each wrong in one subtle way: what is changed, the code, and the text at the place of the fault."""

from __future__ import annotations

from dataclasses import dataclass

ROOM = "INITIAL_NOT_ABOVE_MAINTENANCE"
FEE = "CLOSING_FEE_ABOVE_MAINTENANCE"
NOTHING = "LIQUIDATION_NOT_BEFORE_BANKRUPTCY"
RATE = "RATE_NOT_BELOW_ONE"
BELOW = "RATE_BELOW_ZERO"
FALLS = "TIER_RATE_FALLS"
LEVERAGE = "TIER_LEVERAGE_RISES"
ABOVE = "INITIAL_RATE_ABOVE_ONE"

TIERS = """
      - {up_to: 50000, maintenance_rate: 0.004, max_leverage: 125}
      - {up_to: 250000, maintenance_rate: 0.005, max_leverage: 75}
      - {up_to: unlimited, maintenance_rate: 0.025, max_leverage: 20}"""
STRICT = "\n      - {up_to: unlimited, maintenance_rate: 0.01, max_leverage: 50}"
NAMED = "BTCUSDT: {payoff: linear, table: t, buffers: [%s]}"
VOLATILITY = "kind: volatility, measure: realized"
DEPTH = "kind: depth, measure: depth"
SPREAD = "kind: volatility, measure: spread"
EXPIRY = "kind: expiry"


def bands(reader: str, *rows: str, on: str = "initial, maintenance") -> str:
    """The section of a buffer with these bands, each without its `from: `."""
    return f"{reader}, requirements: [{on}], bands: [{', '.join(f'{{from: {row}}}' for row in rows)}]"


@dataclass(frozen=True)
class Planted:
    """One fault: the sections of its policy, the code that finds it, and the piece of text at which it must stand.

    `table` are the table's keys before its tiers, `buffers` are by name, `instrument` is one line.
    """

    why: str
    code: str
    at: str
    tiers: str = TIERS
    table: str = ""
    buffers: tuple[tuple[str, str], ...] = ()
    instrument: str = ""
    fee: str = "{rate: 0.0005, counts_in: [trigger]}"
    modes: str = "{isolated: {}, cross: {}}"
    trigger: str = "at_or_below"

    def text(self) -> str:
        """The policy."""
        buffers = "".join(f"\n  {name}: {{{section}}}" for name, section in self.buffers)
        instrument = self.instrument or NAMED % ", ".join(name for name, _ in self.buffers)
        return (
            "schema: rules-engine/policy/1\npolicy: planted\nversion: 1.0.0\n"
            "settlement: {currency: USDT, quantum: 0.000000000001}\n"
            f"modes: {self.modes}\ntables:\n  t:{self.table}\n    tiers:{self.tiers}\n"
            f"buffers:{buffers or ' {}'}\ninstruments:\n  {instrument}\n"
            f"liquidation: {{trigger: {self.trigger}, closing_fee: {self.fee}, restore_to: 99}}\n"
        )


def tier(line: str, old: str, new: str) -> str:
    """The usual tiers with a piece of one line changed."""
    assert old in line and line in TIERS
    return TIERS.replace(line, line.replace(old, new))


FIRST, SECOND, THIRD = (line.strip() for line in TIERS.strip().split("\n"))
WHOLE = "\n    form: whole"
CONTRACTS = "\n    unit: quantity"
ALL = "[volatility]}"

IN_TABLES = [
    Planted("the lowest tier asks for what it keeps", ROOM, "- {up_to: 50000", fee="{rate: 0}",
            tiers=tier(FIRST, "max_leverage: 125", "initial_rate: 0.004")),
    Planted("leverage for another rate", ROOM, "{up_to: unlimited", tiers=tier(THIRD, "20", "50")),
    Planted("room runs out at 14 million, at no finite number", ROOM, "{up_to: unlimited", fee="{rate: 0.001}",
            tiers=tier(THIRD, "20", "39")),
    Planted("room runs out just below the cap", ROOM, "{up_to: 5050001", fee="{rate: 0.001}",
            tiers=tier(THIRD, "20", "40").replace("unlimited", "5050001")),
    Planted("a whole table's middle tier has no deduction", ROOM, "{up_to: 250000", table=WHOLE,
            tiers=tier(SECOND, "0.005, max_leverage: 75", "0.013, max_leverage: 75")),
    Planted("a whole tier one unit wide", ROOM, "{up_to: 50001", table=WHOLE,
            tiers=TIERS.replace("0.005", "0.0075").replace(
        FIRST, FIRST + "\n      - {up_to: 50001, maintenance_rate: 0.0075, max_leverage: 125}")),
    Planted("contracts, last tier", ROOM, "{up_to: unlimited", table=CONTRACTS, tiers=tier(THIRD, "20", "39"),
            fee="{rate: 0.001}"),
    Planted("contracts, whole", ROOM, "{up_to: 250000", table=CONTRACTS + WHOLE, tiers=tier(SECOND, "0.005", "0.013")),
    Planted("a fee that nothing counts takes all the room", ROOM, "{up_to: 50000", fee="{rate: 0.004}"),
    Planted("a fee counted twice takes all the room", ROOM, "{up_to: 50000",
            fee="{rate: 0.002, counts_in: [maintenance, trigger]}"),
    Planted("a fee in both figures, and in the decision too", ROOM, "{up_to: 50000",
            fee="{rate: 0.004, counts_in: [initial, maintenance, trigger]}"),
    Planted("a short's fee at bankruptcy", ROOM, "{up_to: 50000",
            fee="{rate: 0.00397, counts_in: [trigger], valued_at: bankruptcy}"),
    Planted("so it is where every position has margin of its own", ROOM, "{up_to: 50000", modes="{isolated: {}}",
            fee="{rate: 0.00397, counts_in: [trigger], valued_at: bankruptcy}"),
    Planted("a fee at bankruptcy on the initial margin that holds the fee", ROOM, "{up_to: 50000",
            fee="{rate: 0.063, counts_in: [initial, maintenance], valued_at: bankruptcy}"),
    Planted("an inverse contract", ROOM, "{up_to: unlimited", tiers=tier(THIRD, "20", "39"), fee="{rate: 0.001}",
            instrument="XBTUSD: {payoff: inverse, contract_size: 100, table: t}"),
    Planted("an inverse long's fee at bankruptcy", ROOM, "{up_to: 50000",
            instrument="XBTUSD: {payoff: inverse, contract_size: 100, table: t}",
            fee="{rate: 0.00397, counts_in: [trigger], valued_at: bankruptcy}"),
    Planted("a quanto contract of thirds", ROOM, "{up_to: 250000", table=WHOLE, tiers=tier(SECOND, "0.005", "0.013"),
            instrument="Q: {payoff: quanto, contract_size: 3, conversion: 0.7, table: t}"),
    Planted("equality under a trigger that is below the line", ROOM, "{up_to: 50000", trigger="below",
            tiers=tier(FIRST, "max_leverage: 125", "initial_rate: 0.0045")),
    Planted("closing costs more than the lowest tier keeps", FEE, "{up_to: 50000",
            tiers=tier(FIRST, "max_leverage: 125", "initial_rate: 0.0133"), fee="{rate: 0.0041}"),
    Planted("so it does where initial margin alone counts it", FEE, "{up_to: 50000",
            fee="{rate: 0.0041, counts_in: [initial]}"),
    Planted("a fee at bankruptcy leaves out what is left", FEE, "{up_to: unlimited",
            tiers=STRICT.replace("50}", "1}"), fee="{rate: 0.11, counts_in: [trigger], valued_at: bankruptcy}"),
    Planted("nothing is kept in the lowest tier", NOTHING, "{up_to: 50000", fee="{rate: 0}",
            tiers=tier(FIRST, "0.004", "0")),
    Planted("rate and fee reach 1 in the last tier", RATE, "{up_to: 300000", fee="{rate: 0.02, counts_in: [trigger]}",
            tiers=TIERS.replace("125", "30").replace("75", "30").replace("unlimited", "300000").replace(
                THIRD[len("- {up_to: unlimited"):], ", maintenance_rate: 0.98, max_leverage: 1}")),
]  # fmt: skip

UNDER_BUFFERS = [
    Planted("a band of maintenance alone", ROOM, ALL, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "0.8, multiply: 2", on="maintenance")),)),
    Planted("the third band alone", ROOM, ALL, buffers=(
        ("volatility", bands(
            VOLATILITY, "0, multiply: 1", "0.8, multiply: 1.25", "1.5, multiply: 1.9", on="maintenance")),)),
    Planted("two buffers, each of them harmless", ROOM, "[thin_book, volatility]", buffers=(
        ("thin_book", bands(DEPTH, "0, add_rate: 0.002", "500, add_rate: 0", on="maintenance")),
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "1, multiply: 1.5", on="maintenance")))),
    Planted("only where the measure is missing", ROOM, ALL, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1, add_rate: 0.002", "1, multiply: 1.5", on="maintenance")),)),
    Planted("a thin book below one depth", ROOM, ALL, buffers=(
        ("volatility", bands(
            DEPTH, "0, add_rate: 0.0001", "70, add_rate: 0.0036", "80, add_rate: 0", on="maintenance")),)),
    Planted("the hour before expiry", ROOM, "[expiry]", buffers=(
        ("expiry", bands(EXPIRY, "0d, multiply: 1.9", "1h, multiply: 1", on="maintenance")),)),
    Planted("an instrument whose expiry is known", ROOM, "[expiry]}",
            instrument="F: {payoff: linear, table: t, expires_at: 2027-03-01T00:00:00Z, buffers: [expiry]}", buffers=(
        ("expiry", bands(EXPIRY, "0d, multiply: 1", "1d, multiply: 1.9", on="maintenance")),)),
    Planted("a curve of maintenance whose cap is too high", ROOM, ALL, buffers=(
        ("volatility", f"{VOLATILITY}, requirements: [maintenance], "
         "curve: {reference: 0.7, slope: 0.3, cap: 1.9}"),)),
    Planted("a curve that is right at both ends", ROOM, "[half, volatility]", tiers=STRICT, fee="{rate: 0.0035}",
            buffers=(
        ("half", bands(DEPTH, "0, multiply: 0.6", on="initial")),
        ("volatility", f"{VOLATILITY}, curve: {{reference: 0.6, slope: 0.5, cap: 4}}"))),
    Planted("a curve and a band of the same measure, between two readings", ROOM, "[bands, curve]", buffers=(
        ("bands", bands(VOLATILITY, "0, multiply: 1.6", "1, multiply: 1", on="maintenance")),
        ("curve", f"{VOLATILITY}, requirements: [maintenance], curve: {{reference: 0.5, slope: 0.2, cap: 1.5}}"))),
    Planted("three buffers, of which one misses its measure", ROOM, "[depth, spread, volatility]", buffers=(
        ("depth", bands(DEPTH, "0, add_rate: 0.01", "5, multiply: 1")),
        ("spread", bands(SPREAD, "0, add_rate: 0.0036, multiply: 0.5", "2, multiply: 1", on="maintenance")),
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "1, multiply: 1.2")))),
    Planted("contracts under a band", ROOM, ALL, table=CONTRACTS, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "1, multiply: 2", on="maintenance")),)),
    Planted("a glob", ROOM, ALL, instrument='"*USDT": {payoff: linear, table: t, buffers: [volatility]}', buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "1, multiply: 2", on="maintenance")),)),
    Planted("a short with margin of its own, which a thin book makes large", ROOM, ALL,
            tiers=STRICT.replace("0.01,", "0.005,").replace("50}", "100}"),
            fee="{rate: 0.0046, counts_in: [trigger], valued_at: bankruptcy}",
            buffers=(("volatility", bands(DEPTH, "0, add_rate: 0.1", "9, add_rate: 0")),)),
    Planted("a short in a pool at less leverage than it may have", ROOM, ALL, modes="{cross: {}}",
            tiers=STRICT.replace("0.01,", "0.005,").replace("50}", "100}"),
            fee="{rate: 0.0046, counts_in: [trigger], valued_at: bankruptcy}",
            buffers=(("volatility", bands(DEPTH, "0, add_rate: 0.1", "9, add_rate: 0")),)),
    Planted("a calm band keeps less than closing costs", FEE, ALL, fee="{rate: 0.0005}",
            buffers=(("volatility", bands(VOLATILITY, "0, multiply: 0.1", "1, multiply: 1")),)),
    Planted("a deep book takes off what closing costs", FEE, ALL, fee="{rate: 0.0005}",
            buffers=(("volatility", bands(DEPTH, "0, multiply: 1", "900, add_rate: -0.0036")),)),
    Planted("a band that multiplies by nothing", NOTHING, ALL, fee="{rate: 0}", buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "9, multiply: 0")),)),
    Planted("two bands that together take off everything", NOTHING, "[deep, calm]", fee="{rate: 0}", buffers=(
        ("deep", bands(DEPTH, "0, add_rate: 0", "9, add_rate: -0.002")),
        ("calm", bands(VOLATILITY, "0, multiply: 0.5", "9, multiply: 1")))),
    Planted("rate and fee reach 1 under a band", RATE, ALL, fee="{rate: 0.02, counts_in: [trigger]}",
            tiers="\n      - {up_to: 50000, maintenance_rate: 0.01, max_leverage: 2}"
            "\n      - {up_to: 60000, maintenance_rate: 0.049, max_leverage: 2}",
            buffers=(("volatility", bands(VOLATILITY, "0, multiply: 1", "1, multiply: 20")),)),
]  # fmt: skip

IN_RATES = [
    Planted("a rate that falls for what is beyond a floor", FALLS, "0.0039", tiers=tier(SECOND, "0.005", "0.0039")),
    Planted("the rate of all of it falls at a floor", FALLS, "0.0039", table=WHOLE,
            tiers=tier(SECOND, "0.005", "0.0039")),
    Planted("the last of the rates falls", FALLS, "0.0049", tiers=tier(THIRD, "0.025", "0.0049")),
    Planted("a rate that falls by contracts", FALLS, "0.0039", table=CONTRACTS, tiers=tier(SECOND, "0.005", "0.0039"),
            instrument="XBTUSD: {payoff: inverse, contract_size: 100, table: t}"),
    Planted("so it does by contracts where the fee is kept", FALLS, "0.0039", table=CONTRACTS + WHOLE,
            tiers=tier(SECOND, "0.005", "0.0039"), fee="{rate: 0.0001, counts_in: [maintenance]}"),
    Planted("a rate that falls where a buffer rests", FALLS, "0.0039", tiers=tier(SECOND, "0.005", "0.0039"), buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1.1", "0.8, multiply: 1")),
        ("expiry", bands(EXPIRY, "0d, multiply: 1.9", "1h, multiply: 1")))),
    Planted("leverage that rises by one", LEVERAGE, "126", tiers=tier(SECOND, "75", "126")),
    Planted("an initial rate just below the one of the leverage before it", LEVERAGE, "0.0133}",
            tiers=tier(THIRD, "max_leverage: 20", "initial_rate: 0.0133").replace("0.025", "0.01")),
    Planted("leverage of a quanto contract", LEVERAGE, "126", tiers=tier(SECOND, "75", "126"),
            instrument="Q: {payoff: quanto, contract_size: 3, conversion: 0.7, table: t}"),
    Planted("a rate of 1 in the last tier", RATE, "1, max_leverage: 20", tiers=tier(THIRD, "0.025", "1")),
    Planted("a rate above 1 in the only tier", RATE, "1.2", tiers=STRICT.replace("0.01,", "1.2,")),
    Planted("more than all is put up", ABOVE, "{up_to: unlimited",
            tiers=tier(THIRD, "max_leverage: 20", "initial_rate: 1.01")),
    Planted("a band that makes a rate of 1", RATE, ALL, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "2, multiply: 40")),)),
    Planted("two buffers that do so together", RATE, "[deep, volatility]", buffers=(
        ("deep", bands(DEPTH, "0, add_rate: 0.4", "9, add_rate: 0")),
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "2, multiply: 24")))),
    Planted("a rate of 1 where the measure is missing alone", RATE, ALL, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1, add_rate: 0.5", "2, multiply: 20")),)),
    Planted("a curve that reaches 1 on its way", RATE, ALL, buffers=(
        ("volatility", f"{VOLATILITY}, curve: {{reference: 0.5, slope: 1, cap: 100}}"),)),
    Planted("rate and fee reach 1, by contracts", RATE, "{up_to: 300000", table=CONTRACTS,
            fee="{rate: 0.02, counts_in: [trigger]}",
            tiers=TIERS.replace("125", "30").replace("75", "30").replace("unlimited", "300000").replace(
                THIRD[len("- {up_to: unlimited"):], ", maintenance_rate: 0.98, max_leverage: 1}")),
    Planted("a rate of 1 in the last of two tiers by contracts", RATE, "1, max_leverage: 1", table=CONTRACTS,
            tiers=tier(THIRD, "0.025, max_leverage: 20", "1, max_leverage: 1")),
    Planted("a band that does so by contracts", RATE, ALL, table=CONTRACTS, buffers=(
        ("volatility", bands(VOLATILITY, "0, multiply: 1", "2, multiply: 40")),)),
    Planted("a band that takes off more than there is", BELOW, ALL, buffers=(
        ("volatility", bands(DEPTH, "0, multiply: 1", "900, add_rate: -0.0041")),)),
    Planted("two that do so together in the least tier", BELOW, "[deep, calm]", buffers=(
        ("deep", bands(DEPTH, "0, add_rate: 0", "9, add_rate: -0.003")),
        ("calm", bands(VOLATILITY, "0, multiply: 0.5", "9, multiply: 1")))),
    Planted("what is taken off and what multiplies in another band, where the measure is missing", BELOW, ALL, buffers=(
        ("volatility", bands(DEPTH, "0, multiply: 0.5", "900, add_rate: -0.003")),)),
    Planted("contracts that keep less than nothing", BELOW, ALL, table=CONTRACTS,
            instrument="XBTUSD: {payoff: inverse, contract_size: 100, table: t, buffers: [volatility]}", buffers=(
        ("volatility", bands(DEPTH, "0, multiply: 1", "900, add_rate: -0.0041")),)),
]  # fmt: skip

PLANTED = [*IN_TABLES, *UNDER_BUFFERS, *IN_RATES]
