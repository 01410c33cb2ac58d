"""The first reads of a process come from many threads at once. What they share must be whole before that.

(msgspec builds what it knows about a type at its first use, and another thread that comes in between reads what is not
there yet: the process dies of a segmentation fault.)
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.kit.house import inn

SCRIPT = """
import os, sys, threading
from innkeeper.api import app
from innkeeper.store import hosts, operations, storage_pools
from innkeeper.store.database import Database

def reads(url):
    sys.setswitchinterval(1e-6)
    database = Database(url)
    asked = [(hosts.inventory, (1,), {}), (storage_pools.volumes, (), {"host_id": 1}), (operations.listing, (), {})] * 3
    together = threading.Barrier(len(asked))
    def one(question, args, named):
        with database.read() as sql:
            together.wait()
            question(sql, *args, **named)
    threads = [threading.Thread(target=one, args=each) for each in asked]
    for each in threads: each.start()
    for each in threads: each.join()

died = 0
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        reads(sys.argv[1])
        os._exit(0)
    died += os.waitpid(child, 0)[1] != 0
print(died)
"""


async def test_threads_that_read_at_once_do_not_kill_the_process(tmp_path: Path) -> None:
    async with inn(tmp_path) as house:
        host = await house.add_host()
        await house.admin.compose(host, storage="root:8,data:5")
        await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    command = [sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path / 'innkeeper.sqlite'}", "40"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=100)
    assert (done.stdout.strip(), done.returncode) == ("0", 0), done.stderr
