"""syscalls.py PROGRAM ARGS: run a program for which some system calls succeed that this machine refuses.

A seccomp filter, inherited by all children, answers them; every other call goes on untouched. x86-64 only.
What is answered, each named by a variable that lab/lxd sets (also read by exec-wrapper):

LAB_NO_NUMA   The topology is invented: LXD pins the threads of a guest to CPUs that are not there.
              sched_setaffinity() answers 0.
LAB_NO_VSOCK  No host side of vsock. LXD of Debian 13 does not start without it (that of Debian 12 does):
              - ioctl(VHOST_VSOCK_SET_GUEST_CID) answers 0;
              - bind(AF_VSOCK, host) is made a bind to any CID, by a helper process which the kernel asks.
              The helper ends when nobody is left whom it could serve.
"""

import array
import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ANSWER_ZERO, ASK = 0x7FFF0000, 0x00050000, 0x7FC00000
X86_64, SECCOMP, PIDFD_GETFD = 0xC000003E, 317, 438
NUMBER, ARCHITECTURE, SECOND, THIRD = 0, 4, 24, 32  # where the filter finds the call's number and arguments
RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*
VSOCK_HOST, SOCKADDR_VM = 2, 16

Rule = tuple[list[tuple[int, int]], int]  # conditions (offset, value), action
PINNING: Rule = ([(NUMBER, 203)], ANSWER_ZERO)
GUEST_CID: Rule = ([(NUMBER, 16), (SECOND, 0x4008AF60)], ANSWER_ZERO)
BIND: Rule = ([(NUMBER, 49), (THIRD, SOCKADDR_VM)], ASK)


def code(rules: list[Rule]) -> list[tuple[int, int, int, int]]:
    """The filter's program: (operation, steps to jump if true, if false, operand)."""
    steps = [(LOAD, 0, 0, ARCHITECTURE), (JUMP_IF_EQUAL, 1, 0, X86_64), (RETURN, 0, 0, ALLOW)]
    for conditions, action in rules:
        size = 2 * len(conditions) + 1
        for index, (offset, value) in enumerate(conditions):
            steps += [(LOAD, 0, 0, offset), (JUMP_IF_EQUAL, 0, size - 2 * index - 2, value)]
        steps.append((RETURN, 0, 0, action))
    return [*steps, (RETURN, 0, 0, ALLOW)]


def install(rules: list[Rule]) -> int:
    """From now on the filter holds for this process. The file descriptor on which the kernel asks."""
    steps = code(rules)
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(text)))
    listener = int(LIBC.syscall(SECCOMP, 1, 8, program))  # set the filter, new listener
    if listener < 0:
        sys.exit(f"syscalls.py: {os.strerror(ctypes.get_errno())}")
    return listener


def bind_to_any(pid: int, fd: int, address: int) -> int | None:
    """Do that bind() if it is for the host's CID: 0 or -errno; None if the kernel is to do it itself."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        family, _, port, cid = struct.unpack("HHII", memory.read(12))
    if family != socket.AF_VSOCK or cid != VSOCK_HOST:
        return None
    with open(f"/proc/{pid}/status") as status:  # pid may be a thread
        process = next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))
    pidfd = os.pidfd_open(process)
    try:
        copy = LIBC.syscall(PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    with socket.socket(fileno=copy) as theirs:
        try:
            theirs.bind((socket.VMADDR_CID_ANY, port))
        except OSError as error:
            return -(error.errno or 1)
    return 0


def serve(listener: int) -> None:
    """Answer the kernel until the last process with the filter is gone."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while all(event & select.POLLIN for _, event in poll.poll()):
        question = bytearray(80)
        answer: int | None = None
        with contextlib.suppress(OSError, StopIteration):  # whoever asked is gone, or cannot be read
            fcntl.ioctl(listener, RECEIVE, question)
            ident, pid = struct.unpack_from("QI", question)
            fd, address = struct.unpack_from("QQ", question, 32)
            with contextlib.suppress(OSError, StopIteration):
                answer = bind_to_any(pid, fd, address)
            flags = int(answer is None)  # 1: let the call go on
            fcntl.ioctl(listener, SEND, struct.pack("QqiI", ident, 0, answer or 0, flags))


def helper(channel: socket.socket) -> None:
    """A process of its own that gets the listener and serves it."""
    if os.fork():
        return
    if os.fork():  # not a child of the program
        os._exit(0)
    os.setsid()
    ours.close()
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    listener = array.array("i", ancillary[0][2][:4])[0]
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    serve(listener)
    os._exit(0)


LIBC = ctypes.CDLL(None, use_errno=True)
wanted = []
if os.environ.get("LAB_NO_NUMA"):
    wanted += [PINNING]
if os.environ.get("LAB_NO_VSOCK"):
    wanted += [GUEST_CID, BIND]
ours, theirs = socket.socketpair()
helper(theirs)
os.wait()
theirs.close()
fd = install(wanted)
ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
ours.close()
os.close(fd)
os.execvp(sys.argv[1], sys.argv[1:])
