# Sourced by lab/lxd: a machine of its own for one daemon, made of namespaces (mount, network, host name, processes).
# Nothing of it is in the file system: when its process 1 ends, all of it is gone.
# shellcheck shell=bash disable=SC2154
# Machine INDEX has the address NET.INDEX.2, seen from outside by way of NET.INDEX.1; its bridges are on nets of the
# same index. Two labs that share a kernel take different indexes.
NET=10.117 LXDBR0_NET=10.118 BRIDGE_NET=10.119
NET6=fd42:117 LXDBR0_NET6=fd42:118

machine_alive() { # sets what it takes to go inside: ${inside[@]} for nsenter, and the index
    alive "$home/machine" || return 1
    machine_pid=$pid
    inside=(-t "$pid" --mount --root --net --uts "--pid=/proc/$pid/ns/pid_for_children")
    index=$(cat "$home/index" 2>/dev/null || true)
}
inside_net() { nsenter -t "$machine_pid" --net "$@"; }

boot() { # start the machine: sweep away what is left of the last one, then its process 1, then its wire
    halt
    mkdir -p "$home/state" "$home/shims"
    rm -rf "$home/topo" "$home/ready" "$home/daemon"
    # shellcheck disable=SC2046
    [ ! -s "$home/topology" ] || eval "python3 '$LAB/topology.py' '$home/topo' $(<"$home/topology")"
    mountpoint -q / || die "/ is no mount point: bind the directory onto itself before chroot"
    detached "$home/machine" "$home/log" unshare --mount --net --uts --pid --fork --kill-child "$LAB/init" "$home" "$name"
    until_true 10 eval '[ -e "$home/ready" ] || dead "$home/machine"'
    [ -e "$home/ready" ] && machine_alive || die "the machine $name does not start, see $home/log"
    wire
}

wire() { # a pair of interfaces: eth0 inside, $outer outside. Making $outer is also how an index is taken for good
    [ -s "$home/id" ] || cat /proc/sys/kernel/random/uuid >"$home/id"
    local last
    last=$(cat "$home/index" 2>/dev/null || true)
    [ -z "$last" ] || ip route del unreachable "$NET.$last.0/24" 2>/dev/null || true
    for index in $last {1..250}; do
        [ -z "$(ip -4 route show root "$NET.$index.0/24")" ] || continue
        ip link add "iklab$index" type veth peer name eth0 netns "$machine_pid" 2>/dev/null && break
    done
    outer=iklab$index
    ip link set "$outer" alias "innkeeper-lab $(<"$home/id")" up || die "no free network $NET.*"
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

halt() { # pull the plug: every process of the machine ends. The kernel takes its interfaces away a little later
    local first outer index
    if machine_alive; then
        first=$(pgrep -o -P "$machine_pid" || true)
        end_of "$home/machine" KILL
        [ -z "$first" ] || until_true 20 eval "! born $first >/dev/null" || die "machine $name does not end"
    fi
    rm -f "$home/machine" "$home/daemon" "$home/ready"
    index=$(cat "$home/index" 2>/dev/null) || return 0
    outer=iklab$index
    grep -qsF "$(cat "$home/id")" "/sys/class/net/$outer/ifalias" || return 0
    ip link del "$outer" 2>/dev/null || true
    # Whoever still calls the machine gets an error at once, and the index stays ours until purge.
    ip route replace unreachable "$NET.$index.0/24"
}
