package config

import (
	"slices"
)

// Difference is one key with another value in two configurations.
type Difference struct {
	Section string // "node", "peer", "plugin" …
	Item    string // the id or name of the entry, for a list of tables
	Key     string // "" for an entry that is in one configuration only
	// Old and New are the values as TOML, "" for a value that is not set. For an entry
	// that was added or removed, one of them is the entry.
	Old, New string
}

// String names the key as it stands in the file: "loop.tick_interval", "plugin NAME: path".
func (d Difference) String() string {
	switch {
	case d.Item == "":
		return d.Section + "." + d.Key
	case d.Key == "" && d.Old == "":
		return d.Section + " " + d.Item + " added"
	case d.Key == "":
		return d.Section + " " + d.Item + " removed"
	}
	return d.Section + " " + d.Item + ": " + d.Key
}

// Differences returns the keys that have other values in next than in c, in the order of
// the file's documentation. Entries of lists are compared by their id or name.
func (c *Config) Differences(next *Config) (out []Difference) {
	before, after := c.sections(), next.sections()
	for i, section := range before {
		if section.single != nil {
			out = append(out, changedKeys(section.name, "", section.single, after[i].single)...)
			continue
		}
		was, is := items(section), items(after[i])
		for _, old := range was {
			at := slices.IndexFunc(is, func(n entry) bool { return n.identity == old.identity })
			if at < 0 {
				out = append(out, Difference{Section: section.name, Item: old.identity, Old: inlineSettings(old.settings)})
			} else {
				out = append(out, changedKeys(section.name, old.identity, old.settings, is[at].settings)...)
			}
		}
		for _, added := range is {
			if !slices.ContainsFunc(was, func(e entry) bool { return e.identity == added.identity }) {
				out = append(out, Difference{Section: section.name, Item: added.identity, New: inlineSettings(added.settings)})
			}
		}
	}
	return out
}

func changedKeys(section, item string, before, after []setting) (out []Difference) {
	for i, s := range before {
		if was, is := s.text(), after[i].text(); was != is {
			out = append(out, Difference{Section: section, Item: item, Key: s.key, Old: was, New: is})
		}
	}
	return out
}

// entry is one table of a list.
type entry struct {
	identity string // its id or its name, whichever entries of the list must have
	settings []setting
}

func items(s sectionSpec) (out []entry) {
	for i := range s.items() {
		settings := s.item(i)
		at := max(0, slices.IndexFunc(settings, func(s setting) bool { return s.need }))
		out = append(out, entry{identity: settings[at].text(), settings: settings})
	}
	return out
}
