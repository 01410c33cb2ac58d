# Sourced by lab/lxd: the LXD daemon on a machine of machine.sh.
# shellcheck shell=bash disable=SC2154

lxc() { LXD_DIR=$home/state LXD_CONF=$home/lxc command lxc "$@"; }
api() { curl -sf --max-time 5 --unix-socket "$home/state/unix.socket" "lxd$1"; }

trusted() { # does it answer as a client sees it: by the network, to the lab's certificate?
    local answer
    answer=$(curl -sf --max-time 3 --cacert "$home/server.crt" --cert "$LAB_DIR/client/client.crt" \
        --key "$LAB_DIR/client/client.key" --connect-to "::$NET.$(<"$home/index").2:8443" https://127.0.0.1/1.0) || return 1
    [[ $answer == *'"auth":"trusted"'* ]]
}

daemon_alive() { machine_alive && alive "$home/daemon"; }
ready() { api /internal/ready >/dev/null; }

shims() { # what this machine lacks, as settings of the shims. A machine that lacks nothing runs without them
    local caps
    grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo && [ -e /dev/kvm ] || echo LAB_NO_KVM=1
    [ -c /dev/vhost-vsock ] || echo LAB_NO_VSOCK=1
    caps=$(sed -n 's/^CapEff:\t/0x/p' /proc/self/status)
    ((caps >> 24 & 1)) || echo LAB_NO_RLIMIT=1
    [ ! -s "$home/topology" ] || echo LAB_NO_NUMA=1
}

start_daemon() { # true once it is ready
    local lacks program=(lxd --group root)
    mapfile -t lacks < <(shims)
    [ ${#lacks[@]} = 0 ] || lacks+=("LXD_EXEC_PATH=$home/shims/exec-wrapper")
    if [[ " ${lacks[*]} " == *" LAB_NO_NUMA=1 "* ]] || { [[ " ${lacks[*]} " == *" LAB_NO_VSOCK=1 "* ]] && newer; }; then
        program=(python3 "$home/shims/syscalls.py" "${program[@]}")
    fi
    rm -f "$home/daemon"
    end_of "$home/nsenter" KILL # it stops when its daemon is frozen, and then outlives it
    detached "$home/nsenter" "$home/log" nsenter "${inside[@]}" \
        env "${lacks[@]}" "PATH=$home/shims:$PATH" LXD_DIR=/var/lib/lxd "${program[@]}"
    alive "$home/nsenter" && until_true 5 pgrep -P "$pid" >/dev/null || return 1
    note "$(pgrep -P "$pid")" "$home/daemon"
    until_true 60 ready_or_dead && ready
}
newer() { dpkg --compare-versions "$(dpkg-query -W -f '${Version}' lxd)" ge 5.0.2+git; } # Debian 13's
ready_or_dead() { ready || dead "$home/daemon"; }

client_certificate() { # one for all daemons of the lab
    local dir=$LAB_DIR/client
    [ ! -s "$dir/client.crt" ] || return 0
    mkdir -p "$dir"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 -nodes -days 3650 -subj /CN=lab \
        -keyout "$dir/client.key" -out "$dir/client.new" 2>/dev/null
    chown -R "${SUDO_UID:-0}" "$dir" # tests may run as the user who called sudo
    mv "$dir/client.new" "$dir/client.crt"
}

settings() { # what the daemon is told: address, pools, bridge, profile
    local pool
    echo 'config: {core.https_address: ":8443"}'
    echo 'storage_pools:'
    for pool in default $(cat "$home/pools" 2>/dev/null); do echo "- {name: $pool, driver: dir}"; done
    # lxdbr0 has an IPv6 prefix because the network boot of a guest waits 13 s for a router's advertisement.
    cat <<Y
networks:
- {name: lxdbr0, type: bridge, config: {
    ipv4.address: $LXDBR0_NET.$index.1/24, ipv4.dhcp: "true", ipv4.nat: "false",
    ipv6.address: "$LXDBR0_NET6:$index::1/64", ipv6.nat: "false"}}
profiles:
- {name: default, devices: {root: {type: disk, path: /, pool: default}, eth0: {type: nic, network: lxdbr0, name: eth0}}}
Y
}

configure() { # settings and trust, unless they are as wanted and a client sees it
    [ "$(settings)" != "$(cat "$home/settings" 2>/dev/null)" ] || ! trusted || return 0
    settings | LXD_DIR=$home/state lxd init --preseed >/dev/null || return 1
    install -m 644 "$home/state/server.crt" "$home/server.crt"
    trusted || lxc config trust add "$LAB_DIR/client/client.crt" --name lab >/dev/null 2>&1 || true
    until_true 10 trusted || return 1
    settings >"$home/settings"
}

bridges() { # unmanaged bridges live and die with the machine
    local bridge n=0
    [ ! -s "$home/bridges" ] || while read -r bridge; do
        n=$((n + 1))
        inside_net ip link show "$bridge" >/dev/null 2>&1 && continue
        inside_net ip link add "$bridge" type bridge
        inside_net ip addr add "$BRIDGE_NET.$index.$((n * 16 + 1))/28" dev "$bridge"
        inside_net ip link set "$bridge" up
    done <"$home/bridges"
}

cloud() { # the cloud guest under the alias "cloud"
    "$LAB/packages" cloud
    guest cloud
}

image() { guest tiny; }

guest() { # guest NAME: that guest under the alias of its name, in place of one of an older recipe
    "$LAB/$1/build" "$LAB_DIR/$1.tar"
    if api "/1.0/images/aliases/$1" >/dev/null; then
        ! cmp -s "$LAB_DIR/$1.tar.recipe" "$home/$1.recipe" || return 0
        lxc image delete "$1"
    fi
    lxc image import "$LAB_DIR/$1.tar" --alias "$1" --quiet
    cp "$LAB_DIR/$1.tar.recipe" "$home/$1.recipe"
}
