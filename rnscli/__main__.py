"""``python -m rnscli``."""

from rnscli.cli.main import main

if __name__ == "__main__":
    main()
