"""DEAP to one file of epochs a subject: python datasets/deap/prepare.py --help."""

from mne_sst.datasets import prepare_from_shell

if __name__ == "__main__":
    prepare_from_shell("deap")
