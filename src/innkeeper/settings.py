"""The settings, read once: from the command line, the environment (INNKEEPER_…) and `.env`, in this order."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting with its default. Times in seconds."""

    model_config = SettingsConfigDict(env_prefix="INNKEEPER_", env_file=".env", extra="ignore")

    data: Path = Field(default=Path.home() / ".local/share/innkeeper", description="where the database and the key are")
    database: str | None = Field(default=None, description="database URL; default SQLite in the data directory")
    key_file: Path | None = Field(default=None, description="the key that secrets are encrypted with; made if missing")
    images: Path | None = Field(
        default=None, description="where images are kept, one directory for all servers; default: in the data directory"
    )
    default_image: str = Field(default="", description="what a deploy without distro_series takes, like ubuntu/noble")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=5240, ge=0, le=65535, description="port to listen on; 0: a free one")
    reached_at: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+(/\S*)?)?$",
        max_length=200,
        description="where the installation's other processes reach this one, like http://10.0.0.2:5240; "
        "default: where it listens",
    )
    name: str = Field(default="innkeeper", description="this installation's name, part of the certificates it makes")
    domain: str = Field(default="maas", description="the default domain of machines, made at first start")

    first_admin: bool = Field(
        default=True,
        description="the first start makes the administrator admin and prints the key; "
        "false: a page makes one, with a code that is printed",
    )

    compose_wait: float = Field(default=90.0, description="how long a request waits for an operation to end")
    per_host: int = Field(default=8, ge=1, description="operations at once on one host")
    refresh_every: float = Field(default=600.0, description="full refresh of a host with an open event stream")
    poll_every: float = Field(default=30.0, description="refresh of a host whose event stream is cut")
    trust_every: float = Field(default=3.0, description="how often a host that does not trust us yet is asked")
    power_grace: float = Field(default=60.0, description="a guest that has not shut down by then is stopped by force")
    deploy_limit: float = Field(default=1800.0, description="a deployed guest that has not shown itself by then failed")
    host_timeout: float = Field(default=30.0, description="the longest wait for one answer of a host")
    lease: float = Field(default=5.0, description="a process silent for longer is taken for dead")
    beat: float = Field(default=1.0, description="heartbeat of a process")
    retry_first: float = Field(
        default=0.5, gt=0, description="an operation that waits for its host is tried again after that, then ever later"
    )
    crash_limit: int = Field(default=5, description="crashes of processes at one step before an operation is stopped")
    sweep_after: float = Field(default=300.0, description="age of a failed operation before its leftovers are swept")
    keep_images: float = Field(default=30 * 86400.0, description="images that no deploy used stay on a host this long")
    keep_operations: float = Field(default=30 * 86400.0, description="ended operations are kept this long")
    keep_events: float = Field(default=90 * 86400.0, description="events are kept this long")
    simulated_hosts: Path | None = Field(default=None, description="directory of simulated hosts, for tests")
    demo_fleet: bool = Field(default=False, description="twenty simulated hosts with two hundred machines, to look at")
    log_level: str = Field(default="INFO", description="the least that is logged: DEBUG, INFO, WARNING, ERROR")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'innkeeper.sqlite'}"

    @property
    def images_directory(self) -> Path:
        return self.images or self.data / "images"

    @property
    def encryption_key_file(self) -> Path:
        return self.key_file or self.data / "encryption.key"
