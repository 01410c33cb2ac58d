"""affinity.py PROGRAM ARGS: run a program for which sched_setaffinity() always succeeds.

Why: LXD pins the threads of a guest to CPUs of the invented topology, which this machine does not have. A
seccomp filter answers that one system call with 0 and lets everything else pass. x86-64 only.
"""

import ctypes
import os
import struct
import sys

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ANSWER_ZERO = 0x7FFF0000, 0x00050000
X86_64, SCHED_SETAFFINITY, SECCOMP = 0xC000003E, 203, 317
CODE = [  # operation, steps to jump if true, if false, operand
    (LOAD, 0, 0, 4),  # the architecture
    (JUMP_IF_EQUAL, 0, 3, X86_64),
    (LOAD, 0, 0, 0),  # the number of the system call
    (JUMP_IF_EQUAL, 0, 1, SCHED_SETAFFINITY),
    (RETURN, 0, 0, ANSWER_ZERO),
    (RETURN, 0, 0, ALLOW),
]

filter_ = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in CODE))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(CODE), ctypes.addressof(filter_)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(SECCOMP, 1, 0, program):  # 1: SECCOMP_SET_MODE_FILTER
    sys.exit(f"affinity.py: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
