"""The command ``stillwalk``, and ``python -m stillwalk``."""

from flows.stabilize import main

if __name__ == "__main__":
    main()
