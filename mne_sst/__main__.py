"""``python -m mne_sst`` is the command ``mne-sst``."""

from .cli import main

if __name__ == "__main__":
    main()
