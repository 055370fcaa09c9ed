"""Jobs: blocks of lines become portions, in order, in this process or in several."""
