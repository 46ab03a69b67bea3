"""Runs uvicorn, and ends with whoever started it: standard input is a pipe from there, closed when that process is gone.

    python serve.py --factory speaches.main:create_app
"""

import os
import runpy
import signal
import sys
import threading
import time

# for a model that is being loaded, which no signal interrupts
GRACE = 5


def end_with_parent():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


threading.Thread(target=end_with_parent, daemon=True).start()
# run_module would look for modules beside this file first
sys.path[0] = os.getcwd()
sys.argv[0] = "uvicorn"
runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)
