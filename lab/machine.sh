# Sourced by lab/lxd: a machine of its own for one daemon, made of namespaces (mount, network, host name, processes).
# Nothing of it is in the file system: when its process 1 ends, all of it is gone.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015
# Machine INDEX has the address NET.INDEX.2, seen from outside by way of NET.INDEX.1; its bridges are on nets of the
# same index. Two labs that share a kernel take different indexes.
NET=10.117 LXDBR0_NET=10.118 BRIDGE_NET=10.119 VLAN_NET=10.120
NET6=fd42:117 LXDBR0_NET6=fd42:118 VLAN_NET6=fd42:120

machine_alive() { # sets what it takes to go inside: ${inside[@]} for nsenter, and the index
    alive "$home/machine" || return 1
    machine_pid=$pid
    inside=(-t "$pid" --mount --net --uts "--pid=/proc/$pid/ns/pid_for_children")
    index=$(cat "$home/index" 2>/dev/null || true)
}
inside_net() { nsenter -t "$machine_pid" --net "$@"; }

boot() { # start the machine: sweep away what is left of the last one, then its process 1, then its wire
    unplug
    mkdir -p "$home/state" "$home/shims"
    rm -rf "$home/topo" "$home/ready" "$home/daemon"
    # shellcheck disable=SC2046
    [ ! -s "$home/topology" ] || eval "python3 '$LAB/topology.py' '$home/topo' $(<"$home/topology")"
    # LXD goes back to the root of its mount namespace now and then, which in a chroot is another directory.
    [ "$(stat -c %d:%i /)" = "$(nsenter --mount=/proc/self/ns/mnt stat -c %d:%i /)" ] ||
        die "not possible in a chroot; .ci/bare-root shows how pivot_root does it"
    detached "$home/machine" "$home/log" unshare --mount --net --uts --pid --fork --kill-child "$LAB/init" "$home" "$name"
    until_true 10 eval "[ -e '$home/ready' ] || dead '$home/machine'"
    [ -e "$home/ready" ] && machine_alive || die "the machine $name does not start, see $home/log"
    wire
}

take_index() { # take_index LAST: if possible the one it had, else one that nobody has, else one of a lab that is down
    local taken
    [ -z "$1" ] || ip route del unreachable "$NET.$1.0/24" 2>/dev/null || true
    for taken in '' 'unreachable *'; do
        for index in $1 {1..250}; do
            # shellcheck disable=SC2053
            [[ $(ip -4 route show root "$NET.$index.0/24") == $taken ]] || continue
            ip link add "iklab$index" type veth peer name eth0 netns "$machine_pid" 2>/dev/null || continue
            ip route del unreachable "$NET.$index.0/24" 2>/dev/null || true
            return
        done
    done
    return 1
}

wire() { # a pair of interfaces: eth0 inside, $outer outside. Making $outer is also how an index is taken for good
    [ -s "$home/id" ] || cat /proc/sys/kernel/random/uuid >"$home/id"
    take_index "$(cat "$home/index" 2>/dev/null || true)" || die "no free network $NET.*"
    outer=iklab$index
    ip link set "$outer" alias "innkeeper-lab $(<"$home/id")" up
    echo "$index" >"$home/index"
    ip addr add "$NET.$index.1/24" dev "$outer"
    inside_net ip link set eth0 up
    inside_net ip addr add "$NET.$index.2/24" dev eth0
    # Guests are reached, and reach us, without NAT. There is no default route: the machine has no way out.
    ip route replace "$LXDBR0_NET.$index.0/24" via "$NET.$index.2"
    ip -6 addr add "$NET6:$index::1/64" dev "$outer" nodad 2>/dev/null || return 0 # a machine without IPv6
    inside_net ip -6 addr add "$NET6:$index::2/64" dev eth0 nodad
    ip -6 route replace "$LXDBR0_NET6:$index::/64" via "$NET6:$index::2" dev "$outer"
}

unplug() { # every process of the machine ends. The kernel takes its interfaces away too, but only a little later
    local first
    if machine_alive; then
        first=$(pgrep -o -P "$machine_pid" || true)
        end_of "$home/machine" KILL
        [ -z "$first" ] || until_true 20 eval "! born $first >/dev/null" || die "machine $name does not end"
    fi
    end_of "$home/nsenter" KILL
    rm -f "$home/machine" "$home/daemon" "$home/nsenter" "$home/ready"
    index=$(cat "$home/index" 2>/dev/null || true)
    outer=iklab$index
    if [ -n "$index" ] && grep -qsF "$(cat "$home/id")" "/sys/class/net/$outer/ifalias"; then
        ip link del "$outer" 2>/dev/null || true
    fi
}

halt() { # as unplug; whoever still calls the machine gets an error at once, and its index stays taken until purge
    unplug
    if [ -n "$index" ]; then ip route replace unreachable "$NET.$index.0/24"; fi
}
