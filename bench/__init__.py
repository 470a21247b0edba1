"""CPU time of the hot paths beside the floor of the same server: `./bin/bench`."""
