"""The names of channel variables, and how they are fetched."""

from acd_asterisk import variables


def test_variables_by_one_expression() -> None:
    names = ("X_ACD_QUEUE", "X_ACD_TIER")
    expression = "EVAL(${URIENCODE(${X_ACD_QUEUE})}&${URIENCODE(${X_ACD_TIER})})"
    assert variables.variables_expression(names) == expression
    assert variables.read_variables(names, "sales&%E9%87%91%26") == {"QUEUE": "sales", "TIER": "金&"}
    assert variables.read_variables(names, "&") == {}
    assert variables.read_variables(names, "") == {}
