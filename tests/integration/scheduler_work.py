"""A process that looks around as fast as it can, and says each time that it has begun to lead."""

import sys
import time
from pathlib import Path

from chocofactory import bootstrap
from chocofactory.core.config import load_settings
from chocofactory.core.logs import configure_logs
from chocofactory.tasks.scheduler import Watch

settings = load_settings(data_dir=Path(sys.argv[1]))
configure_logs(settings)
factory = bootstrap.build(settings, sources=[])
watch = Watch(factory)
leads = False
sys.stdout.write("ready\n")
sys.stdout.flush()
while True:
    before, leads = leads, watch.look(wait=True)
    if leads and not before:
        sys.stdout.write("leads\n")
        sys.stdout.flush()
    time.sleep(0.02)
