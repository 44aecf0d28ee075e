"""What callers might send to be more than text: the corpus, and by which ways a call can carry it.

Owns the values. Must not know any test. `MARKER` stands for a file that must never be made.
"""

from typing import Final

HOSTILE: Final = (
    "PJSIP/anna&PJSIP/ben",
    "a,b,c",
    "a|b|c",
    "${SHELL(touch MARKER)}",
    "${ACD_APP}",
    '"quoted" <sip:x@y>',
    "back\\slash\\,comma",
    "%0d%0aX-Evil: 1",
    "%2C%7C%24%7BX%7D",
    "a=b=c&d=e",
    "()()(",
    "王小明,¥100|&",
    "' DROP TABLE calls--",
    "   blanks   ",
)
"""What SIPp's injected files can carry, too: no semicolons and brackets."""

WRITTEN: Final = (
    *HOSTILE,
    "a;b;tag=1",
    "[field0]",
    "1^2^3",
    "${DB_DELETE(acd/canary)}",
    "$[1+1]${EVAL(${DB_DELETE(acd/canary)})}",
    "Local/s@evil/n",
    "s@evil,1)\\,Goto(evil,s,1",
    '=HYPERLINK("http://evil.example","x")',
    "\u202edrowssap\u202c\u200b",
    "\u2028line\u2029paragraph\u0085next",
    "\udcff\udcfe\udc80 eight bits",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "9" * 10_240,
    "王" * 3_000,
)
"""What any text of SIP can carry; bytes that are no UTF-8 stand as surrogates."""

BROKEN: Final = (
    "1\r\nX-Evil: 1",
    "1\r\nVariable: EVIL=1\r\nApp: other",
    "1\r\n\r\nAction: Setvar\r\nVariable: EVIL\r\nValue: 1\r\n\r\n",
    "1\r\n\r\nEvent: UserEvent\r\nUserEvent: AcdOwner\r\nApp: acd\r\n",
    "1\r\n\r\nEvent: UserEvent\r\nUserEvent: AcdLeft\r\nApp: acd",
    "\r\n\r\n\r\n",
    "nul\x00nul",
    "\x1b[2J\x1b]0;evil\x07",
    "\x08\x08\x7f",
)
"""What only a URI can carry, percent-escaped: control characters."""
