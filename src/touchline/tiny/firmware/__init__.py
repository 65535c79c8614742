"""A sensor node whole: samples → features → network → events → lines, as C99 firmware and as its twin in numpy."""

from touchline.tiny.firmware.events import Rule
from touchline.tiny.firmware.make import make_firmware, node_of
from touchline.tiny.firmware.node import Node
from touchline.tiny.firmware.twin import hear
from touchline.tiny.firmware.write import write_firmware

__all__ = ["Node", "Rule", "hear", "make_firmware", "node_of", "write_firmware"]
