package config

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/meshos/meshos/host/mesh"
)

func (s *ChainStream) settings() []setting {
	return []setting{
		texts("subjects", &s.Subjects).needed().checked(func() *fault { return badSubjects(s.Subjects) }),
		leftOut(size("max_bytes", &s.MaxBytes), func() bool { return s.MaxBytes == 0 }),
		leftOut(duration("max_age", &s.MaxAge), func() bool { return s.MaxAge == 0 }),
		oneOf("retention", &s.Retention, mesh.RetainLimits.String(), mesh.RetainInterest.String(), mesh.RetainWorkQueue.String()),
	}
}

func badChainName(name string) *fault {
	switch {
	case len(name) > mesh.MaxChainName:
		return &fault{message: fmt.Sprintf("has %d bytes, and a name has %d at most", len(name), mesh.MaxChainName)}
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &fault{message: "must hold printable characters only"}
	}
	return nil
}

func badSubjects(subjects []string) *fault {
	const hint = `for example subjects = ["orders.>"]: * stands for one word, > at the end for one or more`
	switch {
	case len(subjects) == 0:
		return &fault{message: "must name one subject at least", hint: hint}
	case len(subjects) > mesh.MaxSubjects:
		return &fault{message: fmt.Sprintf("names %d subjects, and a chain has %d at most", len(subjects), mesh.MaxSubjects)}
	}
	for _, subject := range subjects {
		if why := mesh.BadSubject(subject); why != "" {
			return &fault{message: shortened(quote(subject)) + ": subjects " + why, hint: hint}
		}
	}
	return nil
}

// checkStreams reports streams that no mesh could have together.
func (r *reader) checkStreams(c *Config) {
	at := func(i int, keys ...string) place {
		p := place("").key("chain").item(i)
		for _, key := range keys {
			p = p.key(key)
		}
		return p
	}
	names, held := map[string]mesh.ChainID{}, []mesh.SetChain{}
	for i, chain := range c.Chains {
		if chain.Stream == nil {
			continue
		}
		if n := chain.Replicas; n != nil && !mesh.ChainReplicas(*n) {
			r.problem("chain.replicas", fault{message: fmt.Sprintf("is %d, and a stream has 1, 2, 3 or 5", *n), hint: "3 goes on with one of them lost, 5 with two"}, at(i, "replicas"), at(i))
		}
		set := chain.set()
		if other, twice := names[set.Name]; twice {
			r.problem("chain.name", fault{message: fmt.Sprintf("%q is the name of chain %d too", set.Name, other), hint: "give each chain a name of its own"}, at(i, "name"), at(i))
		}
		names[set.Name] = chain.ID
		for _, other := range held {
			if x, y, meet := meet(other.Stream.Subjects, set.Stream.Subjects); meet {
				r.problem("chain.stream.subjects", fault{
					message: fmt.Sprintf("messages on %s would be those of chain %d as well, which has %s", y, other.Chain, x),
					hint:    "a message belongs to one chain",
				}, at(i, "stream", "subjects"), at(i, "stream"), at(i))
				break
			}
		}
		held = append(held, set)
	}
}

func meet(a, b []string) (x, y string, meet bool) {
	for _, x := range a {
		for _, y := range b {
			if mesh.SubjectsMeet(x, y) {
				return x, y, true
			}
		}
	}
	return "", "", false
}

// set returns what a chain with a stream is in a mesh.
func (c Chain) set() mesh.SetChain {
	out := mesh.SetChain{
		Chain: c.ID, Name: c.Name, Replicas: 3, Spread: c.Spread,
		Stream: mesh.ChainStream{Subjects: c.Stream.Subjects, MaxBytes: c.Stream.MaxBytes, MaxAge: c.Stream.MaxAge, Retention: mesh.RetainLimits},
	}
	if c.Name == "" {
		out.Name = fmt.Sprintf("chain-%d", c.ID)
	}
	if c.Replicas != nil {
		out.Replicas = *c.Replicas
	}
	for _, r := range []mesh.Retention{mesh.RetainInterest, mesh.RetainWorkQueue} {
		if c.Stream.Retention == r.String() {
			out.Stream.Retention = r
		}
	}
	return out
}

// Streams returns the chains that a mesh has from its beginning if it begins with this
// configuration.
func (c *Config) Streams() (out []mesh.SetChain) {
	for _, chain := range c.Chains {
		if chain.Stream != nil {
			out = append(out, chain.set())
		}
	}
	return out
}

// StreamsApart returns where the entries of chains with a stream differ from the chains of the
// mesh, also deleted ones. Those of the mesh count.
func (c *Config) StreamsApart(known []mesh.SetChain) (out []Problem) {
	line := Lines(c.File)
	of := map[mesh.ChainID]mesh.SetChain{}
	for _, chain := range known {
		of[chain.Chain] = chain
	}
	for i, chain := range c.Chains {
		is, there := of[chain.ID]
		if chain.Stream == nil && (!there || is.Deleted) {
			continue
		}
		apart := func(keys []string, hint, format string, args ...any) {
			out = append(out, Problem{
				File: c.File, Line: line("chain", i, keys...), Key: strings.Join(append([]string{"chain"}, keys...), "."),
				Message: fmt.Sprintf(format, args...), Hint: hint,
			})
		}
		if chain.Stream == nil {
			if n := chain.Replicas; n != nil && *n != is.Replicas {
				apart([]string{"replicas"}, fmt.Sprintf("the mesh counts: take the entry out, or change the mesh by `meshos chain set %d --replicas %d`", chain.ID, *n),
					"is %d, and chain %d of the mesh has %d", *n, chain.ID, is.Replicas)
			}
			continue
		}
		set := chain.set()
		switch {
		case !there:
			apart([]string{"id"}, fmt.Sprintf("create it with `meshos chain create %s`, or take the entry out", set.Name),
				"the mesh has no chain %d: entries count when the mesh begins, and after that `meshos chain` says what its chains are", chain.ID)
			continue
		case is.Deleted:
			apart([]string{"id"}, "take the entry out", "chain %d of the mesh was deleted", chain.ID)
			continue
		}
		hint := "the mesh counts: change the entry, or take it out"
		differs := func(here, there, change string, keys ...string) {
			h := hint
			if change != "" {
				h += "; " + change
			}
			if here != there {
				apart(keys, h, "is %s, and chain %d of the mesh has %s", here, chain.ID, there)
			}
		}
		differs(quote(set.Name), quote(is.Name), "", "name")
		differs(fmt.Sprint(set.Replicas), fmt.Sprint(is.Replicas), fmt.Sprintf("`meshos chain set %d --replicas %d` changes that of the mesh", chain.ID, set.Replicas), "replicas")
		differs(quote(set.Spread), quote(is.Spread), fmt.Sprintf("`meshos chain set %d --spread %s` changes that of the mesh", chain.ID, orNone(set.Spread)), "spread")
		differs(strings.Join(set.Stream.Subjects, " "), strings.Join(is.Stream.Subjects, " "), "", "stream", "subjects")
		differs(limit(set.Stream.MaxBytes, formatSize), limit(is.Stream.MaxBytes, formatSize), "", "stream", "max_bytes")
		differs(limit(set.Stream.MaxAge, formatDuration), limit(is.Stream.MaxAge, formatDuration), "", "stream", "max_age")
		differs(set.Stream.Retention.String(), is.Stream.Retention.String(), "", "stream", "retention")
	}
	return out
}

// StreamsAlone returns a warning for each entry with a stream of a node that belongs to no mesh.
func (c *Config) StreamsAlone() (out []Problem) {
	line := Lines(c.File)
	for i, chain := range c.Chains {
		if chain.Stream != nil {
			out = append(out, Problem{
				File: c.File, Line: line("chain", i, "stream"), Key: "chain.stream",
				Message: fmt.Sprintf("chain %d is stored nowhere: this node belongs to no mesh", chain.ID),
				Hint:    "`meshos mesh init` begins one and creates the chain in it; the node is a whole without it",
			})
		}
	}
	return out
}

func limit[T int64 | time.Duration](n T, show func(T) string) string {
	if n == 0 {
		return "no limit"
	}
	return show(n)
}

func orNone(label string) string {
	if label == "" {
		return "none"
	}
	return label
}
