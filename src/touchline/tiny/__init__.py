"""int8 networks → plain C for microcontrollers. `compile.py` is the whole road, read top to bottom."""
