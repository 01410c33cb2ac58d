"""Networks, images, deployments, keys and tags."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boot_source",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boot_source")),
        sa.UniqueConstraint("url", name=op.f("uq_boot_source_url")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fabric",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("class_type", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fabric")),
        sa.UniqueConstraint("name", name=op.f("uq_fabric_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "image",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("architecture", sa.String(length=50), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("name", "architecture", name=op.f("uq_image_name_architecture")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "space",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_space")),
        sa.UniqueConstraint("name", name=op.f("uq_space_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("kernel_opts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("name", name=op.f("uq_tag_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "boot_selection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("os", sa.String(length=100), nullable=False),
        sa.Column("release", sa.String(length=100), nullable=False),
        sa.Column("arches_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["boot_source.id"], name=op.f("fk_boot_selection_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boot_selection")),
        sa.UniqueConstraint("source_id", "os", "release", name=op.f("uq_boot_selection_source_id_os_release")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("boot_selection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_boot_selection_source_id"), ["source_id"], unique=False)

    op.create_table(
        "image_file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("filetype", sa.String(length=50), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_file_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_file")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("image_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_image_file_image_id"), ["image_id"], unique=False)

    op.create_table(
        "ssh_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_ssh_key_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ssh_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ssh_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ssh_key_user_id"), ["user_id"], unique=False)

    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_stored_file_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_file_key")),
        sa.UniqueConstraint("owner_id", "filename", name=op.f("uq_stored_file_owner_id_filename")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vlan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fabric_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vid", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("dhcp_on", sa.Boolean(), nullable=False),
        sa.Column("space_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["fabric_id"], ["fabric.id"], name=op.f("fk_vlan_fabric_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_vlan_space_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vlan")),
        sa.UniqueConstraint("fabric_id", "vid", name=op.f("uq_vlan_fabric_id_vid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "host_image",
        sa.Column("host_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("pushed", sa.Boolean(), nullable=False),
        sa.Column("pusher", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_host_image_host_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_host_image_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("host_id", "image_id", name=op.f("pk_host_image")),
    )
    op.create_table(
        "host_interface",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("host_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("mac", sa.String(length=20), nullable=False),
        sa.Column("vlan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("addresses_json", sa.Text(), nullable=False),
        sa.Column("dhcp", sa.Boolean(), nullable=False),
        sa.Column("tags_json", sa.Text(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_host_interface_host_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["vlan_id"], ["vlan.id"], name=op.f("fk_host_interface_vlan_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_interface")),
        sa.UniqueConstraint("host_id", "name", name=op.f("uq_host_interface_host_id_name")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("host_interface", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_host_interface_vlan_id"), ["vlan_id"], unique=False)

    op.create_table(
        "subnet",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("cidr", sa.String(length=50), nullable=False),
        sa.Column("vlan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("gateway_ip", sa.String(length=50), nullable=True),
        sa.Column("dns_json", sa.Text(), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("allow_dns", sa.Boolean(), nullable=False),
        sa.Column("allow_proxy", sa.Boolean(), nullable=False),
        sa.Column("active_discovery", sa.Boolean(), nullable=False),
        sa.Column("rdns_mode", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["vlan_id"], ["vlan.id"], name=op.f("fk_subnet_vlan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subnet")),
        sa.UniqueConstraint("cidr", name=op.f("uq_subnet_cidr")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subnet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subnet_vlan_id"), ["vlan_id"], unique=False)

    op.create_table(
        "deployment",
        sa.Column("system_id", sa.String(length=20), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("signs_json", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("deadline", sa.Float(), nullable=False),
        sa.Column("phoned", sa.Float(), nullable=True),
        sa.Column("console", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_deployment_image_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["system_id"], ["machine.system_id"], name=op.f("fk_deployment_system_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("system_id", name=op.f("pk_deployment")),
    )
    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployment_token_hash"), ["token_hash"], unique=False)

    op.create_table(
        "ip_range",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subnet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("start", sa.String(length=50), nullable=False),
        sa.Column("end", sa.String(length=50), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnet.id"], name=op.f("fk_ip_range_subnet_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_ip_range_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ip_range")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ip_range", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ip_range_subnet_id"), ["subnet_id"], unique=False)

    op.create_table(
        "placement",
        sa.Column("system_id", sa.String(length=20), nullable=False),
        sa.Column("verdicts_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["system_id"], ["machine.system_id"], name=op.f("fk_placement_system_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("system_id", name=op.f("pk_placement")),
    )
    op.create_table(
        "static_route",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway_ip", sa.String(length=50), nullable=False),
        sa.Column("metric", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["subnet.id"], name=op.f("fk_static_route_destination_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["subnet.id"], name=op.f("fk_static_route_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_static_route")),
        sa.UniqueConstraint(
            "source_id",
            "destination_id",
            "gateway_ip",
            name=op.f("uq_static_route_source_id_destination_id_gateway_ip"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("interface_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("subnet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ip", sa.String(length=50), nullable=False),
        sa.Column("learnt", sa.Boolean(), nullable=False),
        sa.Column("gateway", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interface_id"], ["interface.id"], name=op.f("fk_link_interface_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnet.id"], name=op.f("fk_link_subnet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_interface_id"), ["interface_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_subnet_id"), ["subnet_id"], unique=False)

    op.create_table(
        "address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ip", sa.String(length=50), nullable=False),
        sa.Column("subnet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hostname", sa.String(length=255), nullable=False),
        sa.Column("mac", sa.String(length=20), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_address_link_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnet.id"], name=op.f("fk_address_subnet_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_address_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("ip", name=op.f("uq_address_ip")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_link_id"), ["link_id"], unique=False)

    op.create_table(
        "stamp",
        sa.Column("of", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("of", name=op.f("pk_stamp")),
    )
    op.execute("INSERT INTO stamp (of, number) SELECT id, 1 FROM host")

    # recreate="never": a table that SQLite makes anew would forget which ids it has given.
    with op.batch_alter_table("domain", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("is_default", sa.Boolean(), server_default=sa.false(), nullable=False))
    domain = sa.table("domain", sa.column("id"), sa.column("is_default"))
    first = sa.select(sa.func.min(domain.c.id)).scalar_subquery()
    op.execute(sa.update(domain).where(domain.c.id == first).values(is_default=sa.true()))

    with op.batch_alter_table("host", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("schedulable", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("closed_reason", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("guest_address", sa.String(length=200), server_default="", nullable=False))

    with op.batch_alter_table("interface", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("vlan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("tags_json", sa.Text(), server_default="[]", nullable=False))
        batch_op.create_index(batch_op.f("ix_interface_vlan_id"), ["vlan_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_interface_vlan_id"), "vlan", ["vlan_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("machine", schema=None, recreate="never") as batch_op:
        composer = sa.Column("composer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        batch_op.add_column(composer)
        batch_op.add_column(sa.Column("dynamic", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("osystem", sa.String(length=100), server_default="", nullable=False))
        batch_op.add_column(sa.Column("distro_series", sa.String(length=100), server_default="", nullable=False))
        batch_op.add_column(sa.Column("anti_affinity", sa.String(length=100), server_default="", nullable=False))
        batch_op.add_column(sa.Column("used", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("parent", sa.String(length=20), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_machine_anti_affinity"), ["anti_affinity"], unique=False)
        batch_op.create_index(batch_op.f("ix_machine_status"), ["status"], unique=False)
