"""What Asterisk reads of its own documentation; that it takes its configuration by it is seen in `test_pbx`."""

from pathlib import Path
from xml.etree import ElementTree as ET

from acd_asterisk.lab._documentation import FILE, shortened

ALL = """<?xml version="1.0"?>
<docs xmlns:xi="http://www.w3.org/2001/XInclude">
<module name="app_dial"><depend>res_x</depend></module>
<application name="Dial" language="en_US" module="app_dial"><synopsis>Dials.</synopsis><syntax/></application>
<managerEvent name="Hangup" language="en_US"/>
<configInfo name="res_x" language="en_US"><configFile name="x.conf"><configObject name="general">
<configOption name="deep" default="1"><xi:include xpointer="xpointer(/docs/application)"/><synopsis>How</synopsis>
</configOption></configObject></configFile></configInfo>
</docs>"""


def test_of_applications_the_name_and_of_options_all(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(ALL)
    application, options = ET.fromstring(shortened(tmp_path))  # noqa: S314 - our own
    assert application.attrib == {"name": "Dial", "language": "en_US", "module": "app_dial"}
    assert [(each.tag, each.text) for each in application] == [("synopsis", "Dial")]
    (option,) = options.iter("configOption")
    assert option.get("default") == "1"
    assert [each.tag for each in option] == ["synopsis"]
