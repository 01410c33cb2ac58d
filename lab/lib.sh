# Sourced by the lab's scripts: where state lives, who is alive, who may go first.
# shellcheck shell=bash
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${INNKEEPER_LAB:-/var/tmp/innkeeper-lab}
export PATH=$PATH:/usr/sbin:/sbin # where ip, nft and sgdisk are; not every user's PATH has them

say() { echo "lab: $*" >&2; }
die() {
    say "$*"
    exit 1
}

as_root() { # as_root SCRIPT ARGS: go on as root
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || die "this needs root, and there is no sudo"
    exec sudo --preserve-env=INNKEEPER_LAB,LAB_NO_IMAGE -- "$@"
}

lock() { # lock NAME: one at a time, until this script ends. What the script starts gets 9>&-
    mkdir -p "$LAB_DIR"
    chmod 755 "$LAB_DIR"
    exec 9>"$LAB_DIR/$1.lock"
    flock -w 600 9 || die "another lab command still runs after 10 minutes: $LAB_DIR/$1.lock"
}

born() { # born PID: when the kernel started it, in ticks since boot. With its pid this names a process for good
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra stat <<<"${stat##*) }"
    # A zombie is dead, but not while another thread of it still has its sockets open.
    { [ "${stat[0]}" != Z ] || [ "${stat[17]}" -gt 1 ]; } && echo "${stat[19]}"
}

note() { echo "$1 $(born "$1") $(</proc/sys/kernel/random/boot_id)" >"$2"; } # note PID FILE

alive() { # alive FILE: does the process of that note live? A pid used again by another process does not count
    local at boot
    pid=
    { read -r pid at boot <"$1"; } 2>/dev/null || return 1
    [ "$boot" = "$(</proc/sys/kernel/random/boot_id)" ] && [ "$(born "$pid")" = "$at" ]
}

detached() { # detached NOTE LOG PROGRAM ARGS: start it in a session of its own, with a note of its pid
    local note=$1 log=$2
    shift 2
    rm -f "$note"
    # shellcheck disable=SC2016
    setsid -f bash -c '. "$0/lib.sh"; note $$ "$1"; shift; exec "$@"' "$LAB" "$note" "$@" \
        >>"$log" 2>&1 </dev/null 3>&- 4>&- 9>&- # nor the lock of a caller: flock(1) hands it on as 3
    until_true 5 test -s "$note" || die "cannot start $1, see $log"
}

until_true() { # until_true SECONDS COMMAND: try it 20 times a second
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

end_of() { # end_of NOTE SIGNAL [SECONDS]: send the signal, wait for the end, then insist
    alive "$1" || return 0
    local end=$pid
    kill "-$2" "$end"
    kill -CONT "$end" 2>/dev/null || true # a frozen process hears nothing else
    until_true "${3:-10}" dead "$1" && return
    kill -KILL "$end" 2>/dev/null || true
    until_true 20 dead "$1" || die "process $end does not end"
}

dead() { ! alive "$1"; }
