"""Asterisk modules that the station uses, by purpose."""

REQUIRED = (
    # Stasis and ARI
    *("app_stasis", "res_stasis", "res_stasis_answer", "res_stasis_playback", "res_stasis_recording"),
    *("res_stasis_snoop", "res_ari", "res_ari_model", "res_ari_applications", "res_ari_asterisk"),
    *("res_ari_bridges", "res_ari_channels", "res_ari_endpoints", "res_ari_events", "res_ari_playbacks"),
    *("res_ari_recordings", "res_http_websocket", "res_websocket_client"),
    # SIP
    *("res_pjproject", "res_pjsip", "res_pjsip_session", "res_pjsip_authenticator_digest", "res_pjsip_caller_id"),
    *("res_pjsip_dtmf_info", "res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_user"),
    *("res_pjsip_header_funcs", "res_pjsip_nat", "res_pjsip_outbound_authenticator_digest"),
    *(
        "res_pjsip_outbound_registration",
        "res_pjsip_path",
        "res_pjsip_registrar",
        "res_pjsip_rfc3326",
        "res_pjsip_sdp_rtp",
    ),
    *("res_pjsip_pubsub", "chan_pjsip", "res_pjsip_messaging", "res_sorcery_config", "res_sorcery_astdb"),
    "res_sorcery_memory",
    *("res_security_log", "res_prometheus"),
    # Carriers ask whether a call is still up by OPTIONS or an INFO without a body, and end it when nobody answers. Not
    # res_pjsip_refer, which would answer REFER: it also obeys INVITE with Replaces, from any account.
    *("res_pjsip_dlg_options", "res_pjsip_empty_info"),
    # sound
    *("res_rtp_asterisk", "res_rtp_multicast", "chan_rtp", "chan_bridge_media", "res_timing_timerfd"),
    *("bridge_holding", "bridge_simple", "bridge_softmix", "bridge_native_rtp", "codec_alaw", "codec_ulaw"),
    *("codec_a_mu", "codec_g722", "codec_gsm", "codec_resample", "format_pcm", "format_wav", "format_sln"),
    *("format_gsm", "func_volume"),
    # the dialplan, degraded mode included
    *("pbx_config", "app_playback", "app_read", "app_page", "app_confbridge", "app_mixmonitor", "app_stack"),
    "pbx_loopback",
    *("app_exec", "app_softhangup", "app_record", "func_env", "func_rand", "func_aes", "func_lock", "res_crypto"),
    *("app_verbose", "app_dial", "func_channel", "func_db", "func_logic", "func_strings", "func_callerid"),
    *("func_global", "func_uuid", "func_cut", "func_dialplan"),
)

IF_PRESENT = ("res_srtp", "codec_opus_open_source", "codec_opus", "res_format_attr_opus")
"""Loaded where the installation has them."""

CAPTURE = ("res_hep", "res_hep_pjsip")
"""Loaded with the fan-out: nothing else says how a re-INVITE has ended."""
