"""Ableton Live: by AbletonOSC what is asked, sent and heard over UDP; and sets as files."""
