"""``python -m sealift`` is the command line."""

from sealift.cli.main import main

if __name__ == "__main__":
    main()
