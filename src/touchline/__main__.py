"""``python -m touchline``."""

from touchline.app.cli import main

main()
