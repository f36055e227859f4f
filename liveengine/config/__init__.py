"""Every file that a user writes: settings, styles, kits, control maps, scenes, cards."""
