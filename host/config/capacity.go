package config

import "fmt"

// checkCapacity reports what the file has more of than the node may remember.
func (r *reader) checkCapacity(c *Config) {
	for _, list := range []struct {
		section string
		n, most int
	}{
		{"peer", len(c.Peers), c.Capacity.Peers},
		{"chain", len(c.Chains), c.Capacity.Chains},
		{"daemon", len(c.Daemons), c.Capacity.Daemons},
	} {
		if list.n > list.most {
			key := "capacity." + list.section + "s"
			r.problem(key, fault{
				message: fmt.Sprintf("is %d, but the file has %d [[%s]]", list.most, list.n, list.section),
				hint:    fmt.Sprintf("set %s to more than there will ever be of them", key),
			}, place("").key("capacity").key(list.section+"s"), place("").key(list.section).item(list.most))
		}
	}
	r.checkName(c, "node", c.Node.Name, place("").key("node"))
	for i, peer := range c.Peers {
		r.checkName(c, "peer", peer.Name, place("").key("peer").item(i))
	}
	for i, daemon := range c.Daemons {
		r.checkName(c, "daemon", daemon.Name, place("").key("daemon").item(i))
	}
	for i, chain := range c.Chains {
		if chain.Replicas != nil && int(*chain.Replicas) > c.Capacity.HoldersPerChain {
			r.warning("chain.replicas", fault{
				message: fmt.Sprintf("is %d, but this node remembers at most %d holders of a chain", *chain.Replicas, c.Capacity.HoldersPerChain),
				hint:    "raise holders_per_chain in [capacity]",
			}, place("").key("chain").item(i).key("replicas"))
		}
	}
}

// checkName reports a name that is too long.
func (r *reader) checkName(c *Config, section, name string, at place) {
	if len(name) > c.Capacity.NameBytes {
		r.problem(section+".name", fault{
			message: fmt.Sprintf("has %d bytes, at most %d are possible", len(name), c.Capacity.NameBytes),
			hint:    "choose a shorter name, or raise name_bytes in [capacity]",
		}, at.key("name"))
	}
}
