"""Ableton Live: by AbletonOSC what is asked, told and heard over UDP; and sets as files."""
