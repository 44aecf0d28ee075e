"""Recording of calls between browsers: by a process of its own, to which both pages send a copy of what they say."""
