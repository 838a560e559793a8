"""Learning on the fly: explore with a potential, label what it does not know, fit again."""
