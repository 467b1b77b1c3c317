"""Settings of a station.

Sources, later ones win: the defaults below, `haichieu.toml` in the home, `HAICHIEU_*` in the
environment, the command line. Nothing else in the project reads the environment.
"""

import ipaddress
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from haichieu.errors import InvalidValue, SettingsError
from haichieu.locale import FALLBACK, LANGUAGES, Message, message
from haichieu.pydantic_messages import message_of_detail

EVERYWHERE = "0.0.0.0"  # noqa: S104 (a value to recognise)

TRANSCRIBERS = ("faster-whisper", "viet-asr", "zipformer", "none")
MOST_PAUSE_MINUTES = 2880
FEWEST_RTP_PORTS = 200


class _Sources(BaseSettings):
    """The sources of settings, in order."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources; the file's place depends on the home, which the other two may name."""
        home = init_settings().get("home") or env_settings().get("home") or "var"
        file = TomlConfigSettingsSource(settings_cls, Path(home) / "haichieu.toml")
        return init_settings, env_settings, file


class Settings(_Sources):
    """The settings of one station. Times are seconds, sizes are megabytes, ports are UDP or TCP numbers."""

    model_config = SettingsConfigDict(env_prefix="HAICHIEU_", extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="Folder for everything this station writes.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in the home.")
    bind: str = Field("127.0.0.1", description="Address that SIP, RTP and the web listen on.")
    external_address: str = Field(
        "", description="Address announced to phones outside the local network, when behind NAT."
    )
    sip_port: int = Field(5060, ge=1, le=65535, description="UDP and TCP port of SIP.")
    sip_tls_port: int = Field(5061, ge=1, le=65535, description="TCP port of SIP over TLS.")
    sip_tls_certificate: Path | None = Field(
        None, description="PEM file of the SIP server's certificate and its chain; empty means self-signed in the home."
    )
    sip_tls_key: Path | None = Field(None, description="PEM file of the private key of sip_tls_certificate.")
    verify_carriers: bool = Field(
        True, description="Connect over TLS only to carriers whose certificate is valid for their host name."
    )
    rtp_ports: str = Field("20000-29999", description="UDP port range of RTP, first-last; each call needs two ports.")
    ari_port: int = Field(
        8088,
        ge=1,
        le=65535,
        description="TCP port of ARI; bound to loopback unless ari_host is set.",
    )
    ari_host: str = Field(
        "127.0.0.1", description="Address of ARI: Asterisk listens there, and the switchboard connects to it."
    )
    ari_password: str = Field("", repr=False, description="ARI password; empty means generated in the home.")
    web_port: int = Field(8080, ge=1, le=65535, description="TCP port of the web process.")
    asterisk: str = Field("", description="Path of an Asterisk binary; empty means find or fetch one.")
    asterisk_cache: Path | None = Field(
        None, description="Folder for a fetched Asterisk; default ~/.cache/haichieu/asterisk."
    )
    language: str = Field("", description="Language of command output, vi or en; empty means vi.")
    min_free_megabytes: int = Field(
        200,
        ge=0,
        description="Minimum free disk (MB) required to start a recording, beside what others in progress need.",
    )
    call_back_delay: float = Field(
        2.0, ge=0, description="Seconds between hanging up on an official and calling them back."
    )
    qualify_seconds: int = Field(
        30, ge=0, description="Seconds between OPTIONS requests to a speaker (qualify); 0 relies on its registration."
    )
    speaker_away_hours: int = Field(
        24, ge=0, description="Hours that a speaker may be away before a repair is opened for it; 0 opens none."
    )
    answer_seconds: float = Field(
        8.0,
        ge=1,
        le=60,
        description="Seconds a speaker may take to answer before it is called again, with twice the time.",
    )
    dial_ahead: bool = Field(
        True,
        description="Call speakers before a broadcast begins, while the official still confirms or the time comes.",
    )
    multicast_ttl: int = Field(
        1, ge=1, le=255, description="Time to live of multicast to speakers; 1 ends at the first router."
    )
    multicast_interface: str = Field(
        "", description="Local IPv4 address that multicast is sent from; empty means bind, else by the routing table."
    )
    fan_out: bool = Field(
        False, description="Send the sound of broadcasts to the speakers outside Asterisk, where a speaker allows it."
    )
    fan_out_port: int = Field(
        5079, ge=1, le=65535, description="UDP port on 127.0.0.1 for SIP between Asterisk and the fan-out."
    )
    max_live_minutes: int = Field(120, ge=1, description="Maximum length of a live broadcast in minutes.")
    max_hold_seconds: int = Field(
        60, ge=1, description="Seconds an official may put a live broadcast on hold before it ends."
    )
    keep_withdrawn_days: int = Field(
        90, ge=0, description="Days to retain the sound of a withdrawn programme; 0 means forever."
    )
    keep_expired_days: int = Field(
        365,
        ge=0,
        description="Days to retain the sound of a programme after it expired and was last broadcast; 0 means forever.",
    )
    keep_recordings_days: int = Field(
        365, ge=0, description="Days to retain recordings of live broadcasts; 0 means forever."
    )
    transcriber: str = Field(
        "faster-whisper",
        description="Engine that transcribes voice messages: faster-whisper, viet-asr, zipformer, or none.",
    )
    asr_model: Path | None = Field(
        None, description="Folder of the speech model; default: the engine's own in ~/.cache/haichieu/asr."
    )
    transcriber_threads: int = Field(
        1, ge=1, le=64, description="Processor threads of the transcriber; many threads may disturb calls."
    )
    voices: str = Field(
        "",
        description="Voice per language, such as vi=vi_VN-vais1000-medium,en=espeak-ng; empty: the first one fetched.",
    )
    voice_folder: Path | None = Field(None, description="Folder of fetched voices; default ~/.cache/haichieu/voices.")
    voice_speed: float = Field(1.0, ge=0.5, le=2.0, description="Speed of synthetic speech; 1 is the voice's own.")
    announce_synthetic: bool = Field(
        False, description="Say before a broadcast that it was read by a synthetic voice; in an emergency, after it."
    )
    twilio_account_sid: str = Field("", description="Twilio account; empty means no text messages through Twilio.")
    twilio_auth_token: str = Field("", repr=False, description="Twilio's secret; it signs requests in both directions.")
    twilio_number: str = Field("", description="Sender number of texts, in E.164.")
    twilio_base_url: str = Field("", description="Address of Twilio's API; empty means Twilio itself.")
    public_url: str = Field("", description="Public URL of the web process; Twilio signs the URL that it calls.")
    web_proxies: int = Field(
        0, ge=0, le=5, description="Number of trusted reverse proxies in front of the web process."
    )
    keep_message_sound_days: int = Field(
        730,
        ge=0,
        description="Days to retain the sound of a citizen's message after its case was closed; 0 means forever.",
    )
    keep_cases_days: int = Field(
        1825, ge=0, description="Days to retain a closed case with all its data; 0 means forever."
    )
    answer_call_pauses: str = Field(
        "10,60,240,1200",
        description="Delays in minutes between answer-call attempts; there is one more attempt than delays.",
    )
    check_direct_calls: bool = Field(
        True, description="Call each new speaker directly once, to find devices that answer anyone on their network."
    )
    outgoing_countries: str = Field(
        "VN", description="Countries (ISO 3166, separated by commas) whose subscribers the station calls and texts."
    )
    daily_officials: int = Field(500, ge=0, description="Maximum calls to officials per day.")
    daily_duty_desk: int = Field(500, ge=0, description="Maximum calls to duty desks per day.")
    daily_missed_calls: int = Field(200, ge=0, description="Maximum calls back to citizens per day.")
    daily_answer_calls: int = Field(300, ge=0, description="Maximum calls per day that deliver answers.")
    daily_receipts: int = Field(500, ge=0, description="Maximum texts per day with case numbers and confirmations.")
    daily_answer_texts: int = Field(500, ge=0, description="Maximum texts per day that deliver answers.")
    backup_folder: Path | None = Field(
        None, description="Folder for a backup every night, on another disk; empty means none."
    )
    backup_hour: int = Field(2, ge=0, le=23, description="Hour of the nightly backup, in the station's time zone.")
    backup_keep: int = Field(7, ge=1, description="Number of nightly backups to retain.")
    backup_passphrase: str = Field("", repr=False, description="Passphrase that encrypts backups; empty means none.")
    node: str = Field(
        "main",
        pattern=r"^[A-Za-z0-9._-]{1,60}$",
        description="Name of this switchboard; must be unique among switchboards that share a database.",
    )
    node_address: str = Field(
        "",
        description="Address at which the other nodes reach this one; empty means bind (needed with 0.0.0.0).",
    )
    behind_proxy: bool = Field(
        False, description="Whether devices register through a SIP proxy, which alone can reach this node's SIP port."
    )
    registration_seconds: int = Field(
        3600, ge=10, le=3600, description="Longest registration of a device; it may be away so long if a node is lost."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("rtp_ports")
    @classmethod
    def _ports_are_a_range(cls, value: str) -> str:
        first, dash, last = value.partition("-")
        if not (dash and first.isdigit() and last.isdigit() and 1024 <= int(first) < int(last) <= 65535):
            raise InvalidValue("settings.port_range")
        if int(last) - int(first) + 1 < FEWEST_RTP_PORTS:
            raise InvalidValue("settings.few_ports", fewest=FEWEST_RTP_PORTS)
        return value

    @field_validator("multicast_interface")
    @classmethod
    def _interface_is_an_address(cls, value: str) -> str:
        try:
            return str(ipaddress.IPv4Address(value)) if value else value
        except ValueError:
            raise InvalidValue("settings.ipv4") from None

    @field_validator("language")
    @classmethod
    def _language_is_known(cls, value: str) -> str:
        if value and value not in LANGUAGES:
            raise InvalidValue("settings.one_of", values=tuple(LANGUAGES))
        return value

    @field_validator("transcriber")
    @classmethod
    def _transcriber_is_known(cls, value: str) -> str:
        if value not in TRANSCRIBERS:
            raise InvalidValue("settings.one_of", values=TRANSCRIBERS)
        return value

    @field_validator("voices")
    @classmethod
    def _voices_are_named(cls, value: str) -> str:
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        languages = [language.strip().lower() for language, _, name in pairs if name.strip()]
        if len(set(languages)) < len(pairs) or not all(language.isalpha() for language in languages):
            raise InvalidValue("settings.voices")
        return value

    @field_validator("answer_call_pauses")
    @classmethod
    def _pauses_are_minutes(cls, value: str) -> str:
        try:
            minutes = [float(part) for part in value.split(",") if part.strip()]
        except ValueError:
            minutes = [-1.0]
        if not all(0 <= pause <= MOST_PAUSE_MINUTES for pause in minutes):
            raise InvalidValue("settings.minutes", most=MOST_PAUSE_MINUTES)
        return value

    @field_validator("outgoing_countries")
    @classmethod
    def _countries_exist(cls, value: str) -> str:
        from phonenumbers import SUPPORTED_REGIONS  # slow to import, and rarely needed here

        if not set(_codes(value)) <= SUPPORTED_REGIONS:
            raise InvalidValue("settings.countries")
        return value

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        names: dict[int, str] = {}
        used = ("ari_port", "web_port", "sip_port", "sip_tls_port", *(("fan_out_port",) if self.fan_out else ()))
        for name in used:
            port = getattr(self, name)
            if port in names:
                raise InvalidValue("settings.same_port", first=names[port], second=name, port=port)
            names[port] = name
        self._require_outside_rtp("sip_port", self.sip_port)
        if self.fan_out:
            self._require_outside_rtp("fan_out_port", self.fan_out_port)
        return self

    def _require_outside_rtp(self, name: str, port: int) -> None:
        """Refuse a UDP port that Asterisk may choose for RTP or RTCP: the call would have no sound."""
        first, last = self.rtp_range
        if first <= port <= last:
            raise InvalidValue("settings.port_of_rtp", name=name, port=port, range=self.rtp_ports)

    @model_validator(mode="after")
    def _certificate_has_a_key(self) -> Self:
        if (self.sip_tls_certificate is None) != (self.sip_tls_key is None):
            raise InvalidValue("settings.certificate_and_key")
        return self

    @property
    def rtp_range(self) -> tuple[int, int]:
        """First and last UDP port of RTP."""
        first, _, last = self.rtp_ports.partition("-")
        return int(first), int(last)

    @property
    def rtp_pairs(self) -> int:
        """The number of calls for which Asterisk has an even port for RTP and the next one for RTCP."""
        first, last = self.rtp_range
        return (self.fan_out_rtp_port if self.fan_out else last + 1) // 2 - (first + 1) // 2

    @property
    def fan_out_rtp_port(self) -> int:
        """The even port at the end of the range from which the fan-out sends RTP; the next one is for its RTCP."""
        last = self.rtp_range[1]
        return last - 1 if last % 2 else last - 2

    @property
    def answer_call_minutes(self) -> tuple[float, ...]:
        """Delays between attempts to deliver an answer by call."""
        return tuple(float(part) for part in self.answer_call_pauses.split(",") if part.strip())

    @property
    def outgoing_region_codes(self) -> tuple[str, ...]:
        """Countries whose subscribers the station calls and texts."""
        return _codes(self.outgoing_countries)

    @property
    def multicast_source(self) -> str:
        """Source address of multicast; empty leaves it to the routing table."""
        return self.multicast_interface or ("" if self.bind == EVERYWHERE else self.bind)

    @property
    def resolved_database_url(self) -> str:
        """The database URL in use, with the default filled in."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'haichieu.sqlite'}"

    @property
    def ui_language(self) -> str:
        """Language of command output."""
        return self.language or FALLBACK


def _codes(countries: str) -> tuple[str, ...]:
    return tuple(code.strip().upper() for code in countries.split(",") if code.strip())


def load_settings(**overrides: Any) -> Settings:
    """Read the settings, `overrides` (from the command line) last; `None` means not given.

    Raises SettingsError with one line per mistake.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as problem:
        mistakes = [
            message(
                "settings.mistake",
                setting=".".join(str(part) for part in error["loc"]) or "settings",
                mistake=message_of_detail(error),
            )
            for error in problem.errors()
        ]
        raise SettingsError(Message.lines(mistakes)) from problem
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError("settings.not_toml", why=str(problem)) from problem
    except UnicodeDecodeError as problem:
        raise SettingsError("settings.not_utf8") from problem
    except OSError as problem:
        raise SettingsError("settings.not_read", why=problem.strerror or type(problem).__name__) from problem


class _LanguageAlone(_Sources):
    """The one setting that is needed to report mistakes in the others."""

    model_config = SettingsConfigDict(env_prefix="HAICHIEU_", extra="ignore")

    home: Path = Path("var")
    language: str = ""


def command_language(home: Path | None) -> str:
    """Return the language of command output, also when other settings are invalid."""
    given: dict[str, Any] = {"home": home} if home else {}
    try:
        chosen = _LanguageAlone(**given).language
    except (ValueError, OSError):  # a file that is no TOML, or no UTF-8, or not a valid setting
        chosen = ""
    return chosen if chosen in LANGUAGES else FALLBACK
