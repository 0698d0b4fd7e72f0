package view

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Chains shows the chains of a mesh, and what a node knows of who holds them.
func (p Printer) Chains(list *hostv1.ListChainsResponse, s *meshosv1.Snapshot) string {
	chains := list.GetChains()
	known := map[uint64]*meshosv1.ReplicaView{}
	for _, r := range s.GetReplicas() {
		known[r.GetChain()] = r
	}
	t := &table{columns: []string{"CHAIN", "NAME", "REPLICAS", "LEADER", "HELD BY", "SPREAD", "SUBJECTS"}, empty: "The mesh has no chains; `meshos chain create` makes one."}
	for _, c := range chains {
		r := known[c.GetChain()]
		leader, held, style := "-", "-", Ordinary
		if r.GetLeader() != 0 {
			leader = strconv.FormatUint(r.GetLeader(), 10)
		}
		var holders []string
		for _, h := range r.GetHolders() {
			holders = append(holders, strconv.FormatUint(h, 10))
		}
		if len(holders) > 0 {
			held = strings.Join(holders, " ")
			if len(holders) < int(c.GetReplicas()) {
				style = Warning
			}
		}
		spread := text(cmp.Or(c.GetSpread(), "-"))
		if list.GetCrowded()[c.GetChain()] != "" {
			spread.style = Warning
		}
		t.add(text(strconv.FormatUint(c.GetChain(), 10)), text(c.GetName()), cell{fmt.Sprintf("%d of %d", len(holders), c.GetReplicas()), style},
			text(leader), text(held), spread, text(strings.Join(c.GetStream().GetSubjects(), " ")))
	}
	var b strings.Builder
	t.withoutEmpty().write(&b, p)
	for _, c := range chains {
		if why := list.GetCrowded()[c.GetChain()]; why != "" {
			fmt.Fprintf(&b, "  chain %d: %s\n", c.GetChain(), Plain(why))
		}
	}
	return b.String()
}

// chainTitle names the command that sets a chain; "" for all others.
func chainTitle(e *meshosv1.AdminEvent) string {
	c := e.GetSetChain()
	switch {
	case c == nil:
		return ""
	case c.GetDeleted():
		return fmt.Sprintf("delete chain %d (%s) with all that is in it", c.GetChain(), Plain(c.GetName()))
	}
	spread := ""
	if c.GetSpread() != "" {
		spread = ", spread over " + Plain(c.GetSpread())
	}
	if stream := c.GetStream().GetName(); stream != "" {
		return fmt.Sprintf("have the stream %s as chain %d (%s) on %s%s, for messages on %s", Plain(stream), c.GetChain(), Plain(c.GetName()),
			Counted(int(c.GetReplicas()), "node"), spread, Plain(strings.Join(c.GetStream().GetSubjects(), ", ")))
	}
	return fmt.Sprintf("have chain %d (%s) on %s%s, for messages on %s", c.GetChain(), Plain(c.GetName()),
		Counted(int(c.GetReplicas()), "node"), spread, Plain(strings.Join(c.GetStream().GetSubjects(), ", ")))
}

// chainEffect returns sentences about what that does.
func chainEffect(e *meshosv1.AdminEvent) []string {
	c := e.GetSetChain()
	switch {
	case c == nil:
		return nil
	case c.GetDeleted():
		return []string{"All nodes delete their replicas. What is in them can't be brought back, and the id is not given again."}
	}
	if c.GetStream().GetName() != "" {
		return []string{"The node that leads the stream takes it over where it is, if it is as said here, and all who hold it agree; then replicas are placed or evicted until there are so many."}
	}
	return []string{"Nodes that may hold chains create it if there is none, and place or evict replicas until there are so many."}
}
