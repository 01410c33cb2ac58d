"""What each resource is for, in the words of `maas PROFILE --help`."""

DOCS = {
    "Version": "This server's version and what it can do.",
    "Users": "The users, and who you are.",
    "User": "One user.",
    "Zones": "The zones: where hosts and machines stand.",
    "Zone": "One zone.",
    "ResourcePools": "The resource pools: what hosts and machines are for.",
    "ResourcePool": "One resource pool.",
    "Domains": "The domains of machines' names.",
    "Domain": "One domain.",
    "Maas": "The configuration of the server.",
    "VmHosts": "The VM hosts: list them, add one.",
    "VmHost": "One VM host: read, change, refresh it, compose on it, remove it.",
    "Pods": "The VM hosts, under their old name.",
    "Pod": "One VM host, under its old name.",
    "Machines": "The machines: composed ones, VMs that were there, and the hosts' own records.",
    "Machine": "One machine: read, power, change, lock, destroy it.",
}
