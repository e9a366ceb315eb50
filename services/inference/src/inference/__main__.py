"""Starts inference."""

from functools import partial

from inference.app import application
from inference.settings import InferenceSettings
from shared.service import run
from shared.settings import read

if __name__ == "__main__":
    run("inference", partial(application, read(InferenceSettings)))
