"""`python -m segcli` is the command `segcli`."""

from segcli.cli import main

if __name__ == "__main__":
    main()
