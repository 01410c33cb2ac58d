"""The tables of networks; part of the same page as `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import Big, Bool, C, Float, Id, Int, Str, Text, metadata

space = sa.Table(
    "space",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("description", Text),
    sqlite_autoincrement=True,
)
fabric = sa.Table(
    "fabric",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("description", Text),
    C("class_type", Str(256), nullable=True),
    sqlite_autoincrement=True,
)
vlan = sa.Table(
    "vlan",
    metadata,
    C("id", Id, primary_key=True),
    C("fabric_id", Id, sa.ForeignKey("fabric.id", ondelete="CASCADE")),
    C("vid", Int),
    C("name", Str(256)),
    C("description", Text),
    C("mtu", Int),
    C("dhcp_on", Bool),
    C("space_id", Id, sa.ForeignKey("space.id", ondelete="SET NULL"), nullable=True),
    sa.UniqueConstraint("fabric_id", "vid"),
    sqlite_autoincrement=True,
)
subnet = sa.Table(
    "subnet",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256)),
    C("cidr", Str(50), unique=True),
    C("vlan_id", Id, sa.ForeignKey("vlan.id"), index=True),
    C("description", Text),
    C("gateway_ip", Str(50), nullable=True),
    C("dns_json", Text),
    C("managed", Bool),
    C("allow_dns", Bool),
    C("allow_proxy", Bool),
    C("active_discovery", Bool),
    C("rdns_mode", Int),
    sqlite_autoincrement=True,
)
static_route = sa.Table(
    "static_route",
    metadata,
    C("id", Id, primary_key=True),
    C("source_id", Id, sa.ForeignKey("subnet.id", ondelete="CASCADE")),
    C("destination_id", Id, sa.ForeignKey("subnet.id", ondelete="CASCADE")),
    C("gateway_ip", Str(50)),
    C("metric", Big),
    sa.UniqueConstraint("source_id", "destination_id", "gateway_ip"),
    sqlite_autoincrement=True,
)
ip_range = sa.Table(
    "ip_range",
    metadata,
    C("id", Id, primary_key=True),
    C("subnet_id", Id, sa.ForeignKey("subnet.id", ondelete="CASCADE"), index=True),
    C("kind", Str(20)),  # reserved, dynamic
    C("start", Str(50)),
    C("end", Str(50)),
    C("comment", Text),
    C("user_id", Id, sa.ForeignKey("user_account.id", ondelete="SET NULL"), nullable=True),
    sqlite_autoincrement=True,
)
# Which VLAN an interface of a host is on: the rest of the interface is in the host's inventory. Its addresses are here
# too: nobody else may have them.
host_interface = sa.Table(
    "host_interface",
    metadata,
    C("id", Id, primary_key=True),
    C("host_id", Id, sa.ForeignKey("host.id", ondelete="CASCADE")),
    C("name", Str(100)),
    C("kind", Str(20)),  # bridge, bond …, as in the inventory
    C("mac", Str(20)),
    C("vlan_id", Id, sa.ForeignKey("vlan.id", ondelete="SET NULL"), nullable=True, index=True),
    C("addresses_json", Text),  # ["10.0.0.1/24"]
    C("dhcp", Bool),  # it gives addresses itself
    C("tags_json", Text, server_default="[]"),
    sa.UniqueConstraint("host_id", "name"),
    sqlite_autoincrement=True,
)
link = sa.Table(
    "link",
    metadata,
    C("id", Id, primary_key=True),
    C("interface_id", Id, sa.ForeignKey("interface.id", ondelete="CASCADE"), index=True),
    C("mode", Str(20)),  # LinkMode
    C("subnet_id", Id, sa.ForeignKey("subnet.id"), nullable=True, index=True),
    C("ip", Str(50)),  # "" none; of a learnt one nothing stands in `address`
    C("learnt", Bool),
    C("gateway", Bool),  # the subnet's gateway is the machine's default by choice
    sqlite_autoincrement=True,
)
# Addresses that are taken: the unique key is what no race can overrun.
address = sa.Table(
    "address",
    metadata,
    C("id", Id, primary_key=True),
    C("ip", Str(50), unique=True),  # normal form
    C("subnet_id", Id, sa.ForeignKey("subnet.id")),
    C("link_id", Id, sa.ForeignKey("link.id", ondelete="CASCADE"), nullable=True, index=True),
    C("user_id", Id, sa.ForeignKey("user_account.id"), nullable=True),  # reserved by a person, not held by a link
    C("hostname", Str(255)),
    C("mac", Str(20)),
    C("created", Float),
    sqlite_autoincrement=True,
)
